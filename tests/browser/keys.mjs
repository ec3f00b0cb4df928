// Everything by keyboard: the palette, the keys that lead somewhere, the scheme, the help.
import { PHONE, act, assert, check, live, open, picture, play } from "./session.mjs";

await play(async (browser) => {
  const { page, complaints } = await open(browser);
  await act("connect", { name: "production" });
  await act("add-repository", { name: "checkout", environment: "production", message: "Sell things" });
  await page.goto("/apps");
  await page.getByRole("link", { name: "checkout" }).first().waitFor();

  const input = page.getByRole("combobox", { name: /Search applications/ });
  const chosen = () => page.locator("#palette [aria-selected=true]");

  // Found, chosen and opened without a mouse.
  await page.keyboard.press("Control+k");
  await input.waitFor();
  await page.getByRole("option", { name: "Connect a cluster" }).waitFor();
  await check(page, complaints, "the palette");
  await picture(page, "palette");
  await page.keyboard.type("checkout");
  await page.getByRole("option", { name: /checkout production/ }).first().waitFor();
  const id = await chosen().getAttribute("id");
  assert.equal(await input.getAttribute("aria-activedescendant"), id);
  await picture(page, "palette-found");
  await page.keyboard.press("Enter");
  await page.waitForURL(/apps\/production\/checkout$/);

  // By the words of a commit, and what to do with an application.
  await page.keyboard.press("Control+k");
  await input.fill("sell things");
  await page.getByRole("option", { name: /Sell things/ }).first().waitFor();
  await input.fill("roll back checkout");
  await page.getByRole("option", { name: /Roll back checkout/ }).waitFor();
  assert.match(await chosen().innerText(), /Roll back checkout/);
  await page.keyboard.press("ArrowUp");
  assert.doesNotMatch(await chosen().innerText(), /Roll back/);

  // The scheme.
  await input.fill("theme dark");
  await page.getByRole("option", { name: "Switch theme to dark" }).waitFor();
  await page.keyboard.press("Enter");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(await background(), "rgb(12, 13, 16)");
  await page.reload();
  assert.equal(await background(), "rgb(12, 13, 16)");

  // Escape closes, ? helps, g leads.
  await page.keyboard.press("Control+k");
  await input.waitFor();
  await page.keyboard.press("Escape");
  await input.waitFor({ state: "hidden" });
  // The browser gives the focus back a moment after the dialog is gone; a person's next key comes later.
  await page.waitForFunction(() => !document.activeElement?.closest("dialog"));
  const help = page.getByRole("heading", { name: "Keys" });
  for (let tries = 0; tries < 20 && !(await help.isVisible()); tries += 1) {
    await page.keyboard.press("?");
    await help.waitFor({ timeout: 1000 }).catch(() => {});
  }
  await help.waitFor();
  await check(page, complaints, "the help");
  await picture(page, "help");
  await page.keyboard.press("Escape");
  for (const [key, place] of [["f", /fleet/], ["c", /commits/], ["y", /activity/], ["r", /releases/], ["a", /apps/]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(place);
  }
  await live(page);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/apps\/production\/checkout$/);

  // The first stop of the keyboard leads past the navigation.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => location.hash), "#main");

  // On a phone, and by touch.
  await page.setViewportSize(PHONE);
  await page.getByRole("link", { name: /Search/ }).click();
  await input.fill("checkout");
  await page.getByRole("option", { name: /checkout production/ }).first().waitFor();
  await check(page, complaints, "the palette on a phone");
  await picture(page, "palette-phone");
  await page.getByRole("option", { name: /checkout production/ }).first().click();
  await page.waitForURL(/apps\/production\/checkout$/);
  assert.deepEqual(complaints, []);
});
