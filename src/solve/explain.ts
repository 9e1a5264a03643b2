import { printable } from "#base/names.ts";

import type { Cause, Incompatibility } from "./incompatibility.ts";
import type { Requirement } from "./pack.ts";
import { type Fact, factText, nameText, qualifierOf, statementOf, subjectText } from "./wording.ts";

/** Past this many sentences nobody reads on; the facts alone say more. */
const MAX_SENTENCES = 80;
const MAX_FACTS = 20;
/** So many sentences of a long chain are told from either end. */
const CHAIN_END = 4;

type Derived = { first: Incompatibility; second: Incompatibility };
type Line = { text: string; number?: number };

/**
 * The derivation of a failure as numbered prose: one sentence a line, a number where a later sentence refers back.
 *
 * @see https://github.com/dart-lang/pub/blob/master/doc/solver.md#error-reporting
 */
export function explain(failure: Incompatibility): string {
  if (failure.cause.kind !== "derived")
    return `Because ${factText(failure.cause)}, no versions fit together`;
  const order = derivationOrder(failure);
  const derived = order.filter(({ cause }) => cause.kind === "derived");
  const story: Story = { failure, uses: countUses(derived), numbers: new Map(), lines: [] };
  if (derived.length <= MAX_SENTENCES) tell(story, failure, false);
  else if (isChain(derived)) tellChain(story, derived);
  else return summarize(order, derived.length);
  return layOut(story.lines);
}

/** Every incompatibility a failure rests on; causes before what follows from them. */
export function derivationOrder(failure: Incompatibility): Incompatibility[] {
  const done = new Set<Incompatibility>();
  const stack = [failure];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const { cause } = top;
    const open =
      cause.kind === "derived" ? [cause.second, cause.first].filter((c) => !done.has(c)) : [];
    stack.push(...open);
    if (open.length > 0) continue;
    stack.pop();
    done.add(top);
  }
  return [...done];
}

function countUses(derived: readonly Incompatibility[]): Map<Incompatibility, number> {
  const uses = new Map<Incompatibility, number>();
  for (const { cause } of derived)
    if (cause.kind === "derived")
      for (const part of [cause.first, cause.second]) uses.set(part, (uses.get(part) ?? 0) + 1);
  return uses;
}

function causesOf({ cause }: Incompatibility): Derived | undefined {
  return cause.kind === "derived" ? cause : undefined;
}

/** A conclusion from two facts. */
function isSimple(node: Incompatibility): boolean {
  const causes = causesOf(node);
  return causes !== undefined && !causesOf(causes.first) && !causesOf(causes.second);
}

/** The sentences told so far. */
type Story = {
  failure: Incompatibility;
  /** In how many conclusions each incompatibility is used. */
  uses: ReadonlyMap<Incompatibility, number>;
  numbers: Map<Incompatibility, number>;
  lines: Line[];
};

/** Tells how a conclusion follows; the cases are those of pub's description of the algorithm. */
function tell(story: Story, node: Incompatibility, numbered: boolean): void {
  const causes = causesOf(node);
  if (!causes) return;
  const { first, second } = causes;
  if (causesOf(first) && causesOf(second)) tellTwo(story, node, causes, numbered);
  else if (causesOf(first)) tellOne(story, node, { deep: first, fact: second }, numbered);
  else if (causesOf(second)) tellOne(story, node, { deep: second, fact: first }, numbered);
  else say(story, node, numbered, "Because", [first, second]);
}

/** Both reasons are conclusions. */
function tellTwo(story: Story, node: Incompatibility, causes: Derived, numbered: boolean): void {
  const { first, second } = causes;
  const [knowsFirst, knowsSecond] = [story.numbers.has(first), story.numbers.has(second)];
  if (knowsFirst && knowsSecond) return say(story, node, numbered, "Because", [first, second]);
  if (knowsFirst || knowsSecond) {
    tell(story, knowsFirst ? second : first, false);
    return say(story, node, numbered, "And because", [knowsFirst ? first : second]);
  }
  const simple = [second, first].find(isSimple);
  if (simple) {
    tell(story, simple === second ? first : second, false);
    tell(story, simple, false);
    return say(story, node, numbered, "Thus", []);
  }
  tell(story, first, true);
  story.lines.push({ text: "" });
  tell(story, second, false);
  say(story, node, numbered, "And because", [first]);
}

type DeepCauses = { deep: Incompatibility; fact: Incompatibility };

/** One reason is a conclusion, the other a fact. */
function tellOne(
  story: Story,
  node: Incompatibility,
  { deep, fact }: DeepCauses,
  numbered: boolean,
): void {
  if (story.numbers.has(deep)) return say(story, node, numbered, "Because", [fact, deep]);
  const prior = soleUntold(story, deep);
  tell(story, prior ? prior.deep : deep, false);
  say(story, node, numbered, "And because", prior ? [prior.fact, fact] : [fact]);
}

/** A step that only passes one earlier step on, with one more fact, needs no sentence of its own. */
function soleUntold({ uses, numbers }: Story, node: Incompatibility): DeepCauses | undefined {
  const causes = causesOf(node);
  if (!causes || (uses.get(node) ?? 0) > 1) return undefined;
  const { first, second } = causes;
  if (!causesOf(first) === !causesOf(second)) return undefined;
  const found = causesOf(first) ? { deep: first, fact: second } : { deep: second, fact: first };
  return numbers.has(found.deep) ? undefined : found;
}

