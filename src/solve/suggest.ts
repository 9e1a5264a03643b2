import { derivationOrder } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { byName, type Requirement } from "./pack.ts";
import { search, type SearchInput } from "./search.ts";

/** How many requirements are tried, and how far each try may go: a suggestion must not cost more than the failure did. */
const MAX_TRIES = 8;
const MAX_CONFLICTS = 500;

/**
 * Commands that make a project solvable, each tried: one requirement of the project that the failure rests on is
 * replaced by any version at all, or dropped where it names no package; if no single one helps, all of them together.
 */
export async function suggest(input: SearchInput, failure: Incompatibility): Promise<string[]> {
  const suspects = suspectsOf(failure);
  const commands: string[] = [];
  for (const suspect of suspects) commands.push(...(await tryWithout(input, [suspect])));
  if (commands.length > 0 || suspects.length < 2) return commands;
  const together = await tryWithout(input, suspects);
  return together.length > 0 ? [together.join(" && ")] : [];
}

function suspectsOf(failure: Incompatibility): Requirement[] {
  const suspects: Requirement[] = [];
  for (const { cause } of derivationOrder(failure)) {
    if (cause.kind === "derived" || cause.kind === "restriction") continue;
    const { requirement } = cause;
    if (requirement.depender.isRoot && !requirement.overridden) suspects.push(requirement);
  }
  return suspects.toSorted(byName).slice(0, MAX_TRIES);
}

/** The commands that bring about what was tried; empty when it does not help. */
async function tryWithout(input: SearchInput, suspects: readonly Requirement[]): Promise<string[]> {
  const changed = new Set(suspects);
  const requirements = input.requirements.flatMap((requirement) => {
    if (!changed.has(requirement)) return [requirement];
    return exists(input, requirement) ? [{ ...requirement, range: undefined }] : [];
  });
  const result = await search({ ...input, requirements, maxConflicts: MAX_CONFLICTS });
  if (result.kind !== "solved") return [];
  const words: Record<string, string[]> = {
    "land remove": [],
    "land add": [],
    "land add --dev": [],
  };
  for (const suspect of suspects) {
    const found = result.chosen.get(suspect.name);
    const version = found?.pack.candidates[found.bit - 1]?.version;
    if (!exists(input, suspect)) words["land remove"]?.push(suspect.name);
    else if (version === undefined) return [];
    else {
      const command = suspect.kind === "development" ? "land add --dev" : "land add";
      words[command]?.push(`${suspect.name}@^${version}`);
    }
  }
  return Object.entries(words).flatMap(([command, names]) =>
    names.length > 0 ? [`${command} ${names.join(" ")}`] : [],
  );
}

function exists({ source }: SearchInput, { name }: Requirement): boolean {
  return source.get(name)?.exists === true;
}
