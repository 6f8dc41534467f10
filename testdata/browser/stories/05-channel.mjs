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

  // A template is handed in; the provider approves it, and the list says so.
  await page.goto(world.base + world.workspace + "/templates");
  await page.getByRole("link", { name: "New template" }).click();
  await page.locator("#name").fill("order_ready");
  await page.locator("#language-code").fill("en");
  await page.locator("#body").fill("Hello {{1}}, your order is *ready*.");
  await page.locator("#bubble", { hasText: "your order is" }).waitFor();
  await page.locator("#body").blur();
  await page.locator("#examples input").first().fill("Ann");
  await page.locator("#bubble", { hasText: "Hello Ann" }).waitFor();
  await accessible(page);
  await shot(page, "template-new");
  await page.getByRole("button", { name: "Hand in for approval" }).click();
  await sees(page, "Sent for approval");
  await sees(page, "order_ready");
  await shot(page, "template");

  const key = { Authorization: "Bearer " + world.key };
  const api = world.base + "/api/v1" + world.workspace.replace("/w/", "/workspaces/") + "/channels";
  const channels = await (await page.request.get(api, { headers: key })).json();
  const channel = await (await page.request.get(api + "/" + channels.data.find((c) => c.name === "Support").id, { headers: key })).json();
  await page.request.post(world.meta + "/_fake/callbacks", { data: channel });
  const told = await page.request.post(world.meta + "/_fake/template", { data: { name: "order_ready", language: "en", event: "APPROVED" } });
  must(told.ok(), `the pretend Meta answered ${told.status()}: ${await told.text()}`);
  await page.goto(world.base + world.workspace + "/templates");
  await page.getByRole("button", { name: "Sync now" }).click();
  await sees(page, "The lists were read. Templates: 1");
  await sees(page, "Approved");
  await accessible(page);
  await shot(page, "templates");
}
