/**
 * Takes pictures of every sample page, wide and narrow, light and dark. Run by hand: `bun test/support/screenshots.ts [folder] [page…]`.
 * It also names each page that is wider than its screen. Needs a Chromium, see `findChromium`.
 */
import { mkdir } from "node:fs/promises";

import { chromium } from "playwright-core";

import { toText } from "#html/html.ts";
import { findAsset, PAGE_HEADERS } from "#web/assets.ts";

import { browserHint, CHROMIUM_FLAGS, findChromium } from "./browser.ts";
import { pages } from "./sample-pages.tsx";

const [folder = "/tmp/shots", ...only] = process.argv.slice(2);

const executablePath = findChromium();
if (executablePath === undefined) throw new Error(`No browser: ${browserHint}`);
await mkdir(folder, { recursive: true });
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const { pathname } = new URL(request.url);
    const found = findAsset(pathname);
    if (found) return new Response(found.body, { headers: found.headers });
    const page = pages[pathname.slice(1)];
    return page
      ? new Response(toText(page()), { headers: PAGE_HEADERS })
      : new Response("", { status: 404 });
  },
});
const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
for (const [size, width, height] of [
  ["wide", 1280, 800],
  ["phone", 390, 800],
  ["tiny", 320, 640],
] as const)
  for (const colorScheme of size === "tiny" ? (["light"] as const) : (["light", "dark"] as const)) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.on("console", (message) => console.log(`${size} ${page.url()}: ${message.text()}`));
    page.on("pageerror", (error) => console.log(`${size} ${page.url()}: ${error.message}`));
    for (const name of Object.keys(pages)) {
      if (only.length > 0 && !only.includes(name)) continue;
      await page.goto(`http://127.0.0.1:${server.port}/${name}`);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (Number(overflow) > 0)
        console.log(`${name} is ${String(overflow)} px too wide on ${size}`);
      if (size !== "tiny")
        await page.screenshot({
          path: `${folder}/${name}-${size}-${colorScheme}.png`,
          fullPage: true,
        });
    }
    await context.close();
  }
await browser.close();
await server.stop(true);
