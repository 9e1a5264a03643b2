import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { siteRoutes } from "#sites/site/site-routes.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { makeToken, type Person, signUp } from "#test/support/people.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let ada: Person;
let bob: Person;
let call: (as: Person | undefined, line: string, body?: unknown) => Promise<Answer>;
type Answer = { status: number; code: unknown; value: Record<string, unknown> };

beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  await signUp(ctx, "root");
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
  const app = new Elysia({ normalize: false }).use(problems({ ctx })).use(siteRoutes(ctx));
  call = async (as, line, body) => {
    const [method = "", path = ""] = line.split(" ");
    const request = new Request(`http://127.0.0.1:5263${path}`, {
      method,
      headers: {
        ...(as && { authorization: `Bearer ${as.token}` }),
        "content-type": "application/json",
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await app.fetch(request);
    const text = await answer.text();
    const value = text === "" ? {} : JSON.parse(text);
    return { status: answer.status, code: value.code, value };
  };
});
afterEach(() => ctx.close());

test("a site from its making to its end", async () => {
  const made = await call(ada, "POST /sites", { name: "blog" });
  expect([made.status, made.value["name"]]).toEqual([201, "blog"]);
  expect((await call(ada, "GET /sites")).value).toEqual({ items: [made.value], next: null });
  expect((await call(ada, "GET /sites/blog")).value).toEqual(made.value);
  const changed = await call(ada, "PATCH /sites/blog", { password: "open sesame" });
  expect(changed.value).toMatchObject({ protection: "password" });
  expect(JSON.stringify(changed.value)).not.toMatch(/argon2|open sesame/);
  const member = await call(ada, "PUT /sites/blog/members/bob", { role: "viewer" });
  expect([member.status, member.value]).toEqual([
    200,
    { user: "bob", role: "viewer", addedAt: "2026-03-01T12:00:00.000Z" },
  ]);
  expect((await call(bob, "GET /sites/blog/members/bob")).value["role"]).toBe("viewer");
  expect((await call(bob, "GET /sites/blog/members")).value["items"]).toHaveLength(2);
  expect((await call(ada, "DELETE /sites/blog/members/bob")).status).toBe(204);
  await makeToken(ctx, ada, "deploy:blog");
  expect((await call(ada, "GET /sites/blog/keys")).value["items"]).toHaveLength(1);
  expect((await call(ada, "DELETE /sites/blog")).status).toBe(204);
  expect(await call(ada, "GET /sites/blog")).toMatchObject({ status: 404, code: "site_not_found" });
});

test("a body that names more than settings is refused", async () => {
  await call(ada, "POST /sites", { name: "blog" });
  for (const [key, value] of Object.entries({
    name: "x",
    passwordHash: "",
    gateVersion: 0,
    createdBy: 1,
    id: 5,
  }))
    expect([
      key,
      (await call(ada, "PATCH /sites/blog", { maintenance: true, [key]: value })).code,
    ]).toEqual([key, "invalid_input"]);
  expect((await call(ada, "POST /sites", { name: "shop", createdBy: 1 })).code).toBe(
    "invalid_input",
  );
});

test.each([
  ["POST /sites", {}],
  ["POST /sites", { name: 1 }],
  ["POST /sites", { name: "x".repeat(65) }],
  ["PATCH /sites/blog", { protection: "all" }],
  ["PATCH /sites/blog", { password: "" }],
  ["PATCH /sites/blog", { quotaBytes: -1 }],
  ["PATCH /sites/blog", { maintenance: "yes" }],
  ["PUT /sites/blog/members/bob", { role: "admin" }],
  ["PUT /sites/blog/members/bob", {}],
  ["GET /sites?all=1", undefined],
  ["GET /sites?limit=0", undefined],
  ["GET /sites/blog/members?cursor=x", undefined],
])("%s %j is refused", async (line, body) => {
  await call(ada, "POST /sites", { name: "blog" });
  expect(await call(ada, line, body)).toMatchObject({ status: 422, code: "invalid_input" });
});

const ROUTES: [line: string, body?: unknown][] = [
  ["GET /sites/blog"],
  ["PATCH /sites/blog", { maintenance: true }],
  ["GET /sites/blog/members"],
  ["GET /sites/blog/members/ada"],
  ["PUT /sites/blog/members/bob", { role: "owner" }],
  ["DELETE /sites/blog/members/ada"],
  ["GET /sites/blog/keys"],
  ["DELETE /sites/blog"],
];

test.each(ROUTES)(
  "%s: nobody without an account, as if it were not there for others",
  async (line, body) => {
    await call(ada, "POST /sites", { name: "blog" });
    expect(await call(undefined, line, body)).toMatchObject({
      status: 401,
      code: "unauthenticated",
    });
    expect(await call(bob, line, body)).toMatchObject({ status: 404, code: "site_not_found" });
    const key = await makeToken(ctx, bob, "site:blog");
    expect(await call(key, line, body)).toMatchObject({ status: 404, code: "site_not_found" });
    const none = await call(bob, line.replace("blog", "none"), body);
    expect(none).toMatchObject({ status: 404, code: "site_not_found" });
  },
);
