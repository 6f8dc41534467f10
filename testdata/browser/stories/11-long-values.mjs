export const name = "Long names and texts push nothing out of sight";

// What people write has no length of its own: a channel, a person, a text.
export default async function ({ world, must, sees, shot, open }) {
  const page = await open({ viewport: { width: 1280, height: 800 } });
  const at = world.base + "/api/v1" + world.workspace.replace("/w/", "/workspaces/");
  const headers = { Authorization: "Bearer " + world.key };
  const channel = await (await page.request.post(at + "/channels", { headers, data: { kind: "sandbox", name: "N".repeat(120), phone: "+15550100999" } })).json();
  must(channel.id, "no channel was made: " + JSON.stringify(channel));
  const { webhook } = await (await page.request.get(at, { headers })).json();
  const answer = await page.request.post(webhook.url, { data: { action: "send", phone: "+14155550199", whatsapp_account_phone: "+15550100999", text: "https://example.com/" + "a".repeat(300) } });
  must(answer.status() === 200, `the webhook answered ${answer.status()}: ${await answer.text()}`);
  await page.request.post(webhook.url, { headers: { "Content-Type": "application/json" }, data: "<p>" + "x".repeat(400) + "</p>" });

  await page.goto(world.base + world.workspace + "/channels/" + channel.id);
  await page.locator('[name="sender"]').fill("+14155550199");
  await page.locator('[name="sender_name"]').fill("VeryLongName".repeat(20));
  await page.locator('form[action$="/inbound"] [name="text"]').fill("w".repeat(900));
  await page.locator('form[action$="/inbound"] button').click();
  await sees(page, "has written to this channel");

  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    for (const path of ["", "/attempts", "/messages", "/queue", "/chats", "/contacts", "/channels", "/channels/" + channel.id, "/chats/new"]) {
      await page.goto(world.base + world.workspace + path);
      const over = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth - e.clientWidth > 1).map((e) => (e.getAttribute("aria-label") ?? e.tagName) + " by " + (e.scrollWidth - e.clientWidth)));
      must(over.length === 0, `${path || "/"} at ${width} px is too wide: ${over.join(", ")}`);
      await shot(page, `${width}${path.replaceAll("/", "-").slice(0, 20) || "-overview"}`);
    }
    await page.goto(world.base + world.workspace + "/attempts?outcome=refused");
    await page.locator("td a.row-link").first().click();
    await sees(page, "Edit and send again");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    must(wide <= 1, `an attempt at ${width} px is ${wide} px too wide`);
  }
  await page.request.delete(at + "/channels/" + channel.id, { headers });
}
