export const name = "An attempt shows the fault under a caret, and is edited and sent again";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  await page.goto(world.base + world.workspace + "/attempts");
  await sees(page, "Last sending attempts");
  await accessible(page);

  // It comes by itself, while the page is open.
  const body = '{\n  "action": "send",\n  "phone": "+14155550100"\n  "text": <script>alert(1)</script>\n}';
  const answer = await page.request.post(world.hook, { data: Buffer.from(body), headers: { "Content-Type": "application/json", "User-Agent": "a tool of ours" } });
  must(answer.status() === 400, `a faulty call was answered ${answer.status()}`);
  await sees(page, "a tool of ours");
  await shot(page, "live");

  await page.locator("#attempt-rows tr", { hasText: "a tool of ours" }).getByRole("link").first().click();
  await sees(page, "refused");
  const caret = page.locator("pre.code .line.caret");
  must((await caret.count()) === 1, "there is no caret in the body");
  must((await page.locator("pre.code").innerText()).includes("<script>alert(1)</script>"), "the body is not shown as it came");
  await accessible(page);
  await shot(page, "caret");

  await page.locator("textarea#body").fill('{"action":"send","phone":"+14155550100","text":"mended by hand"}');
  await page.getByRole("button", { name: "Send for 1 unit" }).click();
  await sees(page, "The call was made");
  await sees(page, "mended by hand");
  await page.waitForFunction(() => /delivered/.test(document.querySelector("#story")?.innerText ?? ""));
  await sees(page, "taken from the quota");
  await accessible(page);
  await shot(page, "sent-again");

  for (const [link, type] of [["Download as JSON Lines", "jsonl"], ["Download as CSV", "csv"], ["Download as text", "txt"]]) {
    await page.goto(world.base + world.workspace + "/attempts");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: link }).click()]);
    must(download.suggestedFilename().endsWith("." + type), `the download is called ${download.suggestedFilename()}`);
  }
}
