export const name = "The queue moves under somebody's hands, and gives units back";

// The sandbox leaves two seconds between two messages here, so that they wait for
// a while.
export default async function ({ world, must, sees, accessible, shot, open }) {
  const at = world.base + world.workspace;
  const page = await open(), account = "+15105566777";
  const queue = async () => {
    await page.goto(at + "/queue");
    if (await page.locator("#line").count() === 0) await page.getByRole("link", { name: "Sandbox" }).first().click();
  };
  const api = world.base + "/api/v1" + world.workspace.replace("/w/", "/workspaces/") + "/channels", headers = { Authorization: "Bearer " + world.key };
  const sandbox = (await (await page.request.get(api, { headers })).json()).data.find((c) => c.phone === account);
  const slowed = await page.request.patch(api + "/" + sandbox.id, { headers, data: { spacing_ms: { min: 1500, max: 2500 } } });
  must(slowed.ok(), `the pace cannot be set: ${await slowed.text()}`);
  for (let n = 0; n < 30; n++) {
    const answer = await page.request.post(world.hook, { data: { action: "send", phone: `+1415555${3000 + n}`, text: `Message ${n}`, whatsapp_account_phone: account } });
    must(answer.status() === 200, `the webhook answered ${answer.status()}`);
  }
  await page.request.post(world.hook, { data: { action: "send", phone: "+14155559901", text: "to nobody", whatsapp_account_phone: account } });

  await queue();
  await sees(page, "In their order");
  await accessible(page);
  await shot(page, "queue");
  const figures = () => page.locator("#figures").innerText();
  const first = await figures();
  await page.waitForFunction((was) => document.querySelector("#figures").innerText !== was, first);

  // What was chosen stays chosen while the figures move on.
  const last = page.locator("#line tbody input").last();
  const id = await last.getAttribute("value");
  await last.check();
  await page.waitForTimeout(6000);
  must(await page.locator(`#line input[value="${id}"]`).isChecked(), "the list moved under somebody who was choosing");
  must(await page.evaluate((v) => document.activeElement?.value === v, id), "the keyboard is elsewhere");
  await page.getByRole("button", { name: "Cancel selected" }).click();
  await sees(page, "1 message will not be sent. 1 unit comes back.");
  await accessible(page);
  await shot(page, "ask");
  await page.getByRole("button", { name: "Yes, cancel 1 message" }).click();
  await sees(page, "1 message was canceled. 1 unit came back.");
  await page.getByRole("link", { name: "Ledger" }).waitFor();

  // The list follows the line where nobody works in it.
  const head = await page.locator("#line tbody a").first().innerText();
  await page.waitForFunction((was) => document.querySelector("#line tbody a")?.innerText !== was, head);

  // A message's page follows it until it has left.
  await page.locator("#line tbody a.row-link").first().click();
  await sees(page, "Message to");
  await sees(page, "Delivered");
  await accessible(page);
  await shot(page, "message");

  // All that waits goes by its number. It is paused first, so that the number holds.
  await queue();
  await page.locator("summary", { hasText: "Pause" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await sees(page, "is paused.");
  await page.waitForTimeout(1500); // one that was on its way
  await page.reload();
  await page.locator("summary", { hasText: "Cancel all of this channel" }).click();
  const field = page.locator("#number");
  await field.fill("0");
  await page.getByRole("button", { name: "Cancel all of this channel" }).click();
  await sees(page, "nothing was canceled");
  await accessible(page);
  const label = await page.locator("label[for=number]").innerText();
  await page.locator("#number").fill(label.match(/\d+/)[0]);
  await page.getByRole("button", { name: "Cancel all of this channel" }).click();
  await sees(page, "Nothing waits");
  await sees(page, "came back.");
  await shot(page, "emptied");
  await page.locator("summary", { hasText: "Resume" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await sees(page, "goes on.");

  await page.goto(at);
  await sees(page, "The last 14 days");
  await accessible(page);
  await shot(page, "overview");
  await page.goto(at + "/messages?q=3000");
  await page.locator("tbody a.row-link", { hasText: "+14155553000" }).waitFor();
  await page.keyboard.press("/");
  must(await page.evaluate(() => document.activeElement?.id === "q"), "/ does not lead to the search");
  await page.request.patch(api + "/" + sandbox.id, { headers, data: { spacing_ms: sandbox.spacing_ms } });
}
