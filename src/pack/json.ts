import { runWhole, type Sliced } from "#base/slices.ts";

/** The largest JSON text that is read, in bytes. */
export const MAX_JSON_BYTES = 1_000_000;
const MAX_DEPTH = 64;
/** Tokens looked at between two turns of others. */
const SLICE = 5000;

/** Plain data of a JSON text, maps in whose prototype no key is. */
export type JsonMap = { [key: string]: unknown };

/** Why a text is not the JSON we take: `field` is the key at fault where there is one. */
export type JsonProblem = { field: string; problem: string };

/**
 * Reads strict JSON in slices of some milliseconds: no BOM, comments, trailing commas, duplicate keys, `__proto__` or half surrogate pairs, at most 1 MB
 * and 64 levels deep.
 * The depth is counted before anything recurses.
 */
export function* sliceJson(text: string): Sliced<ReadJson> {
  const early = yield* problemBeforeParse(text);
  if (early !== undefined) return { field: "", problem: early };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { field: "", problem: `is not JSON: ${whereBroken(text)}` };
  }
  const bad = yield* findBadToken(text);
  if (bad) return bad;
  takePrototypes(value);
  return { value };
}

/** What a text says, or why it is not taken. */
export type ReadJson = { value: unknown } | JsonProblem;

/** What `sliceJson` answers, at once. */
export function readJson(text: string): ReadJson {
  return runWhole(sliceJson(text));
}

function* problemBeforeParse(text: string): Sliced<string | undefined> {
  if (text.length > MAX_JSON_BYTES || Buffer.byteLength(text) > MAX_JSON_BYTES)
    return `is larger than ${MAX_JSON_BYTES} bytes`;
  if (text.startsWith("\uFEFF"))
    return "begins with a byte order mark: save it as UTF-8 without BOM";
  if (text.trim() === "") return "is empty";
  const conflict = /^(?:<<<<<<<|>>>>>>>)(?: |$)/m.exec(text);
  if (conflict)
    return `holds a conflict marker of version control in line ${lineOf(text, conflict.index)}`;
  let depth = 0;
  let seen = 0;
  for (const { at, token } of tokens(text)) {
    seen += 1;
    if (seen % SLICE === 0) yield;
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (token === "/") return `holds a comment in line ${lineOf(text, at)}: JSON takes none`;
  }
  return undefined;
}

/** Structure tokens and strings of a JSON text in order, without recursion. Says nothing about its grammar. */
function* tokens(text: string): Generator<{ at: number; token: string }> {
  const next = /"(?:[^"\\]+|\\[\s\S])*"?|[{}[\],:/]/g;
  for (let found = next.exec(text); found !== null; found = next.exec(text))
    yield { at: found.index, token: found[0] };
}

function whereBroken(text: string): string {
  let before = "";
  let end = 0;
  for (const { at, token } of tokens(text)) {
    const isLast = before === "," && text.slice(end, at).trim() === "";
    if (isLast && (token === "}" || token === "]"))
      return `there is a comma before "${token}" in line ${lineOf(text, at)}`;
    if (token.startsWith('"') && (token.length === 1 || !token.endsWith('"')))
      return `a text that begins in line ${lineOf(text, at)} does not end`;
    const isAfterValue = /^["}\]]/.test(before) || text.slice(end, at).trim() !== "";
    if (isAfterValue && /^["{[]/.test(token))
      return `a comma is missing in or before line ${lineOf(text, at)}`;
    before = token;
    end = at + token.length;
  }
  return "check its commas, quotes and brackets";
}

/** Only for text that JSON.parse took. */
function* findBadToken(text: string): Sliced<JsonProblem | undefined> {
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  let seen = 0;
  for (const { at, token } of tokens(text)) {
    seen += 1;
    if (seen % SLICE === 0) yield;
    const keys = open.at(-1);
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":" && keys !== undefined) {
      const key = last.includes("\\") ? String(JSON.parse(last)) : last.slice(1, -1);
      const problem = problemOfKey(key, keys);
      if (problem !== undefined)
        return { field: key, problem: `${problem} in line ${lineOf(text, at)}` };
      keys.add(key);
    }
    // Half a pair has no form in UTF-8: it would be another text once stored, and no address may hold it.
    if (token.includes("\\u") && !String(JSON.parse(token)).isWellFormed())
      return { field: "", problem: `holds half a surrogate pair in line ${lineOf(text, at)}` };
    last = token;
  }
  return undefined;
}

function problemOfKey(key: string, keys: Set<string>): string | undefined {
  if (key === "__proto__") return "is not allowed as a key";
  return keys.has(key) ? "stands twice" : undefined;
}

/**
 * What maps have for a prototype: no key of a text is in it. Without a way to become a text, who words a refusal (`found: …`)
 * would fail on the very value that it refuses.
 */
const BARE: object = Object.freeze(
  Object.create(null, { [Symbol.toPrimitive]: { value: () => "an object" } }),
);

/** Of what was parsed just now, in its place. Recursion is bounded by the depth checked before. */
function takePrototypes(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) Object.setPrototypeOf(value, BARE);
  for (const item of Object.values(value)) takePrototypes(item);
}

/** Whether a value is a JSON object. */
export function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map without a prototype, safe for keys from outside. */
export function emptyMap<T>(): { [key: string]: T } {
  const map: { [key: string]: T } = {};
  Object.setPrototypeOf(map, null);
  return map;
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
