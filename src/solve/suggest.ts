import { printable } from "#base/names.ts";
import { byText } from "#base/order.ts";

import { derivationOrder } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { holdsVersion, type Requirement } from "./pack.ts";
import { search, type SearchInput, type SearchResult } from "./search.ts";

/** How many names are tried, and how many steps all tries may take together: help must not cost more than the failure did. */
const MAX_TRIES = 8;
const MAX_STEPS = 2_000_000;
const MAX_ROUNDS = 4;

/**
 * Commands that make a project solvable, each tried: all that the project asks of one package that the failure rests on is
 * replaced by any version at all, or dropped where there is no such package. If no single one helps, all of them are, and
 * what the next failure rests on. What the project overrides is left as it is, and what was asked beside the project is
 * part of the command.
 */
export async function suggest(
  about: SearchInput,
  failure: Incompatibility,
  over: Promise<unknown>,
): Promise<string[]> {
  // Optional requirements never make a project unsolvable, so they are not needed to know whether something helps.
  const input: SearchInput = { ...about, dropped: "all", budget: { left: MAX_STEPS } };
  const found: string[] = [];
  // What the registry answers must not put another failure in the place of the one that is explained.
  const tries = tryAll(input, failure, found).catch(() => undefined);
  await Promise.race([tries, over]);
  // Ends a try that still waits for the registry.
  input.budget.left = -1;
  return [...found];
}

async function tryAll(
  input: SearchInput,
  failure: Incompatibility,
  found: string[],
): Promise<void> {
  const suspects = suspectsOf(failure);
  let result: SearchResult | undefined;
  for (const suspect of suspects) {
    result = await searchWithout(input, new Set([suspect]));
    if (result.kind === "solved") keep(found, commandOf(input, [suspect], result.chosen));
    if (input.budget.left < 0) return;
  }
  if (found.length > 0) return;
  const changed = new Set(suspects);
  for (let round = 0; round < MAX_ROUNDS && changed.size > 0; round++) {
    // One alone was tried just now.
    if (!result || changed.size > 1) result = await searchWithout(input, changed);
    if (result.kind === "solved") return keep(found, commandOf(input, [...changed], result.chosen));
    if (result.kind === "gave_up") return;
    const before = changed.size;
    for (const suspect of suspectsOf(result.failure)) changed.add(suspect);
    if (changed.size === before) return;
  }
}

function keep(found: string[], command: string): void {
  if (command !== "") found.push(command);
}

/** The names that the project itself asks for in what a failure rests on, sorted. */
function suspectsOf(failure: Incompatibility): string[] {
  const suspects = new Set<string>();
  for (const { cause } of derivationOrder(failure)) {
    if (cause.kind === "derived" || cause.kind === "restriction") continue;
    if (isRewritable(cause.requirement)) suspects.add(cause.requirement.name);
  }
  return [...suspects].toSorted(byText).slice(0, MAX_TRIES);
}

/** Whether it stands in the project's manifest and an `add` would change what it asks. */
function isRewritable({ depender, override, kind }: Requirement): boolean {
  return depender.isRoot && override === undefined && kind !== "wanted";
}

function searchWithout(input: SearchInput, names: ReadonlySet<string>): Promise<SearchResult> {
  const requirements: Requirement[] = [];
  for (const requirement of input.requirements) {
    if (!names.has(requirement.name) || !isRewritable(requirement)) requirements.push(requirement);
    else if (exists(input, requirement)) requirements.push({ ...requirement, range: undefined });
  }
  return search({ ...input, requirements });
}

type Chosen = Extract<SearchResult, { kind: "solved" }>["chosen"];

/** What to type to get there; what the found version fits as it is stays as it is. Empty: nothing. */
function commandOf(input: SearchInput, names: readonly string[], chosen: Chosen): string {
  const remove: string[] = [];
  const add = new Map<string, string[]>();
  for (const name of names) {
    const own = input.requirements.filter((asked) => asked.name === name && isRewritable(asked));
    const found = chosen.get(name);
    if (own.some((asked) => !exists(input, asked))) remove.push(name);
    else if (found && own.some(({ range }) => !holdsVersion(found, range)))
      put(add, commandFor(own), atVersion(name, found));
  }
  if (remove.length + add.size === 0) return "";
  for (const { kind, name, range } of input.requirements) {
    const found = chosen.get(name);
    if (!found || names.includes(name)) continue;
    const all = [...input.requirements, ...input.replaced];
    const own = all.filter((asked) => asked.name === name && isRewritable(asked));
    if (kind === "wanted") put(add, commandFor(own), atVersion(name, found));
    else if (input.fresh.has(name) && own[0]?.kind === kind && range !== undefined)
      put(add, commandFor(own), quoted(printable(`${name}@${range}`)));
  }
  const removal = remove.length > 0 ? [`land remove ${remove.map(printable).join(" ")}`] : [];
  return [...removal, ...[...add].map(([command, what]) => `${command} ${what.join(" ")}`)].join(
    " && ",
  );
}

function atVersion(
  name: string,
  { pack, bit }: { pack: Requirement["depender"]; bit: number },
): string {
  return printable(`${name}@^${pack.candidates[bit - 1]?.version ?? ""}`);
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@/.^~+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function put(groups: Map<string, string[]>, key: string, value: string): void {
  groups.set(key, [...(groups.get(key) ?? []), value]);
}

/** An `add` takes a name out of every other section, so it has to be the one that counts most. */
function commandFor(own: readonly Requirement[]): string {
  const has = (kind: Requirement["kind"]): boolean => own.some((asked) => asked.kind === kind);
  if (has("runtime") || own.length === 0) return "land add";
  return has("optional") ? "land add --optional" : "land add --dev";
}

function exists({ source }: SearchInput, { name }: Requirement): boolean {
  return source.get(name)?.exists === true;
}
