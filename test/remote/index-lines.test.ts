import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { LandError } from "#base/errors.ts";
import { parseIndex } from "#remote/index-lines.ts";

const URL = "http://registry.example/api/v1/index/left";
const DIGEST = `sha256:${"a".repeat(64)}`;
const LINE = { v: "1.0.0", deps: {}, opt: {}, engines: {}, bin: {}, digest: DIGEST, size: 1 };
const read = (...lines: unknown[]) =>
  parseIndex("left", lines.map((line) => JSON.stringify(line)).join("\n"), URL);
const refusal = (act: () => unknown): LandError => {
  try {
    act();
  } catch (error) {
    if (error instanceof LandError) return error;
    throw error;
  }
  throw new Error("it was taken");
};

describe("an index line that lies or is damaged is refused by name", () => {
  const lines: [string, object, string][] = [
    ["control characters in a version", { v: "1.0.0\u001B[2J" }, 'no version but "1.0.0\uFFFD[2J"'],
    ["no version", { v: undefined }, "no version"],
    ["build metadata", { v: "1.0.0+evil" }, "no version"],
    ["a digest in capitals", { digest: DIGEST.toUpperCase() }, "no digest"],
    ["control characters in a digest", { digest: `${DIGEST.slice(0, -1)}\n` }, "no digest"],
    ["a size below nothing", { size: -1 }, "no size"],
    ["a size that is no number", { size: "1" }, "no size"],
    ["requirements that are no texts", { deps: { pad: 1 } }, '"deps" in another form'],
    ["requirements as a list", { deps: ["pad"] }, '"deps" in another form'],
  ];
  for (const [what, more, words] of lines)
    test(what, () => {
      const error = refusal(() => read({ ...LINE, ...more }));
      expect(error).toMatchObject({ code: "bad_answer", exitCode: 13 });
      expect(error.message).toContain(words);
      expect(error.message).toContain("line 1");
      expect(error.message).not.toContain("\u001B");
    });

  test("two lines for one version", () => {
    expect(refusal(() => read(LINE, LINE)).message).toContain("line 2");
  });

  test("bare control characters are no JSON", () => {
    const text = JSON.stringify(LINE).replace("1.0.0", "1.0.0\u001B");
    expect(refusal(() => parseIndex("left", text, URL)).message).toContain("not JSON");
  });
});

describe("a signature of a wrong form is refused as a signature", () => {
  const key = `ed25519:${Buffer.alloc(32).toString("base64url")}`;
  const sig = Buffer.alloc(64).toString("base64url");
  const signatures: [string, object][] = [
    ["a key of 31 bytes", { key: `ed25519:${Buffer.alloc(31).toString("base64url")}`, sig }],
    ["a key of 33 bytes", { key: `ed25519:${Buffer.alloc(33).toString("base64url")}`, sig }],
    ["a key of another kind", { key: key.replace("ed25519", "rsa"), sig }],
    ["a signature in plain base64", { key, sig: "+".repeat(86) }],
    ["a signature with padding", { key, sig: `${sig}==` }],
    ["a signature with stray bits", { key, sig: `${sig.slice(0, -1)}B` }],
    ["a signature without key", { key: null, sig }],
    ["a key without signature", { key, sig: null }],
  ];
  for (const [what, signature] of signatures)
    test(what, () => {
      expect(refusal(() => read({ ...LINE, ...signature }))).toMatchObject({
        code: "signature_invalid",
        exitCode: 12,
      });
    });

  test("and taken, unverified, where its form is right", () => {
    expect(read({ ...LINE, key, sig })[0]?.signature as object).toEqual({ key, sig });
    expect(read({ ...LINE, key: null, sig: null })[0]?.signature).toBeUndefined();
  });
});

test("whatever is sent is read or refused, and pollutes nothing", () => {
  const polluted = `{"v":"1.0.0","digest":"${DIGEST}","size":1,"deps":{"__proto__":"1","constructor":"2"}}`;
  const [entry] = parseIndex("left", polluted, URL);
  expect(Object.keys(entry?.dependencies ?? {}).toSorted()).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.constant(LINE), fc.string())), (lines) => {
      const text = lines.map((line) => JSON.stringify(line)).join("\n");
      try {
        parseIndex("left", text, URL);
      } catch (error) {
        expect(error).toBeInstanceOf(LandError);
      }
    }),
  );
});
