export const name = "An owner connects a tool, tries a call, and reads what came of it";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  const at = (path) => world.base + world.workspace + path;
  const token = world.hook.split("/").pop();

  await page.goto(at("/webhook"));
  must(!(await page.content()).includes(token), "the secret is on the page before anybody asked for it");
  await accessible(page);
  await shot(page, "webhook");
  await page.getByRole("button", { name: "Reveal URL" }).click();
  await page.waitForFunction((t) => document.querySelector("#address").innerText.includes(t), token);
  must(await page.evaluate(() => document.activeElement?.id === "reveal"), "the keyboard lost its place");
  await page.getByRole("button", { name: "Copy Webhook URL" }).click();
  await sees(page, "Copied");
  must((await page.evaluate(() => navigator.clipboard.readText())).endsWith(token), "the URL was not copied");
  await page.locator("label[for=tool-python]").click();
  must(await page.locator("pre").filter({ hasText: "urllib.request" }).isVisible(), "the tab does not open");
  await accessible(page);
  await shot(page, "webhook-revealed");

  // a call, checked while one types
  await page.goto(at("/webhook/try"));
  await page.getByLabel("Recipient").fill("12");
  await sees(page, "This call would be refused (400).");
  await accessible(page);
  await page.getByLabel("Recipient").fill("+14155550199");
  await page.locator("#text").fill('Hello <b>"Ann"</b> 👩‍🚀');
  await sees(page, "This call would be accepted.");
  await sees(page, "Send for 1 unit");
  await accessible(page);
  await shot(page, "try");

  // the list shows it without being loaded again
  const log = await open();
  await log.goto(at("/attempts"));
  await log.waitForTimeout(300);
  const before = await log.locator("#attempt-rows tr").count();
  await page.getByRole("button", { name: "Send for 1 unit" }).dblclick();
  await sees(page, "What became of it");
  await sees(page, "delivered");
  await accessible(page);
  await shot(page, "attempt");
  await log.waitForFunction((n) => document.querySelectorAll("#attempt-rows tr").length > n, before);
  for (let i = 0; i < 6; i++) await page.request.post(world.hook, { headers: { "User-Agent": "Zapier" }, data: '{\n  "action": "send",\n  "phone": "+14155550100",\n  "text": "say "hi" <script>"\n}' });
  await sees(log, "×4");
  must((await log.locator("#attempt-rows tr").count()) === new Set(await log.locator("#attempt-rows tr").evaluateAll((all) => all.map((r) => r.id))).size, "a row is there twice");
  await accessible(log);
  await shot(log, "attempts");
  await log.keyboard.press("/");
  must(await log.evaluate(() => document.activeElement?.id === "q"), "/ does not lead to the search");
  await log.keyboard.type("0199");
  await log.keyboard.press("Enter");
  await log.waitForURL(/q=0199/);
  must((await log.locator("#attempt-rows tr").count()) >= 1, "the search finds nothing");

  // a refusal with the place of its fault, mended and sent
  await log.goto(at("/attempts?outcome=refused"));
  await log.locator("#attempt-rows a").first().click();
  await sees(log, "What to do in Zapier");
  must((await log.locator(".fault").innerText()).includes("<script>"), "the line of the fault is not marked");
  await accessible(log);
  await shot(log, "refused");
  await log.locator("#body").fill('{"action":"send","phone":"+14155550100","text":"mended"}');
  await sees(log, "This call would be accepted.");
  await log.getByRole("button", { name: "Send for 1 unit" }).click();
  await sees(log, "The call was made.");

  // a call that is listened for becomes a mapping
  await page.goto(at("/webhook/mapping"));
  await accessible(page);
  await page.getByRole("button", { name: "Listen for 5 minutes" }).click();
  await sees(page, "Waiting for a call.");
  await accessible(page);
  await page.request.post(world.hook, { data: { contact: { tel: "+14155550123", name: "Zoë" } } });
  await sees(page, "The captured call");
  await page.getByLabel("Use contact.tel as").selectOption("phone");
  await page.getByLabel("Field 1").selectOption("text");
  await page.getByLabel("Comes from 1").selectOption("value");
  await page.getByLabel("Place or text 1").fill("Hello {contact.name|there}");
  await page.getByRole("button", { name: "Preview" }).click();
  await sees(page, "Hello Zoë");
  await accessible(page);
  await shot(page, "mapping");
  await page.getByRole("button", { name: "Save mapping" }).click();
  await sees(page, "The mapping is saved.");
  await page.getByText("Remove mapping").first().click();
  await page.getByRole("button", { name: "Remove mapping" }).click();
  await sees(page, "The mapping is removed.");
  await page.goto(at("/webhook/settings"));
  await accessible(page);
  await shot(page, "settings");

  // narrow, dark, in another language
  const phone = await open({ viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "zh-CN" });
  await phone.goto(at("/webhook"));
  await phone.locator("#language").selectOption("zh-Hans");
  await sees(phone, "入站 Webhook");
  for (const [path, as] of [["/webhook", "webhook"], ["/webhook/try", "try"], ["/webhook/mapping", "mapping"], ["/webhook/settings", "settings"], ["/attempts", "attempts"]]) {
    await phone.goto(at(path));
    await accessible(phone);
    await phone.emulateMedia({ colorScheme: "dark" });
    await shot(phone, "narrow-" + as);
  }
  await phone.goto(at("/attempts?outcome=refused"));
  await phone.locator("#attempt-rows a").first().click();
  await accessible(phone);
  await phone.emulateMedia({ colorScheme: "dark" });
  await shot(phone, "narrow-refused");
}
