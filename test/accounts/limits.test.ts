import { afterEach, beforeEach, expect, test } from "bun:test";

import type { Actor } from "#accounts/actor.ts";
import { type Limited, limitRequest } from "#accounts/limits.ts";
import { parseUserName } from "#base/names.ts";
import { createRateLimiter, type RateLimiter } from "#http/rate.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf } from "#test/support/people.ts";

let ctx: TestCtx;
let limiter: RateLimiter;
beforeEach(async () => {
  ctx = await testCtx();
  limiter = createRateLimiter(ctx.now);
});
afterEach(() => ctx.close());

const REGISTER = "/api/v1/users/register";
const LOGIN = "/api/v1/users/login";
const PACKAGES = "/api/v1/packages";

test.each([
  ["POST", REGISTER, 5],
  ["POST", "/register", 5],
  ["POST", LOGIN, 10],
  ["POST", "/login", 10],
  ["GET", "/api/v1/packages", 600],
])("%s %s from one address: %d, then no more", async (method, path, limit) => {
  expect(await spend({ method, path })).toBe(limit);
  expect(await spend({ method, path, address: "192.0.2.2" })).toBe(limit);
});

test("this machine may register and sign in without limit", async () => {
  for (const address of ["127.0.0.1", "::1", "127.9.9.9"])
    expect(await spend({ path: LOGIN, address })).toBe(Infinity);
});

test("a token publishes 60 times a minute and asks 600 times, wherever it comes from", async () => {
  const one = { actor: holder("one"), address: "127.0.0.1" };
  expect(await spend({ ...one, path: PACKAGES })).toBe(60);
  expect(await spend({ ...one, path: "/api/v1/tokens" })).toBe(540);
  expect(await spend({ actor: holder("two"), path: PACKAGES })).toBe(60);
  ctx.pass(60_000);
  expect(await spend({ ...one, path: PACKAGES })).toBe(60);
});

test("what one install reads by the thousand is not counted", async () => {
  const actor = holder("one");
  for (const path of [
    "/api/v1/index/left",
    "/api/v1/blobs/sha256/00",
    "/api/v1/packages/@ada%2Fgreet/1.0.0/download",
  ])
    expect(await spend({ actor, method: "GET", path })).toBe(Infinity);
  expect(await spend({ actor, method: "GET", path: "/api/v1/packages/left" })).toBe(600);
});

test("addresses of one IPv6 network share a bucket", async () => {
  expect(await spend({ path: REGISTER, address: "2001:db8:1:2::1" })).toBe(5);
  expect(await spend({ path: REGISTER, address: "2001:0db8:1:2:ffff::2" })).toBe(0);
  expect(await spend({ path: REGISTER, address: "2001:db8:1:3::1" })).toBe(5);
  expect(await spend({ path: REGISTER, address: "fe80::1" })).toBe(5);
  expect(await spend({ path: REGISTER, address: "fe80::2%eth0" })).toBe(0);
});

test("the answer carries the nearest limit; rateLimit = off counts nothing", async () => {
  const limited = request({ path: LOGIN });
  expect(limitRequest(ctx, limiter, limited)).toEqual({
    "ratelimit-limit": "10",
    "ratelimit-remaining": "9",
    "ratelimit-reset": "6",
    "ratelimit-policy": "10;w=60",
  });
  const off = { ...ctx, config: { ...ctx.config, rateLimit: "off" as const } };
  for (let i = 0; i < 20; i++) expect(limitRequest(off, limiter, limited)).toEqual({});
});

type Try = { path: string; method?: string; address?: string; actor?: Actor };

function request({ path, method = "POST", address = "192.0.2.1", actor }: Try): Limited {
  return { request: new Request(`http://127.0.0.1:5263${path}`, { method }), path, address, actor };
}

/** How many requests pass before one is refused. */
async function spend(attempt: Try): Promise<number> {
  const limited = request(attempt);
  for (let passed = 0; passed <= 700; passed++) {
    const code = await codeOf(() => limitRequest(ctx, limiter, limited));
    if (code === "rate_limited") return passed;
    expect(code).toBe("done");
  }
  return Infinity;
}

function holder(id: string): Actor {
  const via = { kind: "token" as const, id, name: "t", scopes: ["account"], expiresAt: null };
  return { userId: 1, name: parseUserName("ada"), isAdmin: false, via };
}
