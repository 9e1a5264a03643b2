import { runWhole, type Sliced } from "#base/slices.ts";

import { compileHeaderPattern, exactPath, type HeaderPattern } from "./headers-pattern.ts";
import { problemOfHeader, problemOfName, tidyValue } from "./headers-values.ts";
import {
  quoted,
  readLines,
  type SourceLine,
  startWarnings,
  type Warnings,
} from "./redirects-lines.ts";

/** One path of `_headers` and what it sends. */
export type HeaderRule = {
  order: number;
  /** Labels of the host it holds for, undefined for any one label; undefined as a whole for any host. */
  host: readonly (string | undefined)[] | undefined;
  pattern: HeaderPattern;
  headers: readonly HeaderLine[];
};

/** `value` undefined: the header is taken away. */
export type HeaderLine = { name: string; value: string | undefined };

/** Rules by what they match: those without wildcards by their path, the others in order. */
export type HeaderRules = {
  readonly exact: ReadonlyMap<string, readonly HeaderRule[]>;
  readonly wild: readonly HeaderRule[];
};

type Block = { line: SourceLine; headers: HeaderLine[] };

const MAX_RULES = 50_000;
/** Each header of a path is compared with those before it, and no browser takes more in an answer. */
const MAX_HEADERS = 100;
const MAX_VALUE_LENGTH = 8192;
/** Paths looked at between two turns of others, each with its headers. */
const SLICE = 100;
/** What a rule takes in memory with its place, and each of its headers. */
const RULE_BYTES = 400;
const HEADER_BYTES = 100;
/** Every one of these is compared with each path asked for. */
const MAX_WILD = 1000;
/** With two wildcards a path has to be searched. */
const MAX_SEARCHING = 100;

/**
 * Reads `_headers` by Netlify's grammar, with Cloudflare's addresses as paths and `! Name` lines, and gives a sentence for
 * each line that is not obeyed.
 *
 * @see https://docs.netlify.com/manage/routing/headers/
 * @see https://developers.cloudflare.com/pages/configuration/headers/
 */
export function* sliceHeaders(text: string): Sliced<Headers> {
  const warnings = startWarnings("_headers");
  const blocks = yield* withoutTwins(yield* readBlocks(text, warnings));
  const exact = new Map<string, HeaderRule[]>();
  const wild: HeaderRule[] = [];
  let searching = 0;
  let weight = 0;
  for (const [order, { line, headers }] of blocks.entries()) {
    if (order % SLICE === SLICE - 1) yield;
    const rule = compileBlock(line.text, headers, order);
    if (typeof rule === "string") {
      warnings.add(line.number, rule);
      continue;
    }
    weight += weightOf(line, rule);
    const path = exactPath(rule.pattern);
    if (path !== undefined) {
      const rules = exact.get(path);
      if (rules) rules.push(rule);
      else exact.set(path, [rule]);
      continue;
    }
    if (rule.pattern.middle.length > 0) searching += 1;
    if (wild.length < MAX_WILD && searching <= MAX_SEARCHING) wild.push(rule);
    else
      warnings.add(
        line.number,
        `a site has at most ${MAX_WILD} paths with wildcards, and ${MAX_SEARCHING} with several`,
      );
  }
  return { rules: { exact, wild }, warnings: warnings.list(), weight };
}

/** What a `_headers` says; `weight` is what the rules take in memory, in bytes, about. */
export type Headers = { rules: HeaderRules; warnings: string[]; weight: number };

/** What `sliceHeaders` answers, at once: for short texts. */
export function readHeaders(text: string): Headers {
  return runWhole(sliceHeaders(text));
}

/** Measured. */
function weightOf(line: SourceLine, { headers, pattern }: HeaderRule): number {
  let weight = RULE_BYTES + 2 * line.text.length;
  for (const { name, value = "" } of headers)
    weight += HEADER_BYTES + name.length + 2 * value.length;
  for (const { text } of pattern.middle) weight += 10 * text.length;
  return weight;
}

/** Path lines with the headers below them; paths without any are dropped. */
function* readBlocks(text: string, warnings: Warnings): Sliced<Block[]> {
  const blocks: Block[] = [];
  let last: Block | undefined;
  for (const line of readLines(text, warnings)) {
    if (line === undefined) {
      yield;
      continue;
    }
    if (/^(?:\/|https?:\/\/)/.test(line.text)) {
      last = { line, headers: [] };
      continue;
    }
    const problem =
      last?.headers.length === 0 && blocks.length >= MAX_RULES
        ? `a site has at most ${MAX_RULES} rules`
        : readHeader(line.text, last);
    if (problem !== undefined) warnings.add(line.number, problem);
    else if (last?.headers.length === 1 && blocks.at(-1) !== last) blocks.push(last);
  }
  return blocks;
}

/** Adds one header line to its block, or tells why not. A line without a colon says nothing, as with Netlify. */
function readHeader(text: string, block: Block | undefined): string | undefined {
  const detached = /^!\s*(\S+)$/.exec(text)?.[1];
  const colon = text.indexOf(":");
  if (detached === undefined && colon === -1) return undefined;
  const name = detached ?? text.slice(0, colon).trim();
  const value = detached === undefined ? text.slice(colon + 1).trim() : undefined;
  if (name === "") return "a header has no name";
  if (value === "") return `the header ${quoted(name)} has no value`;
  if (block === undefined) return `a path must come before the header ${quoted(name)}`;
  const problem = value === undefined ? problemOfName(name) : problemOfHeader(name, value);
  if (problem !== undefined) return problem;
  if (block.headers.length >= MAX_HEADERS) return `a path has at most ${MAX_HEADERS} headers`;
  const lower = name.toLowerCase();
  const before = block.headers.find((header) => header.name.toLowerCase() === lower);
  if (value === undefined || before?.value === undefined || lower === "set-cookie")
    block.headers.push({ name, value: value === undefined ? value : tidyValue(value) });
  else if (before.value.length + value.length > MAX_VALUE_LENGTH)
    return `the value of ${quoted(name)} is longer than ${MAX_VALUE_LENGTH} characters`;
  else before.value = `${before.value}, ${tidyValue(value)}`;
  return undefined;
}

/** Of blocks that say the same the last. */
function* withoutTwins(blocks: readonly Block[]): Sliced<Block[]> {
  const last = new Map<string, Block>();
  for (const [at, block] of blocks.entries()) {
    if (at % SLICE === SLICE - 1) yield;
    const headers = block.headers.map(({ name, value }) => [name, value ?? null]);
    const key = JSON.stringify([block.line.text, headers.toSorted(byName)]);
    last.delete(key);
    last.set(key, block);
  }
  return [...last.values()];
}

function byName([a = ""]: (string | null)[], [b = ""]: (string | null)[]): number {
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
}

function compileBlock(
  line: string,
  headers: readonly HeaderLine[],
  order: number,
): HeaderRule | string {
  const [, address, path = ""] = /^(?:https?:\/\/([^/]*))?(.*)$/s.exec(line) ?? [];
  const pattern = compileHeaderPattern(path);
  if (typeof pattern === "string") return pattern;
  const host = address
    ?.toLowerCase()
    .split(".")
    .map((label) => (label.startsWith(":") ? undefined : label));
  return { order, host, pattern, headers };
}
