export const name = "What waits is seen in its order, and canceled with its units back";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  const left = async () => {
    await page.goto(world.base + world.workspace + "/quota");
    return Number((await page.locator(".card .figure").first().innerText()).replace(/\D/g, ""));
  };
  const before = await left();
  await page.goto(world.base + world.workspace + "/queue");
  await page.getByRole("link", { name: "Sandbox" }).first().click();
  await page.locator("summary", { hasText: "Pause" }).click();
  await sees(page, "Nothing leaves this channel until you resume it");
  await accessible(page);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await sees(page, "Sandbox is paused.");
  for (const n of [1, 2, 3]) {
    const answer = await page.request.post(world.hook, { data: { action: "send", phone: "+1415555013" + n, text: "waits " + n, whatsapp_account_phone: "+15105566777" } });
    must(answer.status() === 200, `message ${n}: ${answer.status()}`);
  }
  must((await left()) === before - 3, "three messages did not take three units");
  await page.goto(world.base + world.workspace + "/queue");
  await page.getByRole("link", { name: "Sandbox" }).first().click();
  await sees(page, "waits 3");
  await shot(page, "waiting");
  await accessible(page);
  await page.locator("tr", { hasText: "waits 1" }).getByRole("checkbox").check();
  await page.locator("tr", { hasText: "waits 3" }).getByRole("checkbox").check();
  await page.getByRole("button", { name: "Cancel selected" }).click();
  await sees(page, "Cancel these messages?");
  await accessible(page);
  await page.getByRole("button", { name: "Yes, cancel 2 messages" }).click();
  await sees(page, "2 messages were canceled.");
  await shot(page, "canceled");
  must((await left()) === before - 1, "two units did not come back");

  await page.goto(world.base + world.workspace + "/messages?status=canceled");
  await page.locator("tr", { hasText: "waits 3" }).getByRole("link").first().click();
  await sees(page, "It was canceled before it was sent. Its units came back.");
  await accessible(page);
  await shot(page, "message");

  await page.goto(world.base + world.workspace + "/queue");
  await page.getByRole("link", { name: "Sandbox" }).first().click();
  await page.locator("summary", { hasText: "Resume" }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await sees(page, "Sandbox goes on.");
  await sees(page, "Nothing waits");
}
