export const name = "Somebody signs up by the link and sends a first message";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  await page.goto(world.base + "/");
  await sees(page, "Nobody has an account here yet");
  await page.goto(world.base + world.setup);
  await accessible(page);
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  must(page.url().includes("/setup/"), "a short password was taken");
  await page.getByLabel("Password").fill("passwordpassword");
  await page.getByRole("button", { name: "Create account" }).click();
  await sees(page, "This password would be guessed soon");
  must(await page.evaluate(() => document.activeElement?.id === "problem"), "the keyboard is not where the problem is told");
  await accessible(page);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await sees(page, "Welcome, Ada.");
  world.workspace = new URL(page.url()).pathname;
  world.storage = await page.context().storageState();
  await accessible(page);
  await shot(page, "first-page");

  const answer = await page.request.post(world.hook, { data: { action: "send", phone: "+14155550100", text: "Hello from a browser" } });
  must(answer.status() === 200, `the webhook answered ${answer.status()}`);
  await page.goto(world.base + world.setup);
  await sees(page, "This link was used already");
}
