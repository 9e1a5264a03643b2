import { expect, test } from "bun:test";

import { refusalOf } from "#fixtures/refusals.ts";
import { requirePace } from "#http/pace.ts";

/** Passes chunks of these sizes, the clock going on by so many seconds before each. */
async function pass(sizes: readonly number[], seconds: number, bytesPerSecond = 100) {
  let atMs = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const size of sizes) {
      atMs += seconds * 1000;
      yield new Uint8Array(size);
    }
  }
  const passed = requirePace(source(), { bytesPerSecond, now: () => new Date(atMs) });
  let sizeBytes = 0;
  for await (const chunk of passed) sizeBytes += chunk.length;
  return sizeBytes;
}

test("a body at the pace passes, and one that starts slowly", async () => {
  expect(await pass([1000, 1000, 1000, 1000, 1000], 10)).toBe(5000);
  expect(await pass([1, 1, 4000, 4000], 10)).toBe(8002);
});

test("a body below it ends after half a minute", async () => {
  expect(await refusalOf(pass([1, 1, 1, 1, 1, 1], 10))).toMatchObject({ code: "too_slow" });
  expect(await refusalOf(pass([10_000, 1, 1, 1, 1], 60))).toMatchObject({ code: "too_slow" });
});

test("0 takes any", async () => {
  expect(await pass([1, 1, 1, 1, 1, 1], 3600, 0)).toBe(6);
});
