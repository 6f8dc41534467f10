export const name = "A call is tried while it is typed, sent once, followed live, and another tool's call is mapped";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  const at = (path) => world.base + world.workspace + path;

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
  await sees(log, "Download log");
  await page.getByRole("button", { name: "Send for 1 unit" }).dblclick();
  await sees(page, "What became of it");
  await sees(page, "delivered");
  await sees(log, "+14155550199");
  for (let i = 0; i < 6; i++) await page.request.post(world.hook, { headers: { "User-Agent": "Zapier" }, data: '{\n  "action": "send",\n  "phone": "+14155550100",\n  "text": "say "hi" <script>"\n}' });
  await sees(log, "×4");
  const ids = await log.locator("#attempt-rows tr").evaluateAll((all) => all.map((row) => row.id));
  must(ids.length === new Set(ids).size, "a row is there twice");
  must(ids.join() === [...ids].sort().reverse().join(), "the rows are not in the order of time");
  await accessible(log);
  await shot(log, "attempts");
  await log.keyboard.press("/");
  must(await log.evaluate(() => document.activeElement?.id === "q"), "/ does not lead to the search");
  await log.keyboard.type("0199");
  await log.keyboard.press("Enter");
  await log.waitForURL(/q=0199/);
  must((await log.locator("#attempt-rows tr").count()) >= 1, "the search finds nothing");
  await log.goto(at("/attempts?outcome=refused&tool=Zapier"));
  await log.locator("#attempt-rows a").first().click();
  await sees(log, "What to do in Zapier");
  must((await log.locator(".fault").innerText()).includes("<script>"), "the line of the fault is not marked");
  await shot(log, "refused");

  // a call that is listened for becomes a mapping
  await page.goto(at("/webhook/mapping"));
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
  await page.locator("summary", { hasText: "Remove mapping" }).click();
  await page.getByRole("button", { name: "Remove mapping" }).click();
  await sees(page, "The mapping is removed.");
  await page.goto(at("/webhook/settings"));
  await accessible(page);

  const phone = await open({ viewport: { width: 360, height: 740 } });
  for (const path of ["/webhook/try", "/webhook/mapping", new URL(log.url()).pathname.replace(world.workspace, "")]) {
    await phone.goto(at(path));
    await accessible(phone);
  }
  await shot(phone, "narrow");
}
