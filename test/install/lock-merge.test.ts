import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { byName } from "#base/order.ts";
import { mergeConflicts } from "#install/lock-merge.ts";
import { mergeLocks } from "#install/lock-three-way.ts";
import { serializeLock } from "#install/lock-write.ts";
import { type Lock, parseLock } from "#install/lockfile.ts";

import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { BASE, type Facts, factsOf, lockOf, OURS, THEIRS } from "./lock-facts.ts";

/** What git leaves of three versions of a file. */
async function conflicted(
  base: string,
  ours: string,
  theirs: string,
  ...flags: string[]
): Promise<string> {
  await using folder = await temporaryFolder("merge");
  await writeFiles(folder.path, { base, ours, theirs });
  const ran = Bun.spawnSync(["git", "merge-file", "-p", ...flags, "ours", "base", "theirs"], {
    cwd: folder.path,
  });
  expect(ran.exitCode).toBeGreaterThan(0);
  return ran.stdout.toString();
}

describe("conflicts that git made", () => {
  const styles: [string, string[]][] = [
    ["as by default", []],
    ["with the base", ["--diff3"]],
    ["with the BASE, alike lines moved out", ["--zdiff3"]],
    ["with long markers", ["--marker-size=32"]],
    ["with short markers and the base", ["--marker-size=4", "--diff3"]],
  ];
  test.each(styles)("%s", async (_, flags) => {
    const text = await conflicted(BASE, OURS, THEIRS, ...flags);
    const merged = mergeConflicts(text);
    const both = { left: "1.2.0", mid: "2.0.0", ours: "1.0.0", theirs: "1.0.0" };
    expect(factsOf(merged)).toEqual(both);
    expect(merged?.manifests.get(".")?.dependencies).toEqual(["left@1", "ours@1", "theirs@1"]);
    expect([...(merged?.manifests.keys() ?? [])]).toEqual([".", "packages/a", "packages/b"]);
    const windows = mergeConflicts(text.replaceAll("\n", "\r\n"));
    expect(windows && serializeLock(windows)).toBe(merged && serializeLock(merged));
  });

  test("of a merge of merges: the base is in conflict itself", async () => {
    const inner = await conflicted(BASE, OURS, THEIRS, "--marker-size=9");
    const text = await conflicted(inner, OURS, THEIRS, "--diff3");
    expect(text).toContain("<<<<<<<<<");
    const merged = mergeConflicts(text);
    expect(factsOf(merged)).toMatchObject({ left: "1.2.0", mid: "1.0.0" });
    expect(merged?.manifests.get(".")?.dependencies).toContain("ours@1");
  });

  test("one in another", async () => {
    const other = lockOf({ packages: { left: "1.3.0", other: "1.0.0" } });
    const inner = await conflicted(BASE, OURS, THEIRS, "--marker-size=11");
    const text = await conflicted(BASE, inner, other);
    const merged = mergeConflicts(text);
    expect(factsOf(merged)).toMatchObject({ left: "1.3.0", ours: "1.0.0", other: "1.0.0" });
  });
});

describe("three versions", () => {
  const merge = (a: Facts["packages"], b: Facts["packages"], c: Facts["packages"]) =>
    factsOf(
      mergeLocks(
        parseLock(lockOf({ packages: a })),
        parseLock(lockOf({ packages: b })),
        parseLock(lockOf({ packages: c })),
      ),
    );
  test.each([
    ["one side changed, back too", { a: "2.0.0" }, { a: "2.0.0" }, { a: "1.0.0" }, { a: "1.0.0" }],
    ["both changed", { a: "1.0.0" }, { a: "1.1.0" }, { a: "1.2.0" }, { a: "1.2.0" }],
    [
      "one took away",
      { a: "1.0.0", b: "1.0.0" },
      { a: "1.0.0" },
      { a: "1.0.0", b: "1.0.0" },
      { a: "1.0.0" },
    ],
    ["one took away what the other changed", { a: "1.0.0" }, {}, { a: "1.1.0" }, { a: "1.1.0" }],
    ["both added", {}, { a: "1.0.0" }, { b: "1.0.0" }, { a: "1.0.0", b: "1.0.0" }],
    ["both took away", { a: "1.0.0" }, {}, {}, {}],
  ])("%s", (_, before, own, other, merged) => {
    expect(merge(before, own, other)).toEqual(merged as Record<string, string>);
  });

  test("two sides that disagree on the bytes of one version are refused, whatever the base", () => {
    const lie = OURS.replace(/sha256:[0-9a-f]{8}/, "sha256:00000000");
    for (const before of [undefined, parseLock(OURS), parseLock(lie), parseLock(BASE)])
      expect(() => mergeLocks(before, parseLock(OURS), parseLock(lie))).toThrow(
        'disagree on the bytes of "left@1.2.0"',
      );
  });

  const names = fc.subarray(["a", "b", "c", "d"]);
  const facts = names.chain((chosen) =>
    fc.record(
      Object.fromEntries(chosen.map((name) => [name, fc.constantFrom("1.0.0", "1.1.0", "2.0.0")])),
    ),
  );
  test("no merge invents or drops an entry", () => {
    fc.assert(
      fc.property(fc.option(facts), facts, facts, (before, own, other) => {
        const parse = (packages: Record<string, string>): Lock =>
          parseLock(lockOf({ packages, asked: packages }));
        const [b, o, t] = [before ? parse(before) : undefined, parse(own), parse(other)];
        const merged = mergeLocks(b, o, t);
        expect(parseLock(serializeLock(merged))).toEqual(merged);
        expect(merged.packages).toEqual(merged.packages.toSorted(byName));
        const entries = (lock: Lock | undefined): Map<string, string> =>
          new Map(lock?.packages.map((item) => [item.name, JSON.stringify(item)]));
        const [eb, eo, et] = [entries(b), entries(o), entries(t)];
        for (const [name, entry] of entries(merged))
          expect([eo.get(name), et.get(name)]).toContain(entry);
        for (const name of [...eo.keys(), ...et.keys()]) {
          const removed = [eo, et].some((side) => !side.has(name)) && eb.has(name);
          const untouched = [eo, et].some((side) => side.get(name) === eb.get(name));
          expect(entries(merged).has(name)).toBe(!(removed && untouched));
        }
        expect(mergeLocks(b, t, o).packages).toEqual(merged.packages);
      }),
      { numRuns: 300 },
    );
  });
});
