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
type Pairs = ReadonlyMap<string, string | undefined>;
type Rule = Omit<RedirectRule, "line">;

const NO_PAIRS: Pairs = new Map();
const MAX_RULES = 100_000;
const MAX_NEEDS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Reads `_redirects` by Netlify's grammar: the rules in their order, of identical lines the last, and a sentence for each
 * line that is not obeyed.
 *
 * @see https://docs.netlify.com/manage/routing/redirects/overview/
 */
export function readRedirects(text: string): { rules: RedirectRule[]; warnings: string[] } {
  const warnings = startWarnings("_redirects");
  const rules = new Map<string, RedirectRule>();
  for (const line of readLines(text, warnings)) {
    const problem = addRule(line, rules);
    if (problem !== undefined) warnings.add(line.number, problem);
  }
  return { rules: [...rules.values()], warnings: warnings.list() };
}

/** Adds what a line says, after what an identical line said before is forgotten, or tells why it is not obeyed. */
function addRule(line: SourceLine, rules: Map<string, RedirectRule>): string | undefined {
  const parts = takeApart(line.text);
  if (typeof parts === "string") return parts;
  const rule = understand(parts);
  if (typeof rule === "string") return rule;
  const key = keyOf(parts);
  rules.delete(key);
  if (rules.size >= MAX_RULES) return `a site has at most ${MAX_RULES} rules`;
  rules.set(key, { ...rule, line: line.number });
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

function understand(parts: Parts): Rule | string {
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
  const names = new Set(from.names.values());
  if (from.splat) names.add("splat");
  for (const { capture } of query) if (capture !== undefined) names.add(capture);
  const target = compileTarget(to, names);
  if (typeof target === "string") return target;
  const conditions = conditionsOf(parts.conditions);
  if (typeof conditions === "string") return conditions;
  const force = parts.status?.endsWith("!") ?? false;
  return { from, query, target, status, force, ...conditions };
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

function needsOf(query: Pairs): QueryNeed[] {
  return [...query].map(([key, value]) => {
    const capture = value?.startsWith(":") ? value.slice(1) : undefined;
    return { key, capture, value: capture === undefined ? value : undefined };
  });
}

function conditionsOf(pairs: Pairs): Pick<Rule, "countries" | "languages" | "cookies"> | string {
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
