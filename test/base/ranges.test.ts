import { expect, test } from "bun:test";

import * as fc from "fast-check";
import semver from "semver";

import { parseVersion } from "#base/names.ts";
import { compareVersions, isRange, parseRange, satisfies, stretchesIn } from "#base/ranges.ts";
import { cpuMsOf } from "#test/support/cpu.ts";

test("takes node-semver's grammar and nothing else", () => {
  const good = [
    "",
    "*",
    "x",
    "^1.2.0",
    "~1.0",
    ">=2.0.0 <3.0.0",
    "1.x",
    "1 || 2",
    "1.2 - 2.3",
    " ^1 ",
  ];
  for (const text of good) expect(isRange(text)).toBe(true);
  expect(String(parseRange(""))).toBe("*");
  expect(String(parseRange(" ^1 "))).toBe("^1");
  const bad = ["latest", "a || b", "git+ssh://x", "workspace:*", "npm:a@1", ">", "1.2.3.4"];
  for (const text of bad) expect(() => parseRange(text)).toThrow("a version range");
  for (const value of [undefined, null, 1, {}]) expect(() => parseRange(value)).toThrow();
});

test("hostile texts are refused at once", async () => {
  const parts = ["1", "^", "1.", ">=", "-", " ", "||", "1 - ", "x.", "~>", "0"];
  for (const part of parts) {
    const [long, full] = [part.repeat(100_000), part.repeat(Math.floor(256 / part.length))];
    expect(await cpuMsOf(() => isRange(long) || isRange(full))).toBeLessThan(100);
  }
  expect(isRange(Array.from({ length: 32 }, () => "1").join("||"))).toBe(true);
  expect(isRange(Array.from({ length: 33 }, () => "1").join("||"))).toBe(false);
});

test("agrees with node-semver on what lies in a range and what is newer", () => {
  const small = fc.integer({ min: 0, max: 3 });
  const version = fc
    .tuple(small, small, small, fc.constantFrom("", "-a", "-a.1", "-1"))
    .map(([major, minor, patch, pre]) => parseVersion(`${major}.${minor}.${patch}${pre}`));
  const sign = fc.constantFrom("^", "~", ">=", "<", ">", "<=", "=", "");
  const range = fc.tuple(sign, version, sign, version, fc.constantFrom(" ", " || "));
  fc.assert(
    fc.property(version, version, range, (a, b, [one, low, two, high, join]) => {
      const text = `${one}${low}${join}${two}${high}`;
      expect(satisfies(a, parseRange(text))).toBe(semver.satisfies(a, text));
      expect(compareVersions(a, b)).toBe(semver.compare(a, b));
    }),
    { numRuns: 500 },
  );
});

test("agrees with node-semver on ranges of one version, also where numbers are as large as they may be", () => {
  const number = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(10, 999_999_999_999_999, 1_000_000_000_000_000, 9_007_199_254_740_991),
  );
  const numbers = fc.tuple(number, number, number).map((all) => all.join("."));
  const pre = fc.constantFrom("", "", "-a", "-1");
  const version = fc.tuple(numbers, pre).map(([plain, end]) => parseVersion(`${plain}${end}`));
  const sign = fc.constantFrom("^", "~", "", "=", "v", "~>", "^^", " ^", "^ ");
  fc.assert(
    fc.property(version, version, sign, pre, (a, b, before, after) => {
      const text = `${before}${b}${b.includes("-") ? "" : after}`;
      expect(isRange(text)).toBe(semver.validRange(text) !== null);
      if (isRange(text)) expect(satisfies(a, parseRange(text))).toBe(semver.satisfies(a, text));
      expect(compareVersions(a, b)).toBe(semver.compare(a, b));
    }),
    { numRuns: 2000 },
  );
  for (const text of ["^01.2.3", "^1.2.3.", "1.2.3+b", "^9007199254740992.0.0", "^1.2.3\n", "^1.2"])
    expect([text, isRange(text)]).toEqual([text, semver.validRange(text) !== null]);
});

test("the stretches of a sorted list are those of its versions that lie in a range", () => {
  const small = fc.integer({ min: 0, max: 3 });
  const version = fc
    .tuple(small, small, small, fc.constantFrom("", "", "-0", "-a", "-a.1", "-1"))
    .map(([a, b, c, end]) => parseVersion(`${a}.${b}.${c}${end}`));
  const sign = fc.constantFrom("^", "~", ">=", "<", ">", "<=", "=", "");
  const single = fc.oneof(
    fc.tuple(sign, version).map(([before, text]) => `${before}${text}`),
    fc.constantFrom("*", "1", "1.x", ">1", "<2", "1.1 - 2", "<0.0.0", ">=1.0.0-a <1.0.0-b"),
  );
  const range = fc
    .tuple(single, fc.constantFrom(" ", " || "), single)
    .map(([low, join, high]) => `${low}${join}${high}`)
    .filter(isRange)
    .map(parseRange);
  const list = fc
    .uniqueArray(version, { maxLength: 40 })
    .map((all) => all.toSorted(compareVersions));
  fc.assert(
    fc.property(list, range, (sorted, wanted) => {
      const found = new Set<string>();
      for (const { from, to, prereleases } of stretchesIn(wanted, sorted))
        for (const one of sorted.slice(from, Math.max(from, to)))
          if (prereleases || !one.includes("-")) found.add(one);
      expect([...found].toSorted()).toEqual(
        sorted.filter((one) => satisfies(one, wanted)).toSorted(),
      );
    }),
    { numRuns: 3000 },
  );
});
