import { afterEach, beforeEach, expect, test } from "bun:test";

import { type SiteLogs, startSiteLogs } from "#sites/logs/logs.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { PASSWORD, signUp } from "#test/support/people.ts";

import { visit, type Visitor } from "./visitor.ts";

let ctx: TestCtx;
let logs: SiteLogs;
let browser: Visitor;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  const ada = await signUp(ctx, "ada");
  await createSite(ctx, ada.actor, { name: "blog" });
  logs = startSiteLogs(ctx);
  browser = visit(ctx);
  await browser.send(await browser.get("/login"), "/login", {
    username: "ada",
    password: PASSWORD,
  });
});
afterEach(async () => {
  await logs.stop();
  await ctx.close();
});

test("lines that were noted just now are there, and the id of a request leads to its lines alone", async () => {
  const note = (requestId: string | undefined, message: string, level: "info" | "error"): void =>
    logs.note({ site: "blog", kind: "program", level, message, requestId });
  note("AAAAAAAAAAAA", "one", "info");
  note("BBBBBBBB-_BB", "two", "info");
  note("BBBBBBBB-_BB", "three", "error");
  note(undefined, "four", "info");
  const all = await linesAt("/sites/blog/logs?level=info");
  expect(all.texts).toEqual(["four", "three", "two", "one"]);
  expect(all.ids).toEqual(["BBBBBBBB-_BB", "BBBBBBBB-_BB", "AAAAAAAAAAAA"]);
  const [link = ""] = all.links;
  expect(link).toBe("/sites/blog/logs?level=info&request=BBBBBBBB-_BB");
  const one = await linesAt(link);
  expect(one.texts).toEqual(["three", "two"]);
  expect(one.follows).toBe("/api/v1/sites/blog/logs?follow=1&level=info&request=BBBBBBBB-_BB");
  expect(one.navigation).toEqual([
    "/sites/blog/logs?request=BBBBBBBB-_BB",
    "/sites/blog/logs?level=info&request=BBBBBBBB-_BB",
    "/sites/blog/logs?level=warn&request=BBBBBBBB-_BB",
    "/sites/blog/logs?level=error&request=BBBBBBBB-_BB",
  ]);
  expect((await linesAt("/sites/blog/logs?request=nothing")).texts).toEqual([]);
});

test("an id that a program made up is no markup, and leads to its lines all the same", async () => {
  const requestId = `"><b>&request=x#`;
  logs.note({ site: "blog", kind: "program", level: "info", message: "odd", requestId });
  const { links, ids } = await linesAt("/sites/blog/logs");
  expect(ids).toEqual([requestId.slice(0, 12)]);
  expect((await linesAt(links[0] ?? "")).texts).toEqual(["odd"]);
});

async function linesAt(path: string) {
  const { status, document } = await browser.get(path);
  expect(status).toBe(200);
  const all = (selector: string) => [...document.querySelectorAll(selector)];
  const list = document.querySelector("ol.log");
  return {
    texts: all(".log .text").map(({ textContent }) => textContent ?? ""),
    ids: all(".log .request").map(({ textContent }) => textContent ?? ""),
    links: all(".log .request").map((link) => link.getAttribute("href") ?? ""),
    navigation: all(".sorts a").map((link) => link.getAttribute("href") ?? ""),
    follows: list?.getAttribute("data-follow"),
  };
}
