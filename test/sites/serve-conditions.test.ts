import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";

import { BLOG, getTwice, type Served, serveSites } from "./served.ts";

let served: Served;
const TEXT = String(BLOG["long.txt"]);
const DIGITS = String(BLOG["digits.bin"]);

beforeAll(async () => {
  served = await serveSites();
  await served.site("blog");
  await served.deploy("blog", BLOG);
  served.ctx.pass(5000);
  // Better variants would have other tags from one answer to the next.
  await served.sites.settled();
});
afterAll(() => served[Symbol.asyncDispose]());

const get = (path: string, headers?: Record<string, string>) => getTwice(served, path, headers);

describe("conditions", () => {
  let tag: string;
  beforeAll(async () => {
    tag = (await served.get("blog", "/")).headers.get("etag") ?? "";
  });
  const at = "Sun, 01 Mar 2026 12:00:00 GMT";
  const before = "Sun, 01 Mar 2026 11:59:59 GMT";
  const cases: [name: string, headers: () => Record<string, string>, status: number][] = [
    ["the current tag", () => ({ "if-none-match": tag }), 304],
    ["the current tag, weak", () => ({ "if-none-match": `W/${tag}` }), 304],
    ["the current tag among others", () => ({ "if-none-match": `"a", ${tag}, "b"` }), 304],
    ["any tag", () => ({ "if-none-match": "*" }), 304],
    ["another tag", () => ({ "if-none-match": '"a"' }), 200],
    ["another tag and the time", () => ({ "if-none-match": '"a"', "if-modified-since": at }), 200],
    ["the time", () => ({ "if-modified-since": at }), 304],
    ["the time in RFC 850", () => ({ "if-modified-since": "Sunday, 01-Mar-26 12:00:00 GMT" }), 304],
    ["the time as of asctime", () => ({ "if-modified-since": "Sun Mar  1 12:00:00 2026" }), 304],
    ["an earlier time", () => ({ "if-modified-since": before }), 200],
    ["no time", () => ({ "if-modified-since": "yesterday" }), 200],
    ["If-Match with the tag", () => ({ "if-match": tag }), 200],
    ["If-Match with any", () => ({ "if-match": "*" }), 200],
    ["If-Match with another", () => ({ "if-match": '"a"' }), 412],
    ["If-Match compares strongly", () => ({ "if-match": `W/${tag}` }), 412],
    ["If-Unmodified-Since", () => ({ "if-unmodified-since": at }), 200],
    ["If-Unmodified-Since before", () => ({ "if-unmodified-since": before }), 412],
    ["If-Match decides alone", () => ({ "if-match": tag, "if-unmodified-since": before }), 200],
  ];
  for (const [name, headers, status] of cases)
    test(`${name}: ${status}`, async () => {
      const answer = await get("/", headers());
      expect(answer.status).toBe(status);
      if (status !== 304) return;
      expect(await answer.text()).toBe("");
      expect(answer.headers.get("etag")).toBe(tag);
      expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
      expect(answer.headers.has("content-type")).toBe(false);
    });
});

