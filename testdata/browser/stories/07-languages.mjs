export const name = "Every page speaks four languages";

const words = { en: "Last sending attempts", es: "Últimos intentos de envío", "pt-BR": "Últimas tentativas de envio", "zh-CN": "最近的发送尝试" };

export default async function ({ world, must, sees, shot, open }) {
  for (const [locale, word] of Object.entries(words)) {
    const page = await open({ locale });
    await page.goto(world.base + world.workspace);
    await sees(page, word);
    const paths = await page.locator("nav.menu .wide a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    must(paths.length >= 12, `the menu has ${paths.length} entries`);
    for (const path of paths) {
      const answer = await page.goto(world.base + path);
      must(answer.status() === 200, `${path} in ${locale}: ${answer.status()}`);
      must((await page.locator("h1").count()) === 1, `${path} in ${locale} has not one heading`);
      must((await page.locator("html").getAttribute("lang")).startsWith(locale.slice(0, 2)), `${path} is not in ${locale}`);
    }
    await page.goto(world.base + world.workspace + "/webhook");
    await shot(page, locale);
  }
  const page = await open();
  await page.goto(world.base + world.workspace);
  await page.getByLabel("Language").selectOption("es");
  await sees(page, words.es);
  await page.getByLabel("Idioma").selectOption("en");
  await sees(page, words.en);
}
