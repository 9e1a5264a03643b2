import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { gateAnswer } from "#sites/gate/gate.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { describeBrowser } from "#test/support/browser.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

import { gated } from "./gated.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

describeBrowser("the password form in a browser", (browser) => {
  let ctx: TestCtx;
  let ada: Person;
  let server: Bun.Server<unknown>;
  beforeAll(async () => {
    ctx = await testCtx({ config: { registration: "open" } });
    ada = await signUp(ctx, "ada");
    await createSite(ctx, ada.actor, { name: "blog" });
    await updateSite(ctx, ada.actor, "blog", { password: "open sesame" });
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const peer = { address: () => "127.0.0.1", secure: false };
        const inside = new Response("<title>Inside</title>", {
          headers: { "content-type": "text/html" },
        });
        return (await gateAnswer(ctx, await gated(ctx, "blog"), request, peer)) ?? inside;
      },
    });
  });
  afterAll(async () => {
    await server.stop(true);
    await ctx.close();
  });

  for (const [name, options] of [
    ["without scripts", { javaScriptEnabled: false }],
    ["in the dark on a phone", { colorScheme: "dark", viewport: { width: 320, height: 600 } }],
  ] as const)
    test(`${name}: a wrong password is told, the right one leads on, a new one asks again`, async () => {
      const context = await browser().newContext(options);
      const page = await context.newPage();
      const blocked: string[] = [];
      page.on("console", (message) => void blocked.push(message.text()));
      const address = `http://blog.localhost:${server.port}/a/b?c=d`;
      await page.goto(address);
      expect(await page.locator("h1").textContent()).toBe("blog.localhost");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button").click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("Password").fill("open sesame");
      await page.keyboard.press("Enter");
      await page.waitForURL(address);
      expect(await page.title()).toBe("Inside");
      await updateSite(ctx, ada.actor, "blog", { password: "open sesame" });
      await page.reload();
      expect(await page.getByLabel("Password").isVisible()).toBe(true);
      expect(blocked.filter((text) => !text.includes("401"))).toEqual([]);
      await context.close();
    });
});
