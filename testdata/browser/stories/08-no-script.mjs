export const name = "Everything works without scripts";

export default async function ({ world, must, shot, open }) {
  const page = await open({ javaScriptEnabled: false });
  const says = async (text) => must((await page.locator("body").innerText()).includes(text), `${page.url()} does not say ${text}`);
  await page.goto(world.base + world.workspace + "/webhook");
  await page.locator("#reveal").click();
  await says(world.hook);

  await page.goto(world.base + world.workspace + "/webhook/try");
  await page.locator("#to").fill("+14155550100");
  await page.locator('[name="text"]').fill("without a script");
  await page.getByRole("button", { name: "Check" }).click();
  await says("This call would be accepted.");
  await page.getByRole("button", { name: "Send for 1 unit" }).click();
  await says("without a script");
  await shot(page, "sent");

  await page.goto(world.base + world.workspace + "/attempts?q=without+a+script");
  must((await page.locator("#attempt-rows tr").count()) >= 1, "the search finds nothing");

  await page.goto(world.base + world.workspace);
  await page.locator("#language").selectOption("pt-BR");
  await page.locator("form.language button").click();
  await says("Visão geral");
  await page.locator("#language").selectOption("en");
  await page.locator("form.language button").click();
  await says("Overview");
}
