/**
 * Small registries and projects written as words, and what is chosen in them: `a@1.0.0: b@^1.0.0 ?c@*` is a version with what it needs, `?` marks
 * what is optional, `!` behind a version one that is yanked, `+` one that is too new. In a project `%` marks what is
 * for development, `=` a locked version, `a:=^2` an override, `p>a:=^2` or `p@1.x>a:=^2` one for what `p` asks.
 * Called by the tests beside it. It must never leave out what it cannot read.
 */
import { expect, test } from "bun:test";

import type { RootManifest, ScopedOverride } from "#solve/model.ts";

import { answer, type Listing } from "./registry.ts";

/** Enough for each of them several times over; a search that wanders fails its case. */
const MAX_STEPS = 3000;

type Entry = { name: string; range: string };

function entry(word: string): Entry {
  const at = word.indexOf("@", 1);
  return { name: word.slice(0, at), range: word.slice(at + 1).replaceAll("_", " ") };
}

const toRanges = (words: readonly string[]): Record<string, string> =>
  Object.fromEntries(words.map((word) => [entry(word).name, entry(word).range]));

function readRegistry(text: string): Listing {
  const listing: Listing = {};
  for (const part of text.split(";").map((one) => one.trim())) {
    const [head = "", needs = ""] = part.split(": ");
    if (head === "") continue;
    const words = needs.split(" ").filter(Boolean);
    const optional = words.filter((word) => word.startsWith("?")).map((word) => word.slice(1));
    const about = {
      dependencies: toRanges(words.filter((word) => !word.startsWith("?"))),
      optionalDependencies: toRanges(optional),
      yanked: head.endsWith("!"),
      ...(head.endsWith("+") && { tooNew: true as const }),
    };
    const { name, range: version } = entry(head.replace(/[!+]$/, ""));
    (listing[name] ??= {})[version] = { about };
  }
  return listing;
}

type Project = {
  root: Partial<RootManifest> & Pick<RootManifest, "dependencies">;
  locked: Record<string, string>;
};

function readProject(text: string): Project {
  const words = text.split(" ").filter(Boolean);
  const pick = (mark: string): string[] =>
    words.filter((word) => word.startsWith(mark)).map((word) => word.slice(mark.length));
  const overrides: Record<string, string> = {};
  const scopedOverrides: ScopedOverride[] = [];
  for (const word of words.filter((one) => one.includes(":="))) {
    const [left = "", written = ""] = word.split(":=");
    const range = written.replaceAll("_", " ");
    const [parent = "", name] = left.split(">");
    const { name: bare, range: parentRange } = entry(parent);
    if (name === undefined) overrides[left] = range;
    else if (parent.includes("@")) scopedOverrides.push({ parent: bare, parentRange, name, range });
    else scopedOverrides.push({ parent, name, range });
  }
  const plain = words.filter((word) => !/^[?%=]|:=/.test(word));
  return {
    root: {
      dependencies: toRanges(plain),
      devDependencies: toRanges(pick("%")),
      optionalDependencies: toRanges(pick("?")),
      overrides,
      scopedOverrides,
    },
    locked: toRanges(pick("=")),
  };
}

/** What it is about, project, registry, and what is chosen, or a part of why nothing is. */
export type Case = [what: string, project: string, registry: string, expected: string | RegExp];

/** Makes a test of each case. */
export function check(cases: readonly Case[], mode: "highest" | "lowest" = "highest"): void {
  test.each(cases)("%s", async (_what, project, registry, expected) => {
    const { root, locked } = readProject(project);
    const found = await answer(readRegistry(registry), root, { locked, mode, maxSteps: MAX_STEPS });
    if (typeof expected === "string") expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });
}
