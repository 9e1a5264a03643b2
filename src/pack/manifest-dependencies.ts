import { LandError } from "#base/errors.ts";
import {
  type PackageName,
  parsePackageName,
  parseVersion,
  printable,
  type Version,
} from "#base/names.ts";
import { isRange, parseRange, type Range } from "#base/ranges.ts";

import { emptyMap } from "./json.ts";
import type { Fields } from "./manifest-fields.ts";

/** `workspace:*`, `workspace:^`, `workspace:~` or `workspace:` and a range: the member of the workspace by that name. */
export type WorkspaceRange = `workspace:${string}`;
/** Package name → range. No prototype. */
export type DependencyMap<R extends string> = { [name: string]: R };

/** Whether a requirement means a member of the workspace. */
export function isWorkspaceRange(range: string): range is WorkspaceRange {
  if (!range.startsWith("workspace:")) return false;
  const rest = range.slice("workspace:".length);
  return rest === "^" || rest === "~" || isRange(rest);
}

/** `name`, absent in a project that is not published. @throws manifest_invalid */
export function readName(fields: Fields): PackageName | undefined {
  const name = fields.value("name");
  return name === undefined ? undefined : named(fields, "name", () => parsePackageName(name));
}

/** `version`, absent in a project that is not published. @throws manifest_invalid */
export function readVersion(fields: Fields): Version | undefined {
  const version = fields.value("version");
  return version === undefined ? undefined : named(fields, "version", () => parseVersion(version));
}

/** A requirement that another package manager understands and land does not: an alias, an address, a nested override. */
export type Unsolvable = { field: string; problem: string };

/** A map of requirements, each name and range checked. @throws manifest_invalid */
export function readDependencies(
  fields: Fields,
  key: "dependencies" | "optionalDependencies",
): DependencyMap<Range | WorkspaceRange> {
  return readRanges(fields, key, (field, text) => rangeOrWorkspace(fields, field, text), refuse);
}

/**
 * `devDependencies`, which only the project itself uses. In a package.json, which other tools read too, entries that land
 * cannot solve are set apart: they matter where the project is installed, not where it is published.
 *
 * @throws manifest_invalid in a land.json
 */
export function readDevDependencies(fields: Fields): {
  devDependencies: DependencyMap<Range | WorkspaceRange>;
  unsolvable: Unsolvable[];
} {
  const unsolvable: Unsolvable[] = [];
  const setApart = (field: string, error: LandError): void => {
    if (fields.file === "land.json") throw error;
    unsolvable.push({ field, problem: String(error.data?.["problem"]) });
  };
  return {
    devDependencies: readRanges(
      fields,
      "devDependencies",
      (field, text) => rangeOrWorkspace(fields, field, text),
      setApart,
    ),
    unsolvable,
  };
}

function refuse(_field: string, error: LandError): never {
  throw error;
}

function readRanges<R extends string>(
  fields: Fields,
  key: string,
  read: (field: string, text: string) => R,
  onRefused: (field: string, error: LandError) => void,
): DependencyMap<R> {
  const map = emptyMap<R>();
  for (const [name, value] of Object.entries(fields.map(key) ?? {})) {
    const field = `${key}.${name}`;
    try {
      named(fields, field, () => parsePackageName(name));
      if (typeof value === "object")
        throw fields.refuse(field, "is not a text: land takes one range per package here");
      map[name] = read(field, fields.asText(field, value));
    } catch (error) {
      if (!(error instanceof LandError)) throw error;
      onRefused(field, error);
    }
  }
  return map;
}

function rangeOrWorkspace(fields: Fields, field: string, text: string): Range | WorkspaceRange {
  return isWorkspaceRange(text) ? text : rangeOf(fields, field, text);
}

/** What a package manager may write instead of a range, with the name people know it by. */
const SPECS: [RegExp, string][] = [
  [
    /^workspace:/,
    "a workspace range that land does not know: use workspace:*, workspace:^ or workspace:~",
  ],
  [/^npm:/, "an npm alias"],
  [/^(?:git[+:@]|github:|gitlab:|bitbucket:|gist:|ssh:)/, "a git repository"],
  [/^https?:/, "an address"],
  [/^(?:file:|link:|portal:|\.{0,2}\/|~\/)/, "a path"],
  [/^(?:catalog|patch|jsr):/, "a spec of another package manager"],
];

function rangeOf(fields: Fields, field: string, text: string): Range {
  if (isRange(text)) return parseRange(text);
  const known = SPECS.find(([spec]) => spec.test(text))?.[1];
  const problem = known ?? "not a version range, like ^1.2.0, ~1.0, >=2.0.0 <3.0.0, 1.x or *";
  throw fields.refuse(field, `is "${printable(text)}", which is ${problem}`);
}

/** Rewords a refusal of a name or version as one of the manifest. */
function named<T>(fields: Fields, field: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    const problem = error.data?.["problem"];
    throw fields.refuse(
      field,
      typeof problem === "string"
        ? `is not accepted: ${problem}`
        : "is reserved: choose another name",
    );
  }
}
