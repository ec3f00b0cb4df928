// Every page with no, one and many rows, at two widths and in both schemes, with hostile names among them.
import { DESK, LIMIT, PHONE, act, assert, check, live, open, picture, play } from "./session.mjs";

const HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u001b[31mred\u001b[0m \u202egnp.exe\u202c [x](javascript:alert(3)) javascript:alert(4) \u200b";
const LONG = "W".repeat(10_000);

const LISTS = ["/get-started", "/fleet", "/fleet?group=environment", "/apps", "/commits", "/releases", "/repositories", "/activity", "/search?q=shop"];
const FORMS = ["/fleet/connect", "/repositories/add", "/device", "/nothing-here"];

// All that is found is told together, each once with the first page that has it.
const faults = new Map();
const note = (name, fault) => {
  const what = fault.actual && typeof fault.actual === "string" ? fault.actual : fault.message.replace(name, "");
  faults.set(what, faults.get(what) ?? name);
};

const visit = async (page, complaints, paths, label) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const viewport of [PHONE, DESK]) {
      await page.setViewportSize(viewport);
      for (const path of paths) {
        await page.goto(path);
        if (await page.locator("[data-region]").count()) await live(page);
        const name = `${label} ${path} ${viewport.width} ${colorScheme}`;
        await picture(page, name.replaceAll(/_[0-9a-f]{32}/g, "").replaceAll(/[^a-z0-9]+/gi, "-"));
        // The browser itself complains of a page that is not there.
        const ours = complaints.splice(0).filter((text) => path !== "/nothing-here" || !/404/.test(text));
        await check(page, ours, name).catch((fault) => note(name, fault));
      }
    }
  }
};

const first = async (page, list, pattern) => {
  await page.goto(list);
  const links = await page.locator("main a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  const found = links.find((link) => pattern.test(link ?? ""));
  assert.ok(found, `nothing like ${pattern} on ${list}: ${links}`);
  return found;
};

const details = async (page) => {
  const release = await first(page, "/releases", /^\/releases\/rel_[^/]+$/);
  const app = await first(page, "/apps", /^\/apps\/[^/?]+\/[^/?]+$/);
  return [
    release, `${release}/rollback`, `${release}/changes`,
    app, `${app}/delete`, `${app}/history`, `${app}/compare`,
    await first(page, "/commits", /^\/commits\/art_/),
    await first(page, "/fleet", /^\/fleet\/clu_/),
  ];
};

await play(async (browser) => {
  const { page, context, complaints } = await open(browser);
  await visit(page, complaints, [...LISTS, ...FORMS], "none");

  await act("connect", { name: "production" });
  await act("add-repository", { name: "shop", environment: "production", message: "Open the shop\n\nWith a door and a window." });
  await page.goto("/releases");
  await page.locator(".release-row", { hasText: "Open the shop" }).getByText("Healthy").waitFor({ timeout: 2 * LIMIT });
  await visit(page, complaints, [...LISTS, ...(await details(page))], "one");

  await act("push", { name: "shop", message: `${HOSTILE}\n\n${HOSTILE}\n${LONG}`, author: `Eve \u202e ${"W".repeat(300)} javascript:alert(5)` });
  await page.locator("main").waitFor();
  await page.goto("/commits");
  await page.locator("main").getByText("<script>alert(1)</script>").first().waitFor();
  await visit(page, complaints, [...LISTS, ...(await details(page))], "hostile");
  const text = await page.locator("body").innerText();
  assert.doesNotMatch(text, /[\u001b\u202e]/);
  const dangerous = await page.locator('a[href^="javascript:" i]').count();
  assert.equal(dangerous, 0);

  for (let number = 0; number < 300; number++) await act("add-cluster", { name: `edge-${number}` });
  // A commit brings at most 200 manifests.
  for (const name of ["many", "more"]) await act("add-repository", { name, environment: "production", apps: 150, message: "Bring many" });
  await page.goto("/apps");
  await page.getByText(/30\d in all/).waitFor({ timeout: 4 * LIMIT });
  await visit(page, complaints, [...LISTS, "/fleet?cursor=Yw", "/apps?cursor=bQpt", "/fleet?q=none-is-called-so"], "many");

  await context.clearCookies();
  await visit(page, complaints, ["/sign-in", "/docs"], "out");
  assert.equal([...faults].map(([what, name]) => `${name}: ${what}`).join("\n"), "");
});
