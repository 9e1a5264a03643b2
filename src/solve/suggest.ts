import { printable } from "#base/names.ts";
import { byName } from "#base/order.ts";

import { derivationOrder } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { holdsVersion, type Requirement } from "./pack.ts";
import { search, type SearchInput, type SearchResult } from "./search.ts";

/** How many requirements are tried, and how far each try may go: a suggestion must not cost more than the failure did. */
const MAX_TRIES = 8;
const MAX_STEPS = 500_000;
const MAX_ROUNDS = 4;

/**
 * Commands that make a project solvable, each tried: one requirement of the project that the failure rests on is
 * replaced by any version at all, or dropped where it names no package. If no single one helps, all of them are, and
 * what the next failure rests on.
 */
export async function suggest(input: SearchInput, failure: Incompatibility): Promise<string[]> {
  const suspects = suspectsOf(failure);
  const commands: string[] = [];
  for (const suspect of suspects) {
    const result = await searchWithout(input, [suspect]);
    if (result.kind === "solved") commands.push(commandOf(input, [suspect], result.chosen));
  }
  return commands.length > 0 ? commands : suggestTogether(input, suspects);
}

async function suggestTogether(
  input: SearchInput,
  suspects: readonly Requirement[],
): Promise<string[]> {
  const changed = new Set(suspects);
  for (let round = 0; round < MAX_ROUNDS && changed.size > 0; round++) {
    const result = await searchWithout(input, [...changed]);
    if (result.kind === "solved") return [commandOf(input, [...changed], result.chosen)];
    const before = changed.size;
    for (const suspect of suspectsOf(result.failure))
      if (suspect.range !== undefined) changed.add(suspect);
    if (changed.size === before) return [];
  }
  return [];
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

function searchWithout(
  input: SearchInput,
  suspects: readonly Requirement[],
): Promise<SearchResult> {
  const changed = new Set(suspects);
  const requirements: Requirement[] = [];
  for (const requirement of input.requirements) {
    if (!changed.has(requirement)) requirements.push(requirement);
    else if (exists(input, requirement)) requirements.push({ ...requirement, range: undefined });
  }
  return search({ ...input, requirements, budget: { left: MAX_STEPS } });
}

/** What to type to get there; a requirement that the found version fits as it is stays as it is. */
function commandOf(input: SearchInput, suspects: readonly Requirement[], chosen: Chosen): string {
  const remove: string[] = [];
  const add: string[] = [];
  const addDev: string[] = [];
  for (const suspect of suspects) {
    const found = chosen.get(suspect.name);
    if (!exists(input, suspect)) remove.push(suspect.name);
    else if (found && !holdsVersion(found, suspect.range)) {
      const version = found.pack.candidates[found.bit - 1]?.version ?? "";
      (suspect.kind === "development" ? addDev : add).push(`${suspect.name}@^${version}`);
    }
  }
  const commands: [string, string[]][] = [
    ["land remove", remove],
    ["land add", add],
    ["land add --dev", addDev],
  ];
  const used = commands.filter(([, names]) => names.length > 0);
  return used
    .map(([command, names]) => `${command} ${[...new Set(names)].map(printable).join(" ")}`)
    .join(" && ");
}

type Chosen = Extract<SearchResult, { kind: "solved" }>["chosen"];

function exists({ source }: SearchInput, { name }: Requirement): boolean {
  return source.get(name)?.exists === true;
}
