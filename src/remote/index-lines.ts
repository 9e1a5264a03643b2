import { fail } from "#base/errors.ts";
import { type Digest, isVersion, parseDigest, printable, type Version } from "#base/names.ts";
import { emptyMap, isMap } from "#pack/json.ts";
import { parseSignature, type Signature } from "#pack/sign.ts";

import { parseJson } from "./answer.ts";

/** One version of a package as the index tells it. Names and ranges in the maps were not checked: the solver does. */
export type IndexEntry = {
  version: Version;
  dependencies: { [name: string]: string };
  optionalDependencies: { [name: string]: string };
  engines: { [engine: string]: string };
  digest: Digest;
  /** Packed bytes. */
  sizeBytes: number;
  /** Absent where the version is not signed. Not verified yet. */
  signature?: Signature;
  yanked: boolean;
  /** The message of a deprecation, not made safe for a terminal; absent where there is none. */
  deprecated?: string;
  /** When it was published by the registry's clock; absent where the registry tells no moment. */
  publishedAt?: Date;
};

/** What an index request found. `text` is the index as sent, for a cache. */
export type IndexAnswer =
  | { kind: "fresh"; entries: IndexEntry[]; text: string; etag?: string }
  | { kind: "unchanged" }
  | { kind: "absent" };

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** More versions of one package are no package: the solver would take minutes over them. */
const MAX_VERSIONS = 20_000;

/**
 * Reads an index, one JSON object per line. Unknown members are left out; versions with build metadata, which `land`
 * does not publish, are too.
 *
 * @throws bad_answer naming the line
 */
export function parseIndex(name: string, text: string, url: string): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const seen = new Set<string>();
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    if (entries.length >= MAX_VERSIONS)
      throw fail("bad_answer", {
        url,
        problem: `the index of "${name}" tells of more than ${MAX_VERSIONS} versions`,
      });
    const refuse = (problem: string) =>
      fail("bad_answer", { url, problem: `line ${at + 1} of the index of "${name}" ${problem}` });
    const entry = parseLine(name, parseJson(line, url), refuse);
    if (seen.has(entry.version)) throw refuse(`tells of ${entry.version} again`);
    seen.add(entry.version);
    entries.push(entry);
  }
  return entries;
}

function parseLine(name: string, line: unknown, refuse: (problem: string) => Error): IndexEntry {
  if (!isMap(line)) throw refuse("is not an object");
  const { v, deps, opt, engines, digest, size, key, sig, yanked, deprecated, at } = line;
  if (typeof v !== "string" || !isVersion(v))
    throw refuse(`has no version but "${printable(String(v))}"`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw refuse("has no size");
  const signed = (key ?? undefined) !== undefined || (sig ?? undefined) !== undefined;
  const publishedAt = momentOf(at);
  return {
    version: v,
    dependencies: textsOf(deps, "deps", refuse),
    optionalDependencies: textsOf(opt, "opt", refuse),
    engines: textsOf(engines, "engines", refuse),
    digest: digestOf(digest, refuse),
    sizeBytes: size,
    ...(signed && { signature: parseSignature({ key, sig }, { name, version: v }) }),
    yanked: yanked === true,
    ...(typeof deprecated === "string" && deprecated !== "" && { deprecated }),
    ...(publishedAt && { publishedAt }),
  };
}

/** A moment as RFC 3339 writes it in UTC; undefined for what is none: only a policy on ages needs it, and then refuses. */
export function momentOf(value: unknown): Date | undefined {
  if (typeof value !== "string" || !MOMENT.test(value)) return undefined;
  const moment = new Date(value);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

function digestOf(value: unknown, refuse: (problem: string) => Error): Digest {
  try {
    return parseDigest(value);
  } catch {
    throw refuse("has no digest");
  }
}

function textsOf(
  value: unknown,
  key: string,
  refuse: (problem: string) => Error,
): { [name: string]: string } {
  const texts = emptyMap<string>();
  if (value === undefined || value === null) return texts;
  if (!isMap(value)) throw refuse(`has "${key}" in another form`);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw refuse(`has "${key}" in another form`);
    texts[name] = text;
  }
  return texts;
}
