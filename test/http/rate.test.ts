import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { createRateLimiter, rateHeaders } from "#http/rate.ts";

const RATE = { limit: 10, windowSeconds: 60 };

function clock(): { now: () => Date; pass: (ms: number) => void } {
  let at = 1_000_000;
  return { now: () => new Date(at), pass: (ms) => void (at += ms) };
}

test("ten at once, then one every six seconds", () => {
  const { now, pass } = clock();
  const limiter = createRateLimiter(now);
  const left = Array.from({ length: 10 }, () => limiter.take("ada", RATE).remaining);
  expect(left).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(limiter.take("ada", RATE)).toEqual({
    ok: false,
    limit: 10,
    windowSeconds: 60,
    remaining: 0,
    resetSeconds: 60,
    retryAfterSeconds: 6,
  });
  expect(limiter.take("bob", RATE).ok).toBe(true);
  pass(5999);
  expect(limiter.take("ada", RATE)).toMatchObject({ ok: false, retryAfterSeconds: 1 });
  pass(1);
  expect(limiter.take("ada", RATE).ok).toBe(true);
  expect(limiter.take("ada", RATE).ok).toBe(false);
  pass(3_600_000);
  expect(limiter.take("ada", RATE)).toMatchObject({ ok: true, remaining: 9 });
});

test("whatever the rhythm, no window holds more than the limit and its refill", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 200 }), (waits) => {
      const { now, pass } = clock();
      const limiter = createRateLimiter(now);
      let elapsedMs = 0;
      let taken = 0;
      for (const wait of waits) {
        pass(wait);
        elapsedMs += wait;
        const { ok, retryAfterSeconds } = limiter.take("ada", RATE);
        if (ok) taken += 1;
        else expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
        expect(taken).toBeLessThanOrEqual(10 + elapsedMs / 6000 + 1e-6);
      }
    }),
  );
});

test("waiting as long as it says is enough", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 3600 }),
      (limit, windowSeconds) => {
        const { now, pass } = clock();
        const limiter = createRateLimiter(now);
        let taken = limiter.take("ada", { limit, windowSeconds });
        while (taken.ok) taken = limiter.take("ada", { limit, windowSeconds });
        pass(taken.retryAfterSeconds * 1000);
        expect(limiter.take("ada", { limit, windowSeconds }).ok).toBe(true);
      },
    ),
  );
});

test("a clock that goes back gives nothing away", () => {
  const { now, pass } = clock();
  const limiter = createRateLimiter(now);
  for (let i = 0; i < 10; i++) limiter.take("ada", RATE);
  pass(-60_000);
  expect(limiter.take("ada", RATE).ok).toBe(false);
});

test("memory is bounded: the bucket not touched for the longest is forgotten", () => {
  const limiter = createRateLimiter(clock().now, 3);
  const one = { limit: 1, windowSeconds: 60 };
  for (const key of ["a", "b", "c"]) limiter.take(key, one);
  limiter.take("a", one);
  limiter.take("d", one);
  expect(limiter.take("a", one).ok).toBe(false);
  expect(limiter.take("b", one).ok).toBe(true);
});

test("headers tell the limit, what is left and when it is full again", () => {
  const limiter = createRateLimiter(clock().now);
  expect(rateHeaders(limiter.take("ada", RATE))).toEqual({
    "ratelimit-limit": "10",
    "ratelimit-remaining": "9",
    "ratelimit-reset": "6",
    "ratelimit-policy": "10;w=60",
  });
  for (let i = 0; i < 9; i++) limiter.take("ada", RATE);
  expect(rateHeaders(limiter.take("ada", RATE))).toMatchObject({ "retry-after": "6" });
});
