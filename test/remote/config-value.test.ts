import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { editSettings } from "#remote/config/edit.ts";
import { parseUserFile } from "#remote/config/file.ts";
import { maskSetting, parseSetting, renderSetting } from "#remote/config/value.ts";

const KEY = fc.constantFrom("network", "cache", "a", "b c", "version2");
const COMMENT = fc.constantFrom("", " // x\n", "/* y */", "/* { \n */", "\n", "  ");
const LEAF = fc.constantFrom("1", '"// no"', "[1, 2]", "true", '{ "/*": 2 }');
const SECTION = fc
  .array(fc.tuple(COMMENT, KEY, COMMENT, LEAF, COMMENT), { maxLength: 4 })
  .map((rows) => {
    const seen = new Map(rows.map((row) => [row[1], row]));
    const parts = [...seen.values()].map(([a, key, b, leaf, c]) => `${a}"${key}"${b}: ${leaf}${c}`);
    return `{${parts.join(",")}}`;
  });
const DOCUMENT = fc
  .array(fc.tuple(COMMENT, KEY, SECTION, COMMENT), { maxLength: 4 })
  .map((rows) => {
    const seen = new Map(rows.map((row) => [row[1], row]));
    const parts = [...seen.values()].map(([a, key, inner, c]) => `${a}"${key}": ${inner}${c}`);
    return `{${parts.join(",")}}`;
  });

test("whatever is edited: that key alone says something else, and no comment is lost", () => {
  fc.assert(
    fc.property(DOCUMENT, KEY, KEY, fc.option(fc.integer()), (text, section, name, value) => {
      const before = structuredClone({ ...parseUserFile("x", text) }) as Record<string, object>;
      const edited = editSettings(text, [section, name], value ?? undefined);
      const after = structuredClone({ ...parseUserFile("x", edited) });
      const { [name]: old, ...rest } = { ...before[section] } as Record<string, unknown>;
      const { [section]: _, ...others } = before;
      const left = value === null ? rest : { ...rest, [name]: value };
      const gone = value === null && old !== undefined && Object.keys(rest).length === 0;
      const same = value === null && before[section] === undefined;
      expect(after).toEqual(gone || same ? others : { ...others, [section]: left });
      if (value !== null && old === undefined)
        for (const comment of text.match(/\/\/ x|\/\* y \*\//g) ?? [])
          expect(edited).toContain(comment);
    }),
    { numRuns: 500 },
  );
});

describe("a value", () => {
  test.each([
    ["cache.maxSize", "5GB", 5_000_000_000],
    ["cache.maxSize", "1.5 kb", 1500],
    ["cache.maxSize", "1GiB", 1_073_741_824],
    ["cache.maxSize", 12, 12],
    ["cache.maxSize", "-1", undefined],
    ["cache.maxSize", 1.5, 2],
    ["cache.maxSize", "5 apples", undefined],
    ["cache.maxAge", "90d", 90],
    ["cache.maxAge", "90", 90],
    ["cache.maxAge", "90h", undefined],
    ["network.waitSeconds", "30s", 30],
    ["network.waitSeconds", 601, undefined],
    ["network.concurrency", "0", undefined],
    ["network.concurrency", "1e1", undefined],
    ["network.concurrency", true, undefined],
    ["plugins.enabled", "off", false],
    ["plugins.enabled", 1, undefined],
    ["storage.link", "symlink", undefined],
    ["registry.default", "", undefined],
    ["registry.default", "https://ada:pw@x.example.com", undefined],
    ["registry.trusted", " https://a.example.com , ", ["https://a.example.com"]],
    ["registry.trusted", ["nothing"], undefined],
    ["network.proxy", "", ""],
    ["network.proxy", "socks5://p:1", undefined],
    ["network.proxy", "http://p:1/path", undefined],
    ["network.ca", "ca.pem", undefined],
  ] as const)("%s: %p", (key, text, value) => {
    if (value === undefined) expect(() => parseSetting(key, text, "here")).toThrow("from here");
    else expect(parseSetting(key, text, "here")).toEqual(value);
  });

  test("is shown so that it is read again as the same, without passwords", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (bytes) => {
        const shown = renderSetting("cache.maxSize", bytes);
        expect(parseSetting("cache.maxSize", shown, "here")).toBe(bytes);
      }),
    );
    expect(renderSetting("network.proxy", "http://ada:p@w@p:3128")).toBe("http://ada:…@p:3128");
    expect(maskSetting("network.proxy", "ada:pw@p")).toBe("…");
    expect(renderSetting("hooks.preInstall", "echo \u001B[2J")).toBe("echo �[2J");
  });
});
