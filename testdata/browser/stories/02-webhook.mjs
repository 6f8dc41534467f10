export const name = "The webhook's URL is shown, copied, replaced, and the old one lives through its grace";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  await page.goto(world.base + world.workspace + "/webhook");
  must(!(await page.content()).includes(world.hook), "the URL is on the page before anybody asked for it");
  await accessible(page);
  await page.getByRole("button", { name: "Reveal URL" }).click();
  await sees(page, world.hook);
  await accessible(page);
  await page.getByRole("button", { name: "Copy Webhook URL" }).click();
  must((await page.evaluate(() => navigator.clipboard.readText())) === world.hook, "something else was copied");
  await shot(page, "revealed");

  const old = world.hook;
  await page.locator("summary", { hasText: "Generate new URL" }).click();
  await sees(page, "Every tool that calls the old URL has to be given the new one");
  await page.getByLabel("The old URL").selectOption("1");
  await accessible(page);
  await page.getByRole("button", { name: "Generate new URL now" }).click();
  await sees(page, "There is a new URL");
  const answer = await page.request.post(old, { data: { action: "send", phone: "+14155550100", text: "by the old one" }, headers: { "User-Agent": "Zapier" } });
  must(answer.status() === 200, `the old URL answered ${answer.status()}`);
  await page.reload();
  await sees(page, "Old URL last used by Zapier at");
  await shot(page, "grace");
  await page.getByRole("button", { name: "Reveal URL" }).click();
  await page.getByRole("link", { name: "Hide URL" }).waitFor();
  world.hook = (await page.locator("#address code").first().innerText()).trim();
  must(world.hook !== old && world.hook.includes("/hook/rlv_"), "the new URL is not shown");

  await page.locator("summary", { hasText: "Turn off" }).click();
  await page.getByRole("button", { name: "Turn webhook off" }).click();
  await sees(page, "What is queued still goes out");
  must((await page.request.post(world.hook, { data: { action: "send", phone: "+14155550100", text: "x" } })).status() === 403, "it is not off");
  await page.getByRole("button", { name: "Turn webhook on" }).click();
  await sees(page, "Calls are accepted.");
}
