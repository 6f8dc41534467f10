export const name = "A channel is connected step by step, tested, and its templates are read";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  await page.goto(world.base + world.workspace + "/channels");
  await accessible(page);
  await page.goto(world.base + world.workspace + "/channels/new");
  await accessible(page);
  await page.locator(`a[href$="/channels/new/meta"]`).click();
  await accessible(page);
  await page.getByLabel("Phone number of the account").fill("no number");
  for (const [field, value] of Object.entries(world.settings)) await page.locator(`[name="settings.${field}"]`).fill(value);
  await page.locator('[name="name"]').fill("Support");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await sees(page, "This is not a phone number");
  await accessible(page);
  await shot(page, "wrong");

  await page.getByLabel("Phone number of the account").fill("+15550783881");
  for (const [field, value] of Object.entries(world.settings)) {
    const input = page.locator(`[name="settings.${field}"]`);
    if (!(await input.inputValue())) await input.fill(value); // secrets are not shown again
  }
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await sees(page, "Support is connected.");
  await sees(page, "Callback URL");
  must(!(await page.content()).includes(world.settings.access_token), "the access token is on the page");
  await accessible(page);
  await shot(page, "way-back");
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.locator("#findings li").first().waitFor();
  await accessible(page);
  await shot(page, "checked");

  await page.goto(world.base + world.workspace + "/templates");
  await page.getByRole("button", { name: "Sync now" }).click();
  await page.locator("table tbody tr").first().waitFor();
  await sees(page, "Approved");
  await accessible(page);
  await shot(page, "templates");
  await page.locator("table tbody tr a").first().click();
  await page.locator(".bubble").first().waitFor();
  await accessible(page);
  await shot(page, "template");
}
