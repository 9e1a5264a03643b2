import { afterAll, beforeAll, expect, test } from "bun:test";

import { assert as check, asyncProperty, string } from "fast-check";

import { listDependents } from "#registry/dependents.ts";
import { startDownloadCounter } from "#registry/downloads.ts";
import { searchPackages } from "#registry/search.ts";
import { countTypos } from "#registry/typos.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, type Person, signUp } from "#test/support/people.ts";

import { put } from "./uploads.ts";

let ctx: TestCtx;
let ada: Person;

const PACKAGES: [name: string, description: string, keywords: string[], dependencies?: object][] = [
  ["chalk", "Terminal string styling", ["color"]],
  ["chalk-animation", "Colorful animations in the terminal", ["color"]],
  ["color-picker", "Pick a color", []],
  ["@ada/greet", "Says hello to people", ["hello"], { chalk: "^1.0.0" }],
  ["greet-all", "Greets everybody", ["hello"], { chalk: "1.x", "color-picker": "*" }],
  ["request", "Simple HTTP", ["http", "fetch"]],
  ["uber", "Ein Paket für die Übersetzung", ["über"]],
  ["quoted", 'Handles "quotes" and AND OR NOT NEAR operators', []],
];

beforeAll(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  for (const [name, description, keywords, dependencies = {}] of PACKAGES) {
    await put(ctx, ada, { name, manifest: { description, keywords, dependencies } });
    ctx.pass(1000);
  }
  for (let n = 10; n < 60; n += 1)
    await put(ctx, ada, { name: `filler-${n}`, manifest: { description: "one of many" } });
});
afterAll(() => ctx.close());

const find = async (q: string) =>
  (await searchPackages(ctx, undefined, { q })).items.map(({ name }) => name);

test.each([
  ["chalk", ["chalk", "chalk-animation"]],
  ["chal", ["chalk", "chalk-animation"]],
  ["animation chalk", ["chalk-animation"]],
  ["greet", ["@ada/greet", "greet-all"]],
  ["@ada/greet", ["@ada/greet"]],
  ["color picker", ["color-picker"]],
  ["colorpicker", ["color-picker"]],
  ["HTTP", ["request"]],
  ["uber", ["uber"]],
  ["Übersetzung", ["uber"]],
  ["terminal stri", ["chalk"]],
  ["nothing-like-this", []],
])("%s finds %j", async (q, names) => {
  expect(await find(q)).toEqual(names);
});

test.each([
  ["reqeust", "request"],
  ["chlak", "chalk"],
  ["chalkk", "chalk"],
  ["calk", "chalk"],
  ["gret", "@ada/greet"],
  ["colr-picker", "color-picker"],
  ["chalk-animatoin", "chalk-animation"],
])("the typo %s finds %s first", async (q, name) => {
  expect((await find(q))[0]).toBe(name);
});

test("a text that resembles nothing finds nothing", async () => {
  for (const q of ["zzzzzz", "qqq", "x".repeat(64)]) expect(await find(q)).toEqual([]);
});

const HOSTILE = [
  '"',
  '""',
  '"""',
  "'",
  "*",
  "a*b",
  "^a",
  "NEAR(",
  "NOT",
  "AND AND",
  "OR",
  "name:chalk",
  "{name}: x",
  "-",
  "--; DROP TABLE packages",
  "\0",
  "a\0b",
  "%",
  "_",
  "\\",
  "(((",
  "\uD800",
  "\u0301",
  "💥",
  "𝕔𝕙𝕒𝕝𝕜",
  "a".repeat(10_000),
  "a ".repeat(5000),
  '"a" '.repeat(2500),
  "@/",
  "@",
  "/",
];
test.each(HOSTILE)("%j is only a text", async (q) => {
  expect(await codeOf(() => find(q))).toBe("done");
});

test("any text is only a text", async () => {
  await check(
    asyncProperty(string({ unit: "binary", maxLength: 60 }), async (q) => {
      expect(await codeOf(() => find(q))).toBe("done");
    }),
    { numRuns: 200 },
  );
}, 60_000);

test.each(["updated", "downloads", "name", "relevance"] as const)(
  "pages by %s hold every package once",
  async (sort) => {
    for (const q of ["", "many"]) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await searchPackages(ctx, undefined, {
          q,
          sort,
          limit: "7",
          ...(cursor !== undefined && { cursor }),
        });
        names.push(...page.items.map(({ name }) => name));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toHaveLength(q === "" ? 50 + PACKAGES.length : 50);
      if (sort === "name") expect(names).toEqual(names.toSorted());
    }
  },
);

test("a page is refused that is none of ours", async () => {
  const { next } = await searchPackages(ctx, undefined, { sort: "name", limit: "1" });
  const tries = [
    { limit: "0" },
    { limit: "101" },
    { limit: "x" },
    { cursor: "x" },
    { cursor: Buffer.from('["relevance",{}]').toString("base64url") },
    { cursor: Buffer.from('["updated"]').toString("base64url") },
    { cursor: next ?? "", sort: "updated" as const },
  ];
  for (const query of tries)
    expect(await codeOf(() => searchPackages(ctx, undefined, query))).toBe("invalid_input");
});

test("the sort goes by what was downloaded", async () => {
  const counter = startDownloadCounter(ctx);
  ctx.hooks.emit("version.downloaded", { name: "request", version: "1.0.0" });
  await counter.stop();
  const { items } = await searchPackages(ctx, undefined, { sort: "downloads", limit: "1" });
  expect(items).toMatchObject([{ name: "request", downloads: 1, version: "1.0.0" }]);
});

test("dependents by name, in pages", async () => {
  const first = await listDependents(ctx, undefined, "chalk", { limit: 1, cursor: undefined });
  expect(first.items).toEqual([
    { name: "@ada/greet", version: "1.0.0", range: "^1.0.0", kind: "normal" },
  ]);
  expect(first.next).not.toBeNull();
  const cursor = ["@ada/greet", "normal"];
  const second = await listDependents(ctx, undefined, "chalk", { limit: 1, cursor });
  expect(second).toMatchObject({ items: [{ name: "greet-all", range: "1.x" }], next: null });
});

test("on a server of members a list needs an account", async () => {
  const closed = { ...ctx, config: { ...ctx.config, access: "members" as const } };
  expect(await codeOf(() => searchPackages(closed, undefined, {}))).toBe("unauthenticated");
  expect(await codeOf(() => searchPackages(closed, ada.actor, {}))).toBe("done");
});

test.each([
  ["", "", 0],
  ["abc", "abc", 0],
  ["abc", "acb", 1],
  ["abc", "ab", 1],
  ["abc", "abxc", 1],
  ["abc", "xyz", 3],
])("%p and %p are %d typos apart", (a, b, typos) => {
  expect(countTypos(a, b, 9)).toBe(typos);
});
