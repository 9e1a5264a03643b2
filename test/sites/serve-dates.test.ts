import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { lastModified } from "#sites/serving/serve-validators.ts";

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

test("Last-Modified is written as toUTCString writes it, rounded up to a second", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LAST_MS }), (changedAtMs) => {
      const whole = Math.ceil(changedAtMs / 1000) * 1000;
      expect(lastModified(changedAtMs, LAST_MS)).toBe(new Date(whole).toUTCString());
      const down = new Date(Math.floor(changedAtMs / 1000) * 1000);
      expect(lastModified(changedAtMs, changedAtMs - 1)).toBe(down.toUTCString());
    }),
  );
});
