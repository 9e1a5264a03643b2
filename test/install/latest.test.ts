import { describe, expect, test } from "bun:test";

import { parseVersion } from "#base/names.ts";
import { rangeForNewest } from "#install/request-latest.ts";

describe("what an update past the manifest writes for 2.1.0", () => {
  test.each([
    ["^1.0.0", "^2.1.0"],
    ["^2.0.0", "^2.1.0"],
    ["~1.0.0", "~2.1.0"],
    ["1.0.0", "2.1.0"],
    ["=1.0.0", "=2.1.0"],
    ["^1.0.0-beta.1", "^2.1.0"],
    ["1.x", "^2.1.0"],
    ["1", "^2.1.0"],
    [">=1 <2", "^2.1.0"],
    ["1.0.0 - 1.9.0", "^2.1.0"],
    // These let it in already.
    ["*", undefined],
    ["", undefined],
    ["2.x", undefined],
    [">=1", undefined],
    ["^1 || ^2", undefined],
    // These are about something newer, or nothing that a registry has.
    ["^2.1.0", undefined],
    ["^3.0.0-rc.1", undefined],
    ["2.1.0", undefined],
    ["workspace:^", undefined],
    ["npm:other@1", undefined],
  ])("%p → %p", (range, written) => {
    expect(rangeForNewest(range, parseVersion("2.1.0"))).toBe(written);
  });
});
