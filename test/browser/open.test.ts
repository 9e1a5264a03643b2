import { expect, test } from "bun:test";

import { describeBrowser } from "#test/support/browser.ts";

describeBrowser("a browser", (browser) => {
  test("opens a page of a server here, by a name below localhost", async () => {
    const headers = { "content-type": "text/html" };
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("<title>here</title>", { headers }),
    });
    const context = await browser().newContext();
    try {
      const tab = await context.newPage();
      await tab.goto(`http://site.localhost:${server.port}/`);
      expect(await tab.title()).toBe("here");
    } finally {
      await context.close();
      await server.stop(true);
    }
  }, 30_000);
});
