import { runWhole, type Sliced } from "#base/slices.ts";

import { quoted, readLines, type SourceLine, startWarnings } from "./redirects-lines.ts";
import { compilePath, type RedirectPath } from "./redirects-path.ts";
import { compileTarget, type Target } from "./redirects-target.ts";

/** One line of `_redirects` that is obeyed. */
export type RedirectRule = {
  /** From 1; of the rules that match the lowest wins. */
  line: number;
  from: RedirectPath;
  query: readonly QueryNeed[];
  target: Target;
  status: number;
  /** Whether it holds where a file lies, too. */
  force: boolean;
  /** Upper case; undefined for any. */
  countries: ReadonlySet<string> | undefined;
  /** Lower case; undefined for any. */
  languages: ReadonlySet<string> | undefined;
  /** One of these must be there; undefined where none is asked for. */
  cookies: readonly string[] | undefined;
  /** What it takes in memory, in bytes, about. */
  weight: number;
};

/** A parameter that must be there: with this value or, where undefined, any; `capture` is the name that keeps it. */
export type QueryNeed = { key: string; value: string | undefined; capture: string | undefined };

/** A line taken apart. */
type Parts = {
  from: string;
  query: Pairs;
  to: string | undefined;
  status: string | undefined;
  conditions: Pairs;
};
type Conditions = Pick<RedirectRule, "countries" | "languages" | "cookies">;
type Pairs = ReadonlyMap<string, string | undefined>;

const NO_PAIRS: Pairs = new Map();
const NO_NEEDS: readonly QueryNeed[] = [];
const NO_CAPTURES: ReadonlySet<string> = new Set();
const MAX_RULES = 50_000;
/** Of the rules of one file, in memory. */
const MAX_WEIGHT = 24_000_000;
const MAX_VALUES = 300;
const MAX_NEEDS = 20;
/** What a rule takes in memory with its place in the index, and what each part that few rules have takes; measured. */
const RULE_BYTES = 300;
const PART_BYTES = 40;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Reads `_redirects` by Netlify's grammar: the rules in their order, of identical lines the last, and a sentence for each
 * line that is not obeyed.
 *
 * @see https://docs.netlify.com/manage/routing/redirects/overview/
 */
export function* sliceRedirects(text: string): Sliced<Redirects> {
  const warnings = startWarnings("_redirects");
  const known: Known = { rules: new Map(), weight: 0 };
  for (const line of readLines(text, warnings)) {
    if (line === undefined) {
      yield;
      continue;
    }
    const problem = addRule(line, known);
    if (problem !== undefined) warnings.add(line.number, problem);
  }
  return { rules: [...known.rules.values()], warnings: warnings.list() };
}

/** What a `_redirects` says. */
export type Redirects = { rules: RedirectRule[]; warnings: string[] };

/** What `sliceRedirects` answers, at once: for short texts. */
export function readRedirects(text: string): Redirects {
  return runWhole(sliceRedirects(text));
}

/** Rules by what makes two lines identical. */
type Known = { rules: Map<string, RedirectRule>; weight: number };

/** Adds what a line says, after what an identical line said before is forgotten, or tells why it is not obeyed. */
function addRule(line: SourceLine, known: Known): string | undefined {
  const parts = takeApart(line.text);
  if (typeof parts === "string") return parts;
  const rule = understand(parts, line.number);
  if (typeof rule === "string") return rule;
  const key = keyOf(parts);
  known.weight -= known.rules.get(key)?.weight ?? 0;
  known.rules.delete(key);
  if (known.rules.size >= MAX_RULES) return `a site has at most ${MAX_RULES} rules`;
  if (known.weight + rule.weight > MAX_WEIGHT)
    return "the rules before it take all the room there is";
  known.weight += rule.weight;
  known.rules.set(key, rule);
  return undefined;
}

/** `from [key=value …] [to] [status[!]] [key=value …]`; a word that begins with "#" begins a comment. */
function takeApart(line: string): Parts | string {
  const words = line.split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith("#"));
  const [from = "", ...rest] = comment === -1 ? words : words.slice(0, comment);
  const [second] = rest;
  if (second === undefined) return "it has no destination";
  const forward = Number.isInteger(Number.parseInt(second, 10));
  const at = forward ? -1 : rest.findIndex(isDestination);
  if (!forward && at === -1) return 'its destination must begin with "/", "http://" or "https://"';
  const [status, ...conditions] = rest.slice(at + 1);
  return {
    from,
    query: pairsOf(rest.slice(0, Math.max(at, 0))),
    to: rest[at],
    status,
    conditions: pairsOf(conditions),
  };
}

