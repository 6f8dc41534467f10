// Runs the stories of this folder against a running server, each in a context
// of its own, and tells on stdout, a line of JSON for each, how it went.
//
//   RELEVO_URL, RELEVO_SETUP, RELEVO_HOOK   from the server's banner
//   RELEVO_KEY                              the operator's key
//   RELEVO_META                             a pretend Meta
//   RELEVO_ISSUER                           a pretend OpenID Connect provider that the server knows
//   RELEVO_SETTINGS                         of a channel at a pretend Meta, as JSON
//   CHROMIUM                                the browser
//   SHOTS                                   where screenshots go
//   node run.mjs [part of a story's name…]
import { readdirSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const here = new URL(".", import.meta.url);
const axe = createRequire(import.meta.url)("axe-core").source;
const { RELEVO_URL: base, RELEVO_SETUP: setup, RELEVO_HOOK: hook, RELEVO_META: meta, RELEVO_ISSUER: issuer, RELEVO_KEY: key, RELEVO_SETTINGS: settings = "{}", CHROMIUM = "/usr/bin/chromium", SHOTS = "shots" } = process.env;
mkdirSync(SHOTS, { recursive: true });

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
});

// The world that stories share: who is signed in, and what they have made.
const world = { base, setup, hook, meta, issuer, key, settings: JSON.parse(settings), storage: undefined };

// must fails a story.
const must = (so, what) => { if (!so) throw new Error(what); };

// open makes a page of its own context. Whatever its scripts complain of, and
// whatever the policy forbids, fails the story.
async function open(faults, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 850 }, locale: "en-US", storageState: world.storage, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("console", (m) => { if (m.type() === "error" && !/status of (4\d\d|503)/.test(m.text())) faults.push("console: " + m.text()); });
  page.on("pageerror", (e) => faults.push("script: " + e.message));
  page.on("request", (r) => { const u = new URL(r.url()); if (!["data:", "blob:"].includes(u.protocol) && ![new URL(base).origin, issuer].includes(u.origin)) faults.push("a request to elsewhere: " + u.origin); });
  return page;
}

// sees waits until a text is on the page.
async function sees(page, text) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      await page.waitForFunction((t) => document.body?.innerText.includes(t), text, { timeout: Math.max(1, deadline - Date.now()) });
      return;
    } catch (e) {
      if (Date.now() < deadline && !/Timeout/.test(e.message)) continue; // the page was left for another in between
    }
    throw new Error(`${page.url()} does not say ${JSON.stringify(text)}; it says:\n${(await page.innerText("body")).slice(0, 3000)}`);
  }
}

// accessible holds a page to WCAG 2.2 AA as far as axe can see, and to its own
// width; in dark to its contrast, as nothing but colours differs.
async function accessible(page, what = page.url()) {
  const rules = { light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], dark: { type: "rule", values: ["color-contrast"] } };
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate((runOnly) => globalThis.axe.run(document, { runOnly }), rules[colorScheme]);
    const bad = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 4).join("; ")}`);
    must(bad.length === 0, `${what} (${colorScheme}) has violations:\n${bad.join("\n")}`);
  }
  await page.emulateMedia({ colorScheme: null });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  must(wide <= 1, `${what} is ${wide} px wider than the window`);
}

const wanted = process.argv.slice(2);
let failed = false;
for (const file of readdirSync(new URL("stories", here)).sort()) {
  if (!file.endsWith(".mjs") || wanted.length > 0 && !wanted.some((w) => file.includes(w)) && !file.startsWith("01")) continue;
  const { name, default: tell } = await import(new URL("stories/" + file, here));
  const faults = [], pages = [], begun = Date.now();
  const shot = (page, as) => page.screenshot({ path: `${SHOTS}/${file.replace(".mjs", "")}-${as}.png`, fullPage: true });
  const result = { story: name, ok: true };
  try {
    await tell({ world, must, sees, accessible, shot, open: async (o) => { const p = await open(faults, o); pages.push(p); return p; } });
    must(faults.length === 0, faults.join("\n"));
  } catch (e) {
    Object.assign(result, { ok: false, error: String(e.stack ?? e), faults });
    failed = true;
    for (const [i, p] of pages.entries()) await p.screenshot({ path: `${SHOTS}/${file.replace(".mjs", "")}-failed-${i}.png` }).catch(() => {});
  }
  for (const p of pages) await p.context().close();
  console.log(JSON.stringify({ ...result, ms: Date.now() - begun }));
  if (!result.ok && file.startsWith("01")) break; // nobody is signed in
}
await browser.close();
process.exitCode = failed ? 1 : 0;
