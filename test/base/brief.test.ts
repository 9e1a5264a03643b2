import { expect, test } from "bun:test";

import { brief } from "#base/brief.ts";

test("what is compiled briefly does the same, however often", () => {
  const add = (a: number, b: number): number => a + b;
  brief(add);
  let sum = 0;
  for (let n = 0; n < 200_000; n += 1) sum = add(sum, 1);
  expect(sum).toBe(200_000);
});
