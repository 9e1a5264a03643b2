import { expect, test } from "bun:test";

import { sample as draw } from "fast-check";
import * as fc from "fast-check";

import { toText } from "#html/html.ts";
import { describeBrowser } from "#test/support/browser.ts";
import { pages } from "#test/support/sample-pages.tsx";
import { findAsset, PAGE_HEADERS } from "#web/assets.ts";
import { renderReadme } from "#web/markdown.ts";

import { VECTORS } from "./xss-vectors.ts";

const PIECES =
  "a b p div table tr td tbody li ul dl dt h1 h2 pre code details summary blockquote svg math style select img br"
    .split(" ")
    .flatMap((name) => [`<${name}>`, `</${name}>`])
    .concat(["text", "&lt;", "<!--", "-->", "\n\n", "> ", "- "]);
const mixtures = draw(fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }), {
  numRuns: 2000,
  seed: 7,
}).map((one) => one.join(""));
const renderAll = (texts: readonly string[]): string[] =>
  texts.map((text) => toText(renderReadme(text, "https://github.com/a/b/blob/HEAD/").html));

/** Runs in the page: parses each text in place and counts those that broke out of their box or changed when written again. */
const PLACE = `(texts) => texts.filter((html) => {
  const host = document.createElement("div");
  host.innerHTML = '<div id="readme">' + html + '</div><p id="after"></p>';
  return host.children.length !== 2 || host.children[1].id !== "after" || host.querySelector("script, style, svg, math, iframe, form, img, template, [style]");
})`;

describeBrowser("READMEs in a real browser", (browser) => {
  test("no attack runs, asks the network for anything or leaves its box, even without a policy", async () => {
    const boxes = renderAll(VECTORS).map((html) => `<div class="readme">${html}</div>`);
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response(
          `<!doctype html><title>t</title><main>${boxes.join("")}</main><p id="end">end</p>`,
          {
            headers: { "content-type": "text/html; charset=utf-8" },
          },
        ),
    });
    const page = await browser().newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => {
      said.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("console", (message) => said.push(message.text()));
    const url = `http://127.0.0.1:${server.port}/`;
    await page.goto(url);
    await page.mouse.move(50, 50);
    for (const details of await page.locator("details > summary").all()) await details.click();
    expect(said).toEqual([]);
    expect(asked.filter((one) => one !== url && !one.endsWith("/favicon.ico"))).toEqual([]);
    expect(await page.locator("body > main > div.readme").count()).toBe(boxes.length);
    expect(await page.locator("body > #end").count()).toBe(1);
    const kept = `(${PLACE})(${JSON.stringify([...renderAll(VECTORS), ...renderAll(mixtures)])})`;
    expect(await page.evaluate(kept)).toEqual([]);
    await page.close();
    await server.stop(true);
  }, 60_000);
});

const serve = (): Bun.Server<undefined> =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const asset = findAsset(pathname);
      if (asset) return new Response(asset.body, { headers: asset.headers });
      // The log of a site is followed: this ends it for good.
      if (pathname.endsWith("/logs")) return new Response(null, { status: 204 });
      const page = pages[pathname.slice(1)];
      return page
        ? new Response(toText(page()), { headers: PAGE_HEADERS })
        : new Response("", { status: 404 });
    },
  });

describeBrowser("pages in a real browser", (browser) => {
  test("no page is wider than a phone, breaks the policy or logs a problem", async () => {
    const server = serve();
    for (const width of [320, 390, 1280]) {
      const page = await browser().newPage({ viewport: { width, height: 800 } });
      const said: string[] = [];
      page.on("console", (message) => said.push(`${page.url()} ${message.text()}`));
      page.on("pageerror", (error) => said.push(`${page.url()} ${error.message}`));
      for (const name of Object.keys(pages)) {
        await page.goto(`http://127.0.0.1:${server.port}/${name}`);
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect({ name, width, overflow }).toEqual({ name, width, overflow: expect.any(Number) });
        expect(Number(overflow)).toBeLessThanOrEqual(0);
      }
      expect(said).toEqual([]);
      await page.close();
    }
    await server.stop(true);
  }, 60_000);

  test("`/` goes to the search field and a button copies the command", async () => {
    const server = serve();
    const context = await browser().newContext({
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/package`);
    await page.keyboard.press("/");
    expect(await page.evaluate("document.activeElement.id")).toBe("q");
    await page.getByRole("button", { name: "Copy the land command" }).click();
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("land add @ada/contour");
    await context.close();
    await server.stop(true);
  }, 30_000);

  test("without JavaScript the page is whole and shows no dead button", async () => {
    const server = serve();
    const context = await browser().newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/package`);
    expect(await page.getByRole("button").count()).toBe(0);
    await page.locator("#versions").waitFor();
    await context.close();
    await server.stop(true);
  }, 30_000);
});
