import { expect, test } from "bun:test";

import { runsOn } from "#solve/engines.ts";

test.each([
  ["0.2.0", ">=0.1", true],
  ["0.2.0", ">=0.3", false],
  ["0.2.0-dev.1", ">=0.1", true],
  ["0.2.0-dev.1", ">=0.2.0", true],
  ["0.2.0-dev.1", "0.2.0-dev.1", true],
  ["0.2.0-dev.1", ">=0.3", false],
  ["0.2.0", "whatever", true],
])("land %s with engines.land %j: %p", (land, engine, expected) => {
  expect(runsOn(land, engine)).toBe(expected);
});