function isDestination(word: string): boolean {
  return word.startsWith("/") || isUrl(word);
}

function isUrl(word: string): boolean {
  return word.startsWith("http://") || word.startsWith("https://");
}

/** `key=value` each; of one key the last. What follows a second "=" is dropped, as Netlify does. */
function pairsOf(words: readonly string[]): Pairs {
  if (words.length === 0) return NO_PAIRS;
  return new Map(
    words.map((word) => {
      const [key = "", value] = word.split("=", 2);
      return [key, value];
    }),
  );
}

function understand(parts: Parts, line: number): RedirectRule | string {
  const status = statusOf(parts);
  if (typeof status === "string") return status;
  const to = parts.to ?? forwardTo(parts.from, status);
  if (to === undefined)
    return 'it has no destination, which only a path that ends with "/*" and a status of 200 may leave out';
  if (isUrl(to) && !REDIRECTS.has(status))
    return `status ${status} with another address passes requests on, which is not supported`;
  const from = compilePath(parts.from);
  if (typeof from === "string") return from;
  const query = needsOf(parts.query);
  if (query.length > MAX_NEEDS) return `it asks for more than ${MAX_NEEDS} parameters`;
  const compiled = compileTarget(to, capturesOf(from, query));
  if (typeof compiled === "string") return compiled;
  const { target, pieces } = compiled;
  const conditions = conditionsOf(parts.conditions);
  if (typeof conditions === "string") return conditions;
  const { countries, languages, cookies } = conditions;
  const force = parts.status?.endsWith("!") ?? false;
  const values = (countries?.size ?? 0) + (languages?.size ?? 0) + (cookies?.length ?? 0);
  const weight =
    RULE_BYTES +
    2 * (parts.from.length + to.length) +
    PART_BYTES * (from.names.size * 2 + query.length * 4 + pieces * 2 + values * 2);
  return { line, from, query, target, status, force, countries, languages, cookies, weight };
}

/** The names that a rule captures. */
function capturesOf(from: RedirectPath, query: readonly QueryNeed[]): ReadonlySet<string> {
  if (from.names.size === 0 && query.length === 0 && !from.splat) return NO_CAPTURES;
  const names = new Set(from.names.values());
  if (from.splat) names.add("splat");
  for (const { capture } of query) if (capture !== undefined) names.add(capture);
  return names;
}

/** The status, 301 where none is written, or why it cannot be had. */
function statusOf({ status: word }: Parts): number | string {
  const status = word === undefined ? 301 : Number.parseInt(word, 10);
  if (!Number.isInteger(status)) return `${quoted(word ?? "")} is no status`;
  const rewrites = status === 200 || (status >= 400 && status <= 599);
  return REDIRECTS.has(status) || rewrites ? status : `status ${status} is not supported`;
}

function forwardTo(from: string, status: number): string | undefined {
  return from.endsWith("/*") && status === 200 ? `${from.slice(0, -2)}/:splat` : undefined;
}

function needsOf(query: Pairs): readonly QueryNeed[] {
  if (query.size === 0) return NO_NEEDS;
  return [...query].map(([key, value]) => {
    const capture = value?.startsWith(":") ? value.slice(1) : undefined;
    return { key, capture, value: capture === undefined ? value : undefined };
  });
}

function conditionsOf(pairs: Pairs): Conditions | string {
  let countries: ReadonlySet<string> | undefined;
  let languages: ReadonlySet<string> | undefined;
  let cookies: readonly string[] | undefined;
  for (const [key, value = ""] of pairs) {
    const kind = key.toLowerCase();
    const values = value.split(",").filter((part) => part !== "");
    if (kind === "role") return "rules by role are not supported";
    if (kind === "sign" || kind === "signed")
      return "signed requests to other addresses are not supported";
    if (values.length === 0) return `the condition ${quoted(key)} has no value`;
    if (values.length > MAX_VALUES)
      return `the condition ${quoted(key)} has more than ${MAX_VALUES} values`;
    if (kind === "country") countries = new Set(values.map((part) => part.toUpperCase()));
    else if (kind === "language") languages = new Set(values.map((part) => part.toLowerCase()));
    else if (kind === "cookie") cookies = values;
    else return `the condition ${quoted(key)} is not known`;
  }
  return { countries, languages, cookies };
}

/** The same for two lines that say the same. */
function keyOf({ from, query, to, status, conditions }: Parts): string {
  if (query.size === 0 && conditions.size === 0) return `${from} ${to ?? ""} ${status ?? ""}`;
  return JSON.stringify([from, sorted(query), to, status, sorted(conditions)]);
}

function sorted(pairs: Pairs): (readonly [string, string | undefined])[] {
  return [...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
