import { LandError } from "#base/errors.ts";
import { type PackageName, parsePackageName } from "#base/names.ts";
import { isRange, parseRange, type Range } from "#base/ranges.ts";

import { emptyMap, isMap } from "./json.ts";
import { type DependencyMap, type Unsolvable } from "./manifest-dependencies.ts";
import type { Fields } from "./manifest-fields.ts";

/** A range that stands in for what `parent` alone asks of `name`. */
export type ScopedOverride = {
  parent: PackageName;
  /** Which versions of the parent; all where absent. */
  parentRange?: Range;
  name: PackageName;
  range: Range;
};

/** `overrides` of a manifest, sorted out. */
export type Overrides = {
  /** Name → range, whoever asks for it. */
  overrides: DependencyMap<Range>;
  /** In the order they are written; the most specific that fits counts, and before `overrides`. */
  scopedOverrides: ScopedOverride[];
  /** What another package manager understands and land does not. */
  unsolvable: Unsolvable[];
};

/**
 * Reads `overrides`: `"name": "1.0"`, `"parent>name": "1.0"`, `"parent@^2>name": "1.0"`, and in a package.json npm's
 * `"parent": {"name": "1.0"}` one level deep. There, entries that land cannot solve are set apart.
 *
 * @throws manifest_invalid in a land.json
 */
export function readOverrides(fields: Fields): Overrides {
  const found: Overrides = { overrides: emptyMap(), scopedOverrides: [], unsolvable: [] };
  for (const entry of entriesOf(fields)) {
    try {
      take(fields, found, entry);
    } catch (error) {
      if (!(error instanceof LandError) || fields.file === "land.json") throw error;
      found.unsolvable.push({ field: entry.field, problem: String(error.data?.["problem"]) });
    }
  }
  return found;
}

type Entry = { field: string; parent: string | undefined; name: string; range: unknown };

function entriesOf(fields: Fields): Entry[] {
  return Object.entries(fields.map("overrides") ?? {}).flatMap(([key, value]): Entry[] => {
    const field = `overrides.${key}`;
    if (!isMap(value) || fields.file === "land.json")
      return [{ field, ...parted(key), range: value }];
    return Object.entries(value).map(([name, range]): Entry => {
      const at = `${field}.${name}`;
      // npm's "." is the parent itself.
      const whose = name === "." ? parted(key) : { parent: key, name };
      return { field: at, parent: whose.parent, name: whose.name, range };
    });
  });
}
/** `parent@^2>name` at its last ">" but for those that begin a comparator of a range, as in `parent@>1`. */
function parted(key: string): Pick<Entry, "parent" | "name"> {
  const [, parent, name = key] = /^(.*[^ |@])>(?!=)(.*)$/.exec(key) ?? [];
  return { parent, name };
}

function take(
  fields: Fields,
  found: Overrides,
  { field, parent, name: written, range }: Entry,
): void {
  const name = nameIn(fields, field, written);
  if (typeof range !== "string")
    throw fields.refuse(
      field,
      "is not a text: write the range for what one package asks for as `parent>name`",
    );
  const value = rangeIn(fields, field, fields.asText(field, range));
  if (parent === undefined) {
    found.overrides[name] = value;
    return;
  }
  const at = parent.indexOf("@", 1);
  const asker = nameIn(fields, field, at === -1 ? parent : parent.slice(0, at));
  found.scopedOverrides.push({
    parent: asker,
    ...(at !== -1 && { parentRange: rangeIn(fields, field, parent.slice(at + 1)) }),
    name,
    range: value,
  });
}

function nameIn(fields: Fields, field: string, text: string): PackageName {
  try {
    return parsePackageName(text);
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    throw fields.refuse(
      field,
      "names no package: write `name`, `parent>name` or `parent@range>name`",
    );
  }
}

function rangeIn(fields: Fields, field: string, text: string): Range {
  if (isRange(text)) return parseRange(text);
  throw fields.refuse(field, "is not a version range, like ^1.2.0, ~1.0 or 1.x");
}
