import { expect, setDefaultTimeout, test } from "bun:test";

import type { Page } from "playwright-core";

import { describeBrowser } from "#test/support/browser.ts";

import { startDev } from "./dev-world.ts";

/** The machine may be busy. */
setDefaultTimeout(60_000);

const page = (text: string): string =>
  `<!doctype html><link rel="stylesheet" href="/style.css"><body><h1>${text}</h1></body>`;

/** Resolves when the page follows the folder. */
async function open(tab: Page, url: string): Promise<void> {
  const following = tab.waitForResponse((response) => response.url().endsWith("/.land/reload"));
  await tab.goto(url);
  await following;
}

describeBrowser("land dev in a browser", (browser) => {
  test("a page shows what is written, and a stylesheet without loading the page again", async () => {
    await using dev = await startDev({
      "index.html": page("first"),
      "style.css": "h1 { color: rgb(1, 2, 3) }",
    });
    const tab = await browser().newPage();
    await open(tab, `http://127.0.0.1:${dev.port}/`);
    const loads: string[] = [];
    tab.on("framenavigated", (frame) => void loads.push(frame.url()));
    await dev.write({ "style.css": "h1 { color: rgb(4, 5, 6) }" });
    await tab.waitForFunction(
      'getComputedStyle(document.querySelector("h1")).color === "rgb(4, 5, 6)" && document.querySelectorAll("link").length === 1',
    );
    expect(loads).toEqual([]);
    await dev.write({ "index.html": page("second") });
    await tab.getByText("second").waitFor();
    expect(loads).toHaveLength(1);
    await dev.write({ "style.css": "h1 { color: rgb(7, 8, 9) }", "index.html": page("third") });
    await tab.getByText("third").waitFor();
    await tab.close();
  });

  test("a page that is missing appears once it is made", async () => {
    await using dev = await startDev({ "index.html": page("home") });
    const tab = await browser().newPage();
    await open(tab, `http://127.0.0.1:${dev.port}/later`);
    expect(await tab.locator("h1").textContent()).toBe("Page not found");
    await dev.write({ "later.html": page("made") });
    await tab.getByText("made").waitFor();
    await tab.close();
  });
});
