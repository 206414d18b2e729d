// Drives Debian's Chromium for the tests: one JSON request a line on standard input, one JSON reply a line on standard
// output. {"verb": "click", "arguments": ["button", "Sign in"]} -> {"result": ...} or {"error": "..."}
// Everything that the page asks the network for, and says on its console, is kept: {"verb": "seen"}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const { CHROMIUM = "/usr/bin/chromium", PROFILE, ORIGIN, PATIENCE = "1" } = process.env;
const deadline = 30_000 * Number(PATIENCE);

// No sandbox of its own: the tests may run as root. Nothing but the server is looked up or reached, and what Chromium
// would fetch for itself stays off.
const context = await chromium.launchPersistentContext(PROFILE, {
  executablePath: CHROMIUM,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost",
  ],
  viewport: { width: 1280, height: 900 },
  acceptDownloads: true,
});
context.setDefaultTimeout(deadline);
await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: ORIGIN });
const page = context.pages()[0] ?? (await context.newPage());

const seen = { requests: [], console: [], errors: [], sockets: [] };
context.on("request", (request) => seen.requests.push({ url: request.url(), method: request.method(), body: request.postData() ?? "" }));
page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => seen.errors.push(String(error.stack ?? error)));
page.on("websocket", (socket) => seen.sockets.push(socket.url()));

// A label's own control. That of a select is a button, named by its label and by what is chosen.
const control = (label) => page.getByLabel(label, { exact: true });
const select = (label) => control(label).and(page.getByRole("button"));
const row = (text) => page.getByRole("row").filter({ hasText: text });

const verbs = {
  // The console's page behind '#', or a path of the server.
  go: (path) => page.goto(ORIGIN + (path.startsWith("#") ? `/console/${path}` : path)).then(() => page.url()),
  reload: () => page.reload().then(() => null),
  url: () => page.url(),
  fill: (label, value) => control(label).and(page.locator("input")).fill(value),
  click: (role, name) => page.getByRole(role, { name, exact: true }).first().click(),
  "click-in": (within, role, name) => page.getByRole(within).getByRole(role, { name, exact: true }).click(),
  check: (label) => page.getByLabel(label, { exact: true }).check({ force: true }),
  choose: async (label, option) => {
    await select(label).click();
    await page.getByRole("option", { name: new RegExp(`^${option}`) }).first().click();
  },
  options: async (label) => {
    await select(label).click();
    const options = page.getByRole("option");
    await options.first().waitFor();
    const texts = await options.allInnerTexts();
    await page.keyboard.press("Escape");
    return texts;
  },
  // In a row of a table, by some text in it.
  "check-row": (text) => row(text).getByRole("checkbox").check({ force: true }),
  "pick-row": (text) => row(text).getByRole("radio").check({ force: true }),
  "row-text": (text) => row(text).first().innerText(),
  // By the head of a column: a copy of it that sticks to the window lies over the table's own.
  sort: (head) => page.getByRole("button", { name: head, exact: true }).first().click({ force: true }),
  rows: () => page.getByRole("row").count(),
  press: (key) => page.keyboard.press(key),
  type: (text) => page.keyboard.type(text),
  sees: (text) => page.getByText(text).first().waitFor().then(() => null),
  shows: (text) => page.getByText(text).first().isVisible(),
  "has-button": (name) => page.getByRole("button", { name, exact: true }).or(page.getByRole("link", { name, exact: true })).first().isVisible(),
  count: (selector) => page.locator(selector).count(),
  text: (selector) => page.locator(selector).first().innerText(),
  // What the page says of a key, as in Cloudscape's pairs.
  value: (key) => page.locator("dt", { hasText: new RegExp(`^${key}$`) }).locator("xpath=following-sibling::dd[1]").first().innerText(),
  focused: () => page.evaluate(() => document.activeElement?.getAttribute("name") || document.activeElement?.textContent?.trim() || document.activeElement?.tagName),
  evaluate: (script) => page.evaluate(script),
  "before-load": (script) => page.addInitScript(script),
  size: (width, height) => page.setViewportSize({ width, height }).then(() => null),
  theme: (colorScheme) => page.emulateMedia({ colorScheme, reducedMotion: "reduce" }).then(() => null),
  screenshot: (path, whole) => page.screenshot({ path, fullPage: whole }).then(() => null),
  download: async (name, path) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).first().click()]);
    await download.saveAs(path);
    return download.suggestedFilename();
  },
  // Findings of axe that bar people: "serious" and "critical". It runs in a world of its own, since the page's policy
  // lets no script be added.
  axe: async () => {
    const session = await context.newCDPSession(page);
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
    const { readFileSync } = await import("node:fs");
    await session.send("Runtime.evaluate", { expression: readFileSync(axe, "utf8"), contextId: executionContextId });
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: "axe.run().then((found) => JSON.stringify({ passes: found.passes.length, " +
        "violations: found.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, " +
        "nodes: nodes.slice(0, 5).map((node) => node.html.slice(0, 300) + ' ' + node.failureSummary) })) }))",
      contextId: executionContextId, awaitPromise: true, returnByValue: true,
    });
    await session.detach();
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return JSON.parse(result.value);
  },
  seen: () => seen,
  forget: () => Object.values(seen).forEach((list) => (list.length = 0)),
  // Bytes on the wire of a load with an empty cache, and when things were there.
  "measure-load": async (path, text) => {
    const session = await context.newCDPSession(page);
    let bytes = 0, files = 0;
    await session.send("Network.enable");
    await session.send("Network.clearBrowserCache");
    session.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; files += 1; });
    await page.goto("about:blank");
    const start = performance.now();
    await page.goto(ORIGIN + path, { waitUntil: "commit" });
    await page.getByText(text).first().waitFor();
    const usable = performance.now() - start;
    await page.waitForLoadState("networkidle");
    await session.detach();
    return { bytes, files, milliseconds: Math.round(usable) };
  },
};

async function answer({ verb, arguments: values = [] }) {
  try {
    if (!verbs[verb]) throw new Error(`there is no verb ${verb}`);
    return { result: (await verbs[verb](...values)) ?? null };
  } catch (error) {
    return { error: `${verb} ${JSON.stringify(values)}: ${error.message.slice(0, 2000)}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
await context.close();
