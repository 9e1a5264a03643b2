import { afterEach, beforeEach, expect, test } from "bun:test";

import { put } from "#test/registry/uploads.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

import { say, visit } from "./visitor.ts";

const README = "# Greet\n\nSays **hello**. <script>alert(1)</script>[docs](docs/x.md)\n";
let ctx: TestCtx;
let ada: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  await put(ctx, ada, {
    name: "@ada/greet",
    version: "1.0.0",
    manifest: {
      description: "Says hello",
      license: "MIT",
      keywords: ["hello"],
      repository: "https://github.com/ada/greet",
      dependencies: { left: "^1.0.0" },
    },
    files: { "README.md": README },
  });
  await put(ctx, ada, { name: "@ada/greet", version: "1.1.0-beta.1" });
  await put(ctx, ada, { name: "left", version: "1.0.0" });
});
afterEach(() => ctx.close());

test("a package has a page under its plain and its encoded address", async () => {
  const browser = visit(ctx);
  for (const path of ["/packages/@ada/greet", "/packages/@ada%2Fgreet"]) {
    const page = await browser.get(path);
    expect(page.status).toBe(200);
    expect(page.document.querySelector("h1")?.textContent).toContain("@ada/greet 1.0.0");
    expect(say(page)).toContain("land add @ada/greet");
    expect(page.document.querySelector(".readme strong")?.textContent).toBe("hello");
    expect(page.document.querySelectorAll(".readme script").length).toBe(0);
    expect(page.document.querySelector(".readme a")?.getAttribute("href")).toBe(
      "https://github.com/ada/greet/blob/HEAD/docs/x.md",
    );
  }
});

test("a version, a tag and a range each have a page; what is not there is told", async () => {
  const browser = visit(ctx);
  const beta = await browser.get("/packages/@ada/greet/1.1.0-beta.1");
  expect(say(beta)).toContain("You are looking at 1.1.0-beta.1");
  expect(say(beta)).toContain("No readme");
  for (const spec of ["latest", "^1.0.0"])
    expect((await browser.get(`/packages/@ada/greet/${encodeURIComponent(spec)}`)).status).toBe(
      200,
    );
  const none = await browser.get("/packages/@ada/greet/9.9.9");
  expect(none.status).toBe(404);
  expect(say(none)).toContain('Cannot find version "9.9.9"');
});

test("programs get the API's answer from the same address", async () => {
  const browser = visit(ctx);
  const json = { accept: "application/json" };
  const page = await browser.get("/packages/@ada/greet", json);
  const api = await browser.get("/api/v1/packages/@ada/greet", json);
  expect(JSON.parse(page.text)).toEqual(JSON.parse(api.text));
  const version = await browser.get("/packages/@ada/greet/1.0.0", json);
  expect(JSON.parse(version.text)).toMatchObject({
    version: "1.0.0",
    dependencies: { left: "^1.0.0" },
  });
});

test("lists, search, dependents and the dashboard show what is published", async () => {
  const browser = visit(ctx);
  expect(say(await browser.get("/"))).toContain("Just published");
  const list = await browser.get("/packages?sort=name");
  expect(
    [...list.document.querySelectorAll(".package-name")].map((one) => one.textContent),
  ).toEqual(["@ada/greet", "left"]);
  expect(say(await browser.get("/packages?q=hello"))).toContain("@ada/greet");
  expect(say(await browser.get("/packages?q=nothing-like-it"))).toContain("Nothing found");
  expect((await browser.get("/packages?sort=bogus")).status).toBe(200);
  expect((await browser.get("/packages?cursor=bogus")).status).toBe(422);
  const left = await browser.get("/packages/left");
  expect(left.document.querySelector("#dependents")?.textContent).toContain("@ada/greet");
  const links = await Promise.all(
    [...left.document.querySelectorAll('a[href^="/packages"], a[href^="/api"]')].map((one) =>
      browser.get(one.getAttribute("href") ?? ""),
    ),
  );
  expect(links.map((one) => one.status).filter((status) => status >= 400)).toEqual([]);
});
