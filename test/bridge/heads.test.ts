import { expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  createHeadReader,
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
} from "#bridge/heads.ts";
import { BridgeError, MAX_HEADERS, type RequestHead } from "#bridge/model.ts";

const HEAD: RequestHead = {
  method: "GET",
  url: "http://blog.localhost/a?b",
  headers: [["accept", "*/*"]],
  requestId: "r",
  address: "::1",
};
const problemOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof BridgeError ? error.code : String(error);
  }
  return "";
};

test("heads come back as they were", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const value = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,60}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (headers) => {
      const request = { ...HEAD, headers };
      expect(decodeRequestHead(encodeRequestHead(request))).toEqual(request);
      const response = { status: 200, statusText: "", headers };
      expect(decodeResponseHead(encodeResponseHead(response))).toEqual(response);
    }),
  );
});

test("several of one name stay apart, also `__proto__`", () => {
  const headers = [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["__proto__", "x"],
  ] as const;
  const { headers: decoded } = decodeResponseHead(
    encodeResponseHead({ status: 200, statusText: "OK", headers }),
  );
  expect(decoded).toEqual(headers);
});

test("a head that came before is read as it was then, also among many and long ones", () => {
  const read = createHeadReader();
  const heads = Array.from({ length: 40 }, (_, count) => ({
    status: 200 + count,
    statusText: "",
    headers: [["x-count", `${count} `.repeat(count * 10).trim()]] as const,
  }));
  for (const head of [...heads, ...heads])
    for (const text of [encodeResponseHead(head), encodeResponseHead(head)])
      expect(read(text)).toEqual(head);
  const short = encodeResponseHead({ status: 200, statusText: "", headers: [["a", "b"]] });
  expect(read(short)).toBe(read(short));
  expect(problemOf(() => read("99\n"))).toBe("bad_head");
  expect(problemOf(() => read("99\n"))).toBe("bad_head");
});

test("nothing that would begin another field is encoded", () => {
  for (const bad of ["a\nb", "a\rb", "a\0b", "a\u0100b", "\u007f"]) {
    const headers = [["x", bad]] as const;
    expect(problemOf(() => encodeRequestHead({ ...HEAD, headers }))).toBe("bad_head");
    expect(problemOf(() => encodeResponseHead({ status: 200, statusText: bad, headers: [] }))).toBe(
      "bad_head",
    );
    expect(problemOf(() => encodeRequestHead({ ...HEAD, url: `http://x/${bad}` }))).toBe(
      "bad_head",
    );
  }
  for (const name of ["", "a b", "A", "a\nb", "ä"])
    expect(problemOf(() => encodeRequestHead({ ...HEAD, headers: [[name, "v"]] }))).toBe(
      "bad_head",
    );
});

test("too many and too large heads are refused at both ends", () => {
  const many = Array.from({ length: MAX_HEADERS + 1 }, (_, at) => [`x${at}`, ""] as const);
  expect(problemOf(() => encodeRequestHead({ ...HEAD, headers: many }))).toBe("bad_head");
  const text = `200\n\n${many.map(([name]) => `${name}\n`).join("\n")}`;
  expect(problemOf(() => decodeResponseHead(text))).toBe("bad_head");
  expect(problemOf(() => decodeResponseHead(`200\n\nx\n${"a".repeat(70_000)}`))).toBe("bad_head");
});

test("statuses, methods and URLs are what they must be", () => {
  for (const status of ["", "99", "600", "2e2", "-200", "0200", " 200"])
    expect(problemOf(() => decodeResponseHead(`${status}\n`))).toBe("bad_head");
  for (const text of [
    "GET\n/a\n\n",
    "GE T\nhttp://x/\n\n",
    "GET\nfile:///etc\n\n",
    "GET\nhttp://x/",
  ])
    expect(problemOf(() => decodeRequestHead(text))).toBe("bad_head");
  expect(problemOf(() => decodeResponseHead("200\n\nname"))).toBe("bad_head");
});

test("whatever text comes, it is a head or a BridgeError", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: "binary" }), (text) => {
      expect(["", "bad_head"]).toContain(problemOf(() => decodeResponseHead(text)));
      expect(["", "bad_head"]).toContain(
        problemOf(() => decodeRequestHead(`GET\nhttp://x/\n${text}`)),
      );
    }),
  );
});
