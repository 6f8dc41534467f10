export const name = "Somebody links their account with a provider on another site, and signs in there";

export default async function ({ world, must, sees, accessible, shot, open }) {
  const page = await open();
  await page.goto(world.base + "/me");
  await sees(page, "Link your account with Acme ID");
  await accessible(page);
  await shot(page, "me");
  await page.locator('form[action="/me/oidc"] input').fill("correct horse battery");
  await page.route(world.issuer + "/**", (r) => r.fulfill({ status: 204 })); // one stays on the page in between
  await page.getByRole("button", { name: "Link with Acme ID" }).click();
  await sees(page, "You are led to Acme ID");
  await accessible(page);
  await shot(page, "leave");
  await page.unroute(world.issuer + "/**");
  await page.goto(world.base + "/me");
  await page.locator('form[action="/me/oidc"] input').fill("correct horse battery");
  await page.getByRole("button", { name: "Link with Acme ID" }).click();
  await sees(page, "Your account is linked with Acme ID now, where you are ada@id.example."); // there and back, by no button
  must(new URL(page.url()).pathname === "/me", `it ended at ${page.url()}`);
  world.storage = await page.context().storageState(); // linking ends the sessions of before
  await page.getByText("Unlink", { exact: true }).first().click();
  await accessible(page);
  await shot(page, "linked");

  const narrow = await open({ storageState: undefined, viewport: { width: 360, height: 740 } });
  await narrow.goto(world.base + world.workspace + "/webhook");
  await sees(narrow, "Sign in with Acme ID");
  await accessible(narrow);
  await shot(narrow, "sign-in");
  await narrow.getByRole("link", { name: "Sign in with Acme ID" }).click();
  await sees(narrow, "Inbound webhook");
  must(new URL(narrow.url()).pathname === world.workspace + "/webhook", `they were going elsewhere than ${narrow.url()}`);

  // Without scripts, in another language, and what a lost answer looks like.
  const plain = await open({ storageState: undefined, javaScriptEnabled: false, locale: "es-MX" });
  await plain.goto(world.base + "/sign-in/oidc/callback?code=x&state=y");
  must((await plain.locator("#problem").innerText()).includes("otro navegador"), "nothing is said of a lost answer");
  await shot(plain, "lost");
  await plain.getByRole("link", { name: "Iniciar sesión con Acme ID" }).click();
  await plain.waitForURL((u) => u.pathname.startsWith("/w/"));
}
