import { expect, test } from "bun:test";

import { createNear } from "#guest/near.ts";

/** A clock that goes on by a hundredth of a millisecond at each look. */
function clock(): () => number {
  let now = 0;
  return () => (now += 0.01);
}

test("what comes soon is taken at once, and nothing is waited for that was not expected", () => {
  const got: Uint8Array[] = [];
  let reads = 0;
  const read = (): Uint8Array | undefined => {
    reads += 1;
    return reads % 3 === 0 ? Uint8Array.of(reads) : undefined;
  };
  const near = createNear(
    (bytes) => got.push(bytes),
    () => read,
    clock(),
  );
  near.look();
  expect(reads).toBe(0);
  for (let count = 0; count < 5; count += 1) {
    near.expect();
    near.look();
    near.look();
  }
  expect(got.map(([first]) => first)).toEqual([3, 6, 9, 12, 15]);
});

test("who is answered late waits less and less often, and as before when answers are quick again", () => {
  let waits = 0;
  let isQuick = false;
  const now = clock();
  let last = 0;
  const read = (): Uint8Array | undefined => {
    const at = now();
    if (at - last > 0.05) waits += 1;
    last = at;
    return isQuick ? Uint8Array.of(1) : undefined;
  };
  const near = createNear(
    () => undefined,
    () => read,
    now,
  );
  const ask = (times: number): number => {
    const before = waits;
    for (let count = 0; count < times; count += 1) {
      last = -1;
      near.expect();
      near.look();
    }
    return waits - before;
  };
  expect(ask(1000)).toBeLessThan(12);
  isQuick = true;
  ask(256);
  expect(ask(100)).toBe(100);
});
