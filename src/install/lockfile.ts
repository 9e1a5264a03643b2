/**
 * `src/install` is the client's disk: the store in LAND_HOME, land.lock, the tree of a project and the act of installing.
 * The client's commands call it. It must never run anything of a package, nor use a name, path or byte before it was checked.
 */
import { fail, LandError, type ParamsOf } from "#base/errors.ts";
import {
  type Digest,
  type PackageName,
  parseDigest,
  parsePackageName,
  parseVersion,
  printable,
  type Version,
} from "#base/names.ts";
import { byName, byText } from "#base/order.ts";
import { isMap } from "#pack/json.ts";
import { parsePublicKey, type PublicKey } from "#pack/sign.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";

/** Keys of a table that this land does not know, kept as they are: `[key, value]` in order of the file. */
export type Unknown = readonly (readonly [string, unknown])[];

/** One package of a lock. */
export type LockedPackage = {
  name: PackageName;
  version: Version;
  registry: RegistryUrl;
  digest: Digest;
  /** The keys seen, sorted; empty where no version was signed yet. */
  keys: PublicKey[];
  /** Names, sorted. */
  dependencies: PackageName[];
  unknown: Unknown;
};

/** What one manifest asks for, as written: `left@^1.2.0`, sorted. */
export type LockedManifest = { [key in RequirementKey]: string[] } & { unknown: Unknown };

/** A `land.lock`. */
export type Lock = {
  /** By folder; the project itself is `.`. */
  manifests: Map<string, LockedManifest>;
  /** Sorted by name, each once. */
  packages: LockedPackage[];
  unknown: Unknown;
};

/** The kinds of requirements that a lock records, in the order they are written. */
export const REQUIREMENT_KEYS = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "overrides",
] as const;
/** A kind of requirement that a lock records. */
export type RequirementKey = (typeof REQUIREMENT_KEYS)[number];

const MAX_CHARACTERS = 32_000_000;
const CONFLICT = /^(?:<{3,}|\|{3,}|>{3,})(?: |\r?$)/m;

/**
 * Reads a `land.lock`. Every name, version, digest, key and address in it was checked when this returns.
 *
 * @throws lock_invalid naming the line, lock_version_unknown
 */
export function parseLock(text: string): Lock {
  if (text.length > MAX_CHARACTERS) throw invalid(`it is larger than ${MAX_CHARACTERS} characters`);
  const conflict = mayConflict(text) ? CONFLICT.exec(text) : null;
  if (conflict)
    throw fail("lock_invalid", {
      problem: `line ${lineAt(text, conflict.index)} is a conflict marker of version control`,
      hint: "Run `land install` without --frozen: it merges both sides",
    });
  const { version, manifest, package: packages, ...rest } = parseToml(text);
  if (version !== 1)
    throw version === undefined
      ? invalid("it has no version")
      : fail("lock_version_unknown", { version: printable(JSON.stringify(version)) });
  return {
    manifests: readManifests(manifest),
    packages: readPackages(packages, text),
    unknown: Object.entries(rest),
  };
}

/** Whether there may be a conflict marker of version control, told at once. */
export function mayConflict(text: string): boolean {
  return text.includes("<<<") || text.includes("|||") || text.includes(">>>");
}

function parseToml(text: string): Record<string, unknown> {
  try {
    const value: unknown = Bun.TOML.parse(text);
    if (isMap(value)) return value;
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid("it is nested too deep", { cause });
    const words = cause instanceof Error ? cause.message.replace(/^TOML Parse error: /, "") : "";
    throw invalid(`it is not TOML${words && `: ${printable(words)}`}`, { cause });
  }
  throw invalid("it is not a table");
}

function readManifests(value: unknown): Lock["manifests"] {
  const manifests = new Map<string, LockedManifest>();
  if (value === undefined) return manifests;
  if (!isMap(value)) throw invalid('"manifest" is not a table');
  for (const [folder, table] of Object.entries(value)) {
    const where = (): string => `[manifest."${printable(folder)}"]`;
    if (!isMap(table)) throw invalid(`${where()} is not a table`);
    const { dependencies, devDependencies, optionalDependencies, overrides, ...rest } = table;
    manifests.set(folder, {
      dependencies: readTexts(dependencies, where, "dependencies").toSorted(byText),
      devDependencies: readTexts(devDependencies, where, "devDependencies").toSorted(byText),
      optionalDependencies: readTexts(optionalDependencies, where, "optionalDependencies").toSorted(
        byText,
      ),
      overrides: readTexts(overrides, where, "overrides").toSorted(byText),
      unknown: Object.entries(rest),
    });
  }
  return manifests;
}

function readPackages(value: unknown, text: string): LockedPackage[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid('"package" is not a list of [[package]]');
  const parsers = {
    name: onceEach(parsePackageName),
    registry: onceEach(parseRegistryUrl),
    key: onceEach(parsePublicKey),
  };
  const packages = value.map((table: unknown, at) =>
    readPackage(table, parsers, () => packageLine(text, at)),
  );
  const names = new Set<string>();
  for (const [at, { name }] of packages.entries()) {
    if (names.has(name)) throw invalid(`${packageLine(text, at)}: "${name}" stands twice`);
    names.add(name);
  }
  return packages.toSorted(byName);
}

/** What stands in many packages is looked at once. */
type Parsers = {
  name: (value: unknown) => PackageName;
  registry: (value: unknown) => RegistryUrl;
  key: (value: unknown) => PublicKey;
};

function onceEach<T>(parse: (value: unknown) => T): (value: unknown) => T {
  const parsed = new Map<unknown, T>();
  return (value) => {
    const known = parsed.get(value);
    if (known !== undefined) return known;
    const found = parse(value);
    parsed.set(value, found);
    return found;
  };
}

function readPackage(table: unknown, parsers: Parsers, where: Where): LockedPackage {
  if (!isMap(table)) throw invalid(`${where()} is not a table`);
  const { name, version, registry, digest, keys, dependencies, ...rest } = table;
  return {
    name: checked(where, "name", () => parsers.name(name)),
    version: checked(where, "version", () => parseVersion(version)),
    registry: checked(where, "registry", () => parsers.registry(registry)),
    digest: checked(where, "digest", () => parseDigest(digest)),
    keys: readTexts(keys, where, "keys")
      .map((key) => checked(where, "keys", () => parsers.key(key)))
      .toSorted(byText),
    dependencies: readTexts(dependencies, where, "dependencies")
      .map((dependency) => checked(where, "dependencies", () => parsers.name(dependency)))
      .toSorted(byText),
    unknown: Object.entries(rest),
  };
}

function readTexts(value: unknown, where: Where, key: string): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`${where()}: "${key}" is not a list`);
  return value.map((item: unknown) => {
    if (typeof item === "string") return item;
    throw invalid(`${where()}: "${key}" holds what is not a text`);
  });
}

function checked<T>(where: Where, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof LandError)) throw cause;
    throw invalid(`${where()}: "${key}": ${cause.message}`, { cause });
  }
}

/** Words for a place in the file, made only where something is wrong with it. */
type Where = () => string;

/** Where the `at`th package begins, as people count. */
function packageLine(text: string, at: number): string {
  const heads = [...text.matchAll(/^[ \t]*\[\[[ \t]*"?package"?[ \t]*\]\]/gm)];
  const head = heads[at];
  return head ? `the package in line ${lineAt(text, head.index)}` : `package ${at + 1}`;
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

function invalid(problem: ParamsOf<"lock_invalid">["problem"], options?: ErrorOptions): LandError {
  return fail("lock_invalid", { problem }, options);
}
