import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { letGo } from "#base/let-go.ts";

const filled = (sizeBytes: number, value: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(sizeBytes)).fill(value);

test("bytes that are let go are gone, and their neighbours stay as they are", () => {
  const sizes = [1, 100, 5000, 65_536, 262_143, 262_144, 300_001, 1_000_003];
  const all = Array.from({ length: 400 }, (_, at) => filled(sizes[at % sizes.length] ?? 1, at));
  const kept = all.filter((_, at) => at % 3 !== 0);
  for (const [at, bytes] of all.entries()) if (at % 3 === 0) letGo(bytes);
  for (const [at, bytes] of all.entries()) {
    if (at % 3 === 0) expect(bytes.byteLength).toBe(0);
    else expect(bytes.every((byte) => byte === at % 256)).toBe(true);
  }
  expect(kept.length).toBe(266);
});

test("a part of something stays, and what is gone can be let go again", () => {
  const whole = filled(600_000, 7);
  letGo(whole.subarray(1));
  letGo(whole.subarray(0, 599_999));
  expect(whole.every((byte) => byte === 7)).toBe(true);
  letGo(whole);
  letGo(whole);
  expect(whole.byteLength).toBe(0);
  letGo(new Uint8Array(new SharedArrayBuffer(10)));
  letGo(new Uint8Array(0));
});

test.skipIf(process.platform !== "linux")("their memory is the system's at once", () => {
  const residentKb = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const bytes = filled(64_000_000, 1);
  const before = residentKb();
  letGo(bytes);
  expect(before - residentKb()).toBeGreaterThan(50_000);
});
