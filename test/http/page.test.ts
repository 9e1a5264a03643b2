import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { LandError } from "#base/errors.ts";
import { parsePage, toPage } from "#http/page.ts";

const keyOf = (row: number) => [row];

test("a list has 20 items unless told, 1 to 100", () => {
  expect(parsePage({})).toEqual({ limit: 20, cursor: undefined });
  expect(parsePage({ limit: "1" }).limit).toBe(1);
  expect(parsePage({ limit: "100" }).limit).toBe(100);
  for (const limit of ["0", "101", "-1", "1.5", "", "x", "1e1", " 5"])
    expect(() => parsePage({ limit })).toThrow('Cannot accept "limit": use 1 to 100');
});

test("a cursor comes back as it was, and nothing else passes for one", () => {
  const key = fc.oneof(fc.string(), fc.integer());
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 3 }), (cursor) => {
      const { next } = toPage(
        [1, 2],
        { limit: 1, cursor: undefined },
        (row) => row,
        () => cursor,
      );
      expect(parsePage({ cursor: next ?? "" }).cursor).toEqual(cursor);
    }),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => Buffer.from(text).toString("base64url")),
      ),
      (text) => {
        try {
          expect(Array.isArray(parsePage({ cursor: text }).cursor)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(LandError);
        }
      },
    ),
  );
});

test("the last page has no next", () => {
  const page = { limit: 2, cursor: undefined };
  expect(toPage([1, 2], page, String, keyOf)).toEqual({ items: ["1", "2"], next: null });
  expect(toPage([], page, String, keyOf)).toEqual({ items: [], next: null });
  expect(toPage([1, 2, 3], page, String, keyOf)).toEqual({
    items: ["1", "2"],
    next: btoa("[2]").replace(/=+$/, ""),
  });
});
