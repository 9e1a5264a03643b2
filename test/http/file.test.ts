import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { assert, nat, oneof, property, string, tuple } from "fast-check";

import { fileResponse, parseRangeHeader } from "#http/file.ts";

const content = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);
let root = "";
let server: Bun.Server<undefined>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-file-"));
  const path = join(root, "secret-name.bin");
  await Bun.write(path, content);
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) =>
      fileResponse(request, {
        file: Bun.file(path),
        sizeBytes: content.length,
        etag: '"abc"',
        type: "application/gzip",
        filename: '@ada/greet "x"\r\n-1.0.0.tgz',
        cacheControl: "public, max-age=31536000, immutable",
      }),
  });
});
afterAll(async () => {
  await server.stop(true);
  await rm(root, { recursive: true, force: true });
});

const get = (headers: Record<string, string>, method = "GET") =>
  fetch(server.url, { method, headers });

test.each([
  ["bytes=0-99", 206, 0, 99],
  ["bytes=900-", 206, 900, 999],
  ["bytes=-1", 206, 999, 999],
  ["bytes=-5000", 206, 0, 999],
  ["bytes=990-5000", 206, 990, 999],
  ["Bytes=5-5", 206, 5, 5],
  ["bytes=0-0,5-9", 200, 0, 999],
  ["bytes=9-5", 200, 0, 999],
  ["bytes=-", 200, 0, 999],
  ["bytes=a-b", 200, 0, 999],
  ["lines=0-5", 200, 0, 999],
  ["bytes=99999999999999999999-", 200, 0, 999],
])("Range: %s → %d, bytes %d to %d", async (range, status, first, last) => {
  const answer = await get({ range });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-range")).toBe(
    status === 206 ? `bytes ${first}-${last}/1000` : null,
  );
  expect(answer.headers.get("content-length")).toBe(String(last - first + 1));
  expect(answer.headers.get("etag")).toBe('"abc"');
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(content.subarray(first, last + 1));
});

test.each(["bytes=1000-", "bytes=5000-6000", "bytes=-0"])("Range: %s → 416", async (range) => {
  const answer = await get({ range });
  expect(answer.status).toBe(416);
  expect(answer.headers.get("content-range")).toBe("bytes */1000");
});

test.each([
  ['"abc"', 206],
  ['"old"', 200],
  ['W/"abc"', 200],
  ["Sat, 21 Nov 2026 00:00:00 GMT", 200],
])("If-Range: %s → %d", async (value, status) => {
  expect((await get({ range: "bytes=0-1", "if-range": value })).status).toBe(status);
});

test("304 goes before a range and repeats what caches need", async () => {
  const answer = await get({ "if-none-match": '"x", W/"abc"', range: "bytes=0-1" });
  expect(answer.status).toBe(304);
  expect(answer.headers.get("etag")).toBe('"abc"');
  expect(answer.headers.get("cache-control")).toContain("immutable");
});

test("HEAD tells the size and sends nothing", async () => {
  const answer = await get({ range: "bytes=0-1" }, "HEAD");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-length")).toBe("1000");
  expect(answer.headers.get("accept-ranges")).toBe("bytes");
  expect(await answer.text()).toBe("");
});

test("the name offered is ours, made safe, and the bytes are not decoded on the way", async () => {
  const answer = await get({});
  expect(answer.headers.get("content-disposition")).toBe(
    'attachment; filename="ada-greet-x--1.0.0.tgz"',
  );
  expect(answer.headers.get("content-type")).toBe("application/gzip");
  expect(answer.headers.get("content-encoding")).toBeNull();
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

test("a cut always lies in the file, whatever the header", () => {
  assert(
    property(
      oneof(
        string(),
        tuple(nat(), nat()).map(([a, b]) => `bytes=${a}-${b}`),
      ),
      nat(2000),
      (header, sizeBytes) => {
        const cut = parseRangeHeader(header, sizeBytes);
        if (typeof cut === "string") return;
        expect(cut.first).toBeGreaterThanOrEqual(0);
        expect(cut.last).toBeGreaterThanOrEqual(cut.first);
        expect(cut.last).toBeLessThan(sizeBytes);
      },
    ),
  );
});
