import { expect, test } from "bun:test";

import { within } from "#tls/within.ts";

test("work that takes too long answers nothing, and goes on", async () => {
  const work = Promise.withResolvers<string>();
  expect(await within(1, work.promise)).toBeUndefined();
  work.resolve("late");
  expect(await within(1000, work.promise)).toBe("late");
});
