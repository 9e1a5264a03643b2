/**
 * A registry in memory for tests of the solver: `{ foo: { "1.0.0": { bar: "^1" } } }`.
 * Called by the tests beside it. It must never answer in a way that depends on time.
 */
import { parseVersion, type Version } from "#base/names.ts";
import type { Candidate, RootManifest, SolveInput, SolveResult } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

type Details = Partial<Omit<Candidate, "version">>;
/** Name → version → its dependencies, or a candidate in full. */
export type Listing = Record<string, Record<string, Record<string, string> | { about: Details }>>;

/** The `versionsOf` of a listing. */
export function versionsIn(listing: Listing): SolveInput["versionsOf"] {
  return async (name) => {
    const versions = Object.hasOwn(listing, name) ? listing[name] : undefined;
    return (
      versions && Object.entries(versions).map(([version, given]) => candidate(version, given))
    );
  };
}

function candidate(version: string, given: Record<string, string> | { about: Details }): Candidate {
  const details = isDetails(given) ? given.about : { dependencies: given };
  const plain = { dependencies: {}, optionalDependencies: {}, yanked: false };
  return { version: parseVersion(version), ...plain, ...details };
}

function isDetails(
  given: Record<string, string> | { about: Details },
): given is { about: Details } {
  return typeof given["about"] === "object";
}

type Project = Partial<RootManifest> & Pick<RootManifest, "dependencies">;
type Settings = Partial<Omit<SolveInput, "root" | "versionsOf" | "locked">> & {
  locked?: Record<string, string>;
};

/** The input of a solve over a listing. */
export function inputOf(listing: Listing, project: Project, settings: Settings = {}): SolveInput {
  const locked = new Map<string, Version>();
  for (const [name, version] of Object.entries(settings.locked ?? {}))
    locked.set(name, parseVersion(version));
  const root = { devDependencies: {}, optionalDependencies: {}, overrides: {}, ...project };
  return { ...settings, root, locked, versionsOf: versionsIn(listing) };
}

/** The solution as `name version` words, or the explanation of the failure. */
export async function answer(
  listing: Listing,
  project: Project,
  settings: Settings = {},
): Promise<string> {
  return describe(await solve(inputOf(listing, project, settings)));
}

/** A result as text: versions on one line, or the explanation with its suggestions. */
export function describe(result: SolveResult): string {
  if (result.ok) return result.solution.packages.map((p) => `${p.name} ${p.version}`).join(", ");
  const { explanation, suggestions } = result.failure;
  return [explanation, ...suggestions.map((command) => `$ ${command}`)].join("\n");
}
