// A browser, and what every scenario needs of it. What the page complains about fails the scenario.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { mkdirSync, readFileSync } from "node:fs";
import assert from "node:assert/strict";

const require = createRequire(`${process.env.GIMLET_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const base = process.env.GIMLET_URL;
const pictures = process.env.GIMLET_SCREENSHOTS;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export { assert };
export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 900 };
/** Longer than anything takes that has to happen. */
export const LIMIT = 30_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has something happen outside of the browser; `main.rs` does it. */
export const act = async (what, more = {}) => {
  console.log(`>>> ${JSON.stringify({ do: what, ...more })}`);
  const { value } = await answers.next();
  const answer = JSON.parse(value);
  if (answer.error) throw new Error(answer.error);
  return answer.done;
};

/** Plays a scenario, and ends with 1 where it fails. */
export const play = async (scenario) => {
  const browser = await chromium.launch({ executablePath: process.env.GIMLET_CHROMIUM, headless: true, args: FLAGS });
  let status = 0;
  try {
    await scenario(browser);
  } catch (error) {
    console.log(`FAILED: ${error.stack}`);
    status = 1;
  }
  await browser.close();
  process.exit(status);
};

/** A signed-in page of its own; `complaints` collects what goes wrong on it. */
export const open = async (browser, options = {}) => {
  const { organization = "acme", ...context } = options;
  const own = await browser.newContext({ viewport: DESK, baseURL: base, reducedMotion: "reduce", ...context });
  await own.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
  });
  const page = await own.newPage();
  page.setDefaultTimeout(LIMIT);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  await page.goto(await act("sign-in-link", { organization }));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/get-started|fleet/);
  return { page, context: own, complaints };
};

/** Waits until the page says that it is live. */
export const live = (page) => page.locator('[data-live="live"]').waitFor();

/** The page is accessible, no wider than the screen, and complained about nothing. */
export const check = async (page, complaints, name) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map((found) => `${found.id}: ${found.help}\n    ${found.nodes.slice(0, 4).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("\n    ")}`);
  assert.equal(found.join("\n"), "", `axe on ${name}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
  assert.deepEqual(complaints, [], `complaints on ${name}`);
};

/** Keeps a picture of the page where asked. */
export const picture = async (page, name) => {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png` });
};
