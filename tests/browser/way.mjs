// Signing in, watching a push become healthy without a reload, rolling back, losing the network.
import { LIMIT, act, assert, check, live, open, picture, play } from "./session.mjs";

const push = (message) => act("push", { name: "shop", message });

await play(async (browser) => {
  const { page, context, complaints } = await open(browser);
  await act("connect", { name: "production" });
  await act("add-repository", { name: "shop", environment: "production", message: "Open the shop" });

  // The first release comes to the checklist by itself.
  await page.goto("/get-started");
  await page.getByRole("link", { name: "shop → production" }).waitFor({ timeout: 2 * LIMIT });
  await page.evaluate(() => (window.isTheSamePage = true));

  // A push becomes healthy on a page that nobody reloads.
  await page.goto("/releases");
  await live(page);
  await page.evaluate(() => (window.isTheSamePage = true));
  await push("Fix the tax");
  const row = page.locator(".release-row", { hasText: "Fix the tax" });
  await row.waitFor();
  await row.getByText("Healthy").waitFor();
  assert.ok(await page.evaluate(() => window.isTheSamePage), "the list was reloaded");
  await row.getByRole("link").first().click();
  await page.waitForURL(/releases\/rel_/);
  await page.locator("h1").getByText("Healthy").waitFor();
  await check(page, complaints, "the release");
  await picture(page, "way-healthy");

  // Back to the release before.
  await page.getByRole("link", { name: /Roll back/ }).first().click();
  await page.getByRole("button", { name: /Roll back/ }).click();
  await page.waitForURL(/releases\/rel_[^/]+$/);
  await page.evaluate(() => (window.isTheSamePage = true));
  await page.locator("h1").getByText("Healthy").waitFor();
  assert.ok(await page.evaluate(() => window.isTheSamePage), "the release was reloaded");

  // The network goes, a push comes, and the network comes back.
  await page.goto("/releases");
  await live(page);
  await context.setOffline(true);
  await page.getByText(/Offline – showing what was known at \d/).waitFor();
  await picture(page, "way-offline");
  await push("Change the logo");
  await context.setOffline(false);
  await live(page);
  await page.locator(".release-row", { hasText: "Change the logo" }).getByText("Healthy").waitFor();

  // The server goes and comes.
  await page.evaluate(() => (window.isTheSamePage = true));
  await act("kill-server");
  await page.getByText("Reconnecting…").waitFor();
  await act("start-server");
  await live(page);
  await push("Speed up the checkout");
  await page.locator(".release-row", { hasText: "Speed up the checkout" }).getByText("Healthy").waitFor({ timeout: 2 * LIMIT });
  assert.ok(await page.evaluate(() => window.isTheSamePage), "the list was reloaded");

  // A page that comes out of the browser's own cache is live again.
  await page.goto("/fleet");
  await page.goBack();
  await live(page);

  // Whoever is signed out elsewhere is told so.
  const other = await context.newPage();
  await other.goto("/fleet");
  await other.getByRole("button", { name: "Sign out" }).click();
  await page.bringToFront();
  await page.getByText("Signed out – reload to sign in").waitFor({ timeout: 2 * LIMIT });
  const ours = complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK|401/.test(text));
  assert.deepEqual(ours, []);
});