/** Whether each conclusion rests on the one before it and a fact. */
function isChain(derived: readonly Incompatibility[]): boolean {
  return derived.every((node, at) => {
    const causes = causesOf(node);
    const deep = [causes?.first, causes?.second].filter((cause) => cause && causesOf(cause));
    return at === 0 ? deep.length === 0 : deep.length === 1 && deep[0] === derived[at - 1];
  });
}

/** Tells both ends of a long chain, and how long it is between them. */
function tellChain(story: Story, chain: readonly Incompatibility[]): void {
  const [first] = chain;
  const causes = first && causesOf(first);
  if (!causes) return;
  say(story, first, false, "Because", [causes.first, causes.second]);
  const end = chain.length - CHAIN_END;
  for (const [at, node] of chain.entries()) {
    if (at > 0 && (at < CHAIN_END || at >= end))
      say(story, node, false, "And because", [factOf(node)]);
    if (at !== end - 1) continue;
    const between = chain.slice(CHAIN_END, end).map((one) => factOf(one).cause);
    const text = `And so on through ${namesIn(between).size} packages, ${statementOf(node)}`;
    story.lines.push({ text });
  }
}

/** What a conclusion of a chain adds. */
function factOf(node: Incompatibility): Incompatibility {
  const causes = causesOf(node);
  if (!causes) return node;
  return causesOf(causes.first) ? causes.second : causes.first;
}

/** The packages, or the project, that facts speak about. */
function namesIn(causes: readonly Cause[]): Set<string> {
  return new Set(
    causes.flatMap((cause) =>
      cause.kind === "derived"
        ? []
        : nameText(cause.kind === "restriction" ? cause.pack : cause.requirement.depender),
    ),
  );
}

/** Writes one sentence; it gets a number where one was asked for or a later sentence will refer to it. */
function say(
  story: Story,
  node: Incompatibility,
  numbered: boolean,
  lead: string,
  because: readonly Incompatibility[],
): void {
  const { failure, uses, numbers, lines } = story;
  const referring = (cause: Incompatibility): string => {
    const number = numbers.get(cause);
    return number === undefined ? statementOf(cause) : `${statementOf(cause)} (${number})`;
  };
  const reason =
    because.length === 2 ? bothText(because, referring) : because.map(referring).join("");
  const last = node === failure;
  const opening =
    reason === ""
      ? last
        ? "So"
        : lead
      : `${last && lead !== "Because" ? "So, because" : lead} ${reason}`;
  const text = `${opening}, ${statementOf(node)}`;
  if (!numbered && (uses.get(node) ?? 0) < 2) return void lines.push({ text });
  numbers.set(node, numbers.size + 1);
  lines.push({ text, number: numbers.size });
}

/** Two reasons in one sentence: `a depends on b ^1 and c ^2`, else one after the other, depender first. */
function bothText(
  [a, b]: readonly Incompatibility[],
  referring: (node: Incompatibility) => string,
): string {
  if (!a || !b) return "";
  const [x, y] = [requirementOf(a), requirementOf(b)];
  if (
    x &&
    y &&
    x.depender === y.depender &&
    x.dependers === y.dependers &&
    isTold(x) &&
    isTold(y)
  ) {
    const subject = subjectText(x.depender, x.dependers);
    return `${subject} depends on ${wantedText(x)} and on ${wantedText(y)}`;
  }
  const swap = x && y && y.name === x.depender.name && !x.depender.isRoot;
  const [one, two] = (swap ? [b, a] : [a, b]).map(referring);
  return `${one}${one?.includes(", ") ? "," : ""} and ${two}`;
}

function requirementOf({ cause }: Incompatibility): Requirement | undefined {
  return cause.kind === "requirement" ? cause.requirement : undefined;
}

/** Whether a manifest says it: what was only asked of the solver has another subject. */
function isTold({ kind }: Requirement): boolean {
  return kind !== "wanted";
}

function wantedText(requirement: Requirement): string {
  return `${printable(requirement.name)} ${printable(requirement.range ?? "*")}${qualifierOf(requirement)}`;
}

function layOut(lines: readonly Line[]): string {
  const width = lines.some(({ number }) => number !== undefined)
    ? Math.max(...lines.map(({ number }) => (number === undefined ? 0 : `(${number}) `.length)))
    : 0;
  return lines
    .map(({ text, number }) =>
      text === "" ? "" : (number === undefined ? "" : `(${number}) `).padEnd(width) + text,
    )
    .join("\n");
}

/** For a proof too long to tell: how long it is, what the project itself asks for in it, and what there is not. */
function summarize(order: readonly Incompatibility[], sentences: number): string {
  const facts: Fact[] = order.flatMap(({ cause }) => (cause.kind === "derived" ? [] : [cause]));
  const own = facts.filter(isOwn);
  const missing = facts.filter((fact) => fact.kind !== "requirement" && !isOwn(fact));
  return [
    `No versions fit together. The proof takes ${sentences} steps over ${namesIn(facts).size} packages and begins with:`,
    ...listed(own, "requirements"),
    ...(missing.length > 0 ? ["It rests on:", ...listed(missing, "facts like these")] : []),
  ].join("\n");
}

function isOwn(fact: Fact): boolean {
  return fact.kind !== "restriction" && fact.requirement.depender.isRoot;
}

function listed(facts: readonly Fact[], what: string): string[] {
  const shown = facts.slice(0, MAX_FACTS).map((fact) => `- ${factText(fact)}`);
  const more = facts.length - MAX_FACTS;
  return more > 0 ? [...shown, `- and ${more} more ${what}`] : shown;
}
