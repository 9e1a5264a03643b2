import { expect, test } from "bun:test";

import { chooseEncoding, encodeBytes } from "#http/encoding.ts";
import { hasCurrentCopy, notModified } from "#http/etag.ts";

const asks = (value?: string) =>
  new Request("http://localhost/", {
    headers: value === undefined ? {} : { "if-none-match": value },
  });

test.each([
  [undefined, false],
  ["", false],
  ['"a"', true],
  ['W/"a"', true],
  ["*", true],
  ['"b", "a"', true],
  ['"b","c"', false],
  ["a", false],
  ['"a', false],
  ['"b, a"', false],
])("If-None-Match: %s → %p", (value, expected) => {
  expect(hasCurrentCopy(asks(value), '"a"')).toBe(expected);
});

test("304 has no headers of a body", () => {
  const answer = notModified({ etag: '"a"', vary: "accept", "content-type": "text/plain" });
  expect(answer.status).toBe(304);
  expect([...answer.headers.keys()].toSorted()).toEqual(["etag", "vary"]);
});

test.each([
  [null, "identity"],
  ["", "identity"],
  ["gzip", "gzip"],
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip;q=1, zstd;q=0.5", "gzip"],
  ["GZIP", "gzip"],
  ["gzip;q=0", "identity"],
  ["*", "zstd"],
  ["*;q=0", "identity"],
  ["identity;q=1, gzip;q=0.5", "identity"],
  ["zstd;q=0, *", "gzip"],
  ["gzip;q=nonsense", "identity"],
  ["x".repeat(100_000), "identity"],
] as const)("Accept-Encoding: %p → %s", (header, expected) => {
  expect(chooseEncoding(header)).toBe(expected);
});

test("what is encoded can be decoded", async () => {
  const bytes = new TextEncoder().encode("line\n".repeat(1000));
  expect(Bun.gunzipSync(encodeBytes(bytes, "gzip"))).toEqual(bytes);
  expect(new Uint8Array(await Bun.zstdDecompress(encodeBytes(bytes, "zstd")))).toEqual(bytes);
  expect(encodeBytes(bytes, "identity")).toEqual(bytes);
});
