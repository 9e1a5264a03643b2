/**
 * `test/support` is what several tests stand on: the browser, the built binary.
 * Tests call it. It must never know a feature, nor reach the network.
 */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { existsSync } from "node:fs";

import type { Browser } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/** How a Chromium is started: nothing of it reaches the network. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What to do where no browser is found. */
export const browserHint =
  "install the Debian package `chromium`, or name a Chromium in LAND_TEST_CHROMIUM";

/** Path of a Chromium, or undefined where there is none; `LAND_TEST_CHROMIUM` is taken at its word, empty means none. */
export function findChromium(): string | undefined {
  const named = process.env["LAND_TEST_CHROMIUM"];
  if (named !== undefined) return named === "" ? undefined : named;
  return PLACES.find((path) => existsSync(path));
}

/**
 * Tests that need a browser: one is started before them and closed after them; `browser()` hands it out inside a test.
 * Without a browser they are skipped, and where `LAND_TEST_REQUIRE` names `browser` they fail.
 */
export function describeBrowser(name: string, body: (browser: () => Browser) => void): void {
  const executablePath = findChromium();
  let running: Browser | undefined;
  const browser = (): Browser => {
    if (running === undefined) throw new Error("The browser is not running: ask inside a test");
    return running;
  };
  if (executablePath === undefined) {
    if (isRequired()) test(name, () => Promise.reject(new Error(`No browser: ${browserHint}`)));
    else describe.skip(`${name} (no browser: ${browserHint})`, () => body(browser));
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      const { chromium } = await import("playwright-core");
      running = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
    }, 30_000);
    afterAll(async () => {
      await running?.close();
    });
    body(browser);
  });
}

function isRequired(): boolean {
  return (process.env["LAND_TEST_REQUIRE"] ?? "").split(",").includes("browser");
}