describe("ranges", () => {
  const cases: [range: string, status: number, contentRange: string | null, text: string][] = [
    ["bytes=0-4", 206, "bytes 0-4/10", "01234"],
    ["bytes=0-0", 206, "bytes 0-0/10", "0"],
    ["bytes=5-", 206, "bytes 5-9/10", "56789"],
    ["bytes=-3", 206, "bytes 7-9/10", "789"],
    ["bytes=-99", 206, "bytes 0-9/10", DIGITS],
    ["bytes=8-99", 206, "bytes 8-9/10", "89"],
    ["BYTES=0-1", 206, "bytes 0-1/10", "01"],
    ["bytes= 0-1", 206, "bytes 0-1/10", "01"],
    ["bytes=0-1,", 206, "bytes 0-1/10", "01"],
    ["bytes=0-1, 20-30", 206, "bytes 0-1/10", "01"],
    ["bytes=10-", 416, "bytes */10", ""],
    ["bytes=-0", 416, "bytes */10", ""],
    ["bytes=99-100, 200-", 416, "bytes */10", ""],
    ["bytes=5-4", 200, null, DIGITS],
    ["bytes=a-b", 200, null, DIGITS],
    ["bytes=--1", 200, null, DIGITS],
    ["bytes=", 200, null, DIGITS],
    ["bytes=0-5,3-9", 200, null, DIGITS],
    [`bytes=${Array.from({ length: 60 }, (_, n) => `${n}-${n}`).join()}`, 200, null, DIGITS],
    ["items=0-1", 200, null, DIGITS],
  ];
  for (const [range, status, contentRange, text] of cases)
    test(`${range.slice(0, 40)}: ${status}`, async () => {
      const answer = await get("/digits.bin", { range });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-range")).toBe(contentRange);
      if (status !== 416) expect(await answer.text()).toBe(text);
    });

  test("several parts", async () => {
    const answer = await get("/digits.bin", { range: "bytes=0-1, 5-6, -1" });
    expect(answer.status).toBe(206);
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(
      answer.headers.get("content-type") ?? "",
    )?.[1];
    const body = await answer.text();
    expect(body.length).toBe(Number(answer.headers.get("content-length")));
    expect(body.replaceAll(boundary ?? "?", "B")).toBe(
      [
        ...["bytes 0-1/10", "bytes 5-6/10", "bytes 9-9/10"].map(
          (part, at) =>
            `--B\r\ncontent-type: application/octet-stream\r\ncontent-range: ${part}\r\n\r\n${["01", "56", "9"][at]}\r\n`,
        ),
        "--B--\r\n",
      ].join(""),
    );
  });

  test("of a file on disk", async () => {
    const whole = await (await served.get("blog", "/big.bin")).bytes();
    expect(whole.length).toBe(3 * 1024 * 1024);
    const answer = await get("/big.bin", { range: "bytes=1000000-1999999" });
    expect(answer.headers.get("content-length")).toBe("1000000");
    expect(await answer.bytes()).toEqual(whole.subarray(1_000_000, 2_000_000));
    const ignored = await get("/big.bin", { range: "bytes=0-1", "if-range": '"other"' });
    expect([ignored.status, (await ignored.bytes()).length]).toEqual([200, whole.length]);
    const parts = await get("/big.bin", { range: "bytes=0-9, 3000000-3000009" });
    expect(parts.status).toBe(206);
  });

  test("are cut from what If-Range names, and from the plain file alone", async () => {
    const plain = await served.get("blog", "/long.txt");
    const coded = await served.get("blog", "/long.txt", { "accept-encoding": "br" });
    const range = "bytes=4-8";
    const tag = plain.headers.get("etag") ?? "";
    const time = plain.headers.get("last-modified") ?? "";
    const statusOf = async (ifRange: string) =>
      (await get("/long.txt", { range, "if-range": ifRange, "accept-encoding": "br" })).status;
    expect(await statusOf(tag)).toBe(206);
    expect(await statusOf(time)).toBe(206);
    expect(await statusOf(`W/${tag}`)).toBe(200);
    expect(await statusOf(coded.headers.get("etag") ?? "")).toBe(200);
    expect(await statusOf("Sun, 01 Mar 2026 11:00:00 GMT")).toBe(200);
    const part = await get("/long.txt", { range, "accept-encoding": "br" });
    expect(part.headers.has("content-encoding")).toBe(false);
    expect(await part.text()).toBe("quick");
  });

  test("HEAD has none", async () => {
    const head = await served.get("blog", "/digits.bin", { range: "bytes=0-1" }, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
  });
});

describe("codings", () => {
  const cases: [accept: string, coding: string | null][] = [
    ["br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, zstd", "zstd"],
    ["gzip;q=1.0, br;q=0.5", "gzip"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["*", "br"],
    ["*;q=0.1, identity", null],
    ["br;q=0", null],
    ["identity;q=1, br;q=0.9", null],
    ["identity;q=0, gzip", "gzip"],
    ["deflate", null],
    ["identity", null],
    ["br;q=2", null],
    ["*;q=0", null],
  ];
  for (const [accept, coding] of cases)
    test(`${accept}: ${coding}`, async () => {
      const answer = await get("/long.txt", { "accept-encoding": accept });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-encoding")).toBe(coding);
      expect(answer.headers.get("vary")).toBe("Accept-Encoding");
      const bytes = await answer.bytes();
      expect(answer.headers.get("content-length")).toBe(String(bytes.length));
      const plain =
        coding === "br"
          ? brotliDecompressSync(bytes)
          : coding === "gzip"
            ? gunzipSync(bytes)
            : coding === "zstd"
              ? zstdDecompressSync(bytes)
              : bytes;
      expect(Buffer.from(plain).toString()).toBe(TEXT);
    });

  test("each has a tag of its own, and any that the visitor takes is current", async () => {
    const tags = new Set<string>();
    for (const accept of ["identity", "br", "zstd", "gzip"]) {
      const answer = await served.get("blog", "/long.txt", { "accept-encoding": accept });
      const tag = answer.headers.get("etag") ?? "";
      tags.add(tag);
      const both = { "accept-encoding": `br, ${accept}`, "if-none-match": tag };
      const current = await get("/long.txt", both);
      expect([current.status, current.headers.get("etag")]).toEqual([304, tag]);
    }
    expect(tags.size).toBe(4);
    const [, br = ""] = tags;
    const other = await get("/long.txt", { "accept-encoding": "gzip", "if-none-match": br });
    expect(other.status).toBe(200);
  });

  test("what does not get smaller is sent as it is", async () => {
    const answer = await get("/data.json", { "accept-encoding": "br" });
    expect([answer.headers.get("content-encoding"), answer.headers.get("vary")]).toEqual([
      null,
      null,
    ]);
  });
});
