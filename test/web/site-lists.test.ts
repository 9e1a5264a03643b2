import { afterEach, beforeEach, expect, test } from "bun:test";

import { createToken } from "#accounts/tokens.ts";
import { addDomain } from "#sites/domains/domain-add.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { PASSWORD, type Person, signUp } from "#test/support/people.ts";

import { visit, type Visitor } from "./visitor.ts";

const MANY = 101;

let ctx: TestCtx;
let ada: Person;
let browser: Visitor;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open", "domains.perSite": MANY } });
  ada = await signUp(ctx, "ada");
  await createSite(ctx, ada.actor, { name: "blog" });
  browser = visit(ctx);
  await browser.send(await browser.get("/login"), "/login", {
    username: "ada",
    password: PASSWORD,
  });
});
afterEach(() => ctx.close());

test("more keys than a page holds go on at the next", async () => {
  for (let n = 0; n < MANY; n += 1)
    await createToken(ctx, ada.actor, { name: `key ${n}.`, scopes: ["deploy:blog"] });
  const [first, next] = await bothPages("/sites/blog/people", /key \d+\./g);
  expect([first.size, next.size, first.union(next).size]).toEqual([MANY - 1, 1, MANY]);
});

test("more domains than a page holds go on at the next", async () => {
  for (let n = 0; n < MANY; n += 1)
    await addDomain(ctx, ada.actor, "blog", { host: `w${n}.example.org` });
  const [first, next] = await bothPages("/sites/blog/domains", /w\d+\.example\.org/g);
  expect([first.size, next.size, first.union(next).size]).toEqual([MANY - 1, 1, MANY]);
});

/** What of a list is shown on its first page and on the one after it, which is the last. */
async function bothPages(path: string, shown: RegExp): Promise<[Set<string>, Set<string>]> {
  const first = await browser.get(path);
  const next = await browser.get(
    first.document.querySelector("a[rel=next]")?.getAttribute("href") ?? "",
  );
  expect([first.status, next.status]).toEqual([200, 200]);
  expect(next.document.querySelector("a[rel=next]")).toBeNull();
  expect(next.document.querySelector(".pagination a")?.getAttribute("href")).toBe(path);
  return [new Set(first.text.match(shown)), new Set(next.text.match(shown))];
}
