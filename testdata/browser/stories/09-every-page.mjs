export const name = "Every page can be read by everybody, on 360 pixels too";

export default async function ({ world, must, accessible, shot, open }) {
  for (const width of [1200, 360]) {
    const page = await open({ viewport: { width, height: 800 } });
    await page.goto(world.base + world.workspace);
    const paths = await page.locator("nav.menu .wide a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    const deeper = ["/webhook/try", "/webhook/mapping", "/webhook/settings", "/channels/new", "/chats/new", "/endpoints/new"].map((p) => world.workspace + p);
    for (const path of [...paths, ...deeper, "/operator", "/me", "/?choose", world.workspace + "/nowhere"]) {
      await page.goto(world.base + path);
      await accessible(page, `${path} at ${width} px`);
      await shot(page, `${width}${path.replace(world.workspace, "").replaceAll("/", "-").replace("?", "") || "-overview"}`);
    }
    // By keyboard: the first stop leads to the content.
    await page.goto(world.base + world.workspace);
    await page.keyboard.press("Tab");
    must((await page.evaluate(() => document.activeElement.className)) === "skip", "the first stop is not the way to the content");
    await page.keyboard.press("Enter");
    must((await page.evaluate(() => document.activeElement.id)) === "main", "it does not lead to the content");
  }
}
