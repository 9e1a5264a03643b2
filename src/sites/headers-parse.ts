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

const MAX_RULES = 100_000;
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
export function readHeaders(text: string): { rules: HeaderRules; warnings: string[] } {
  const warnings = startWarnings("_headers");
  const blocks = withoutTwins(readBlocks(readLines(text, warnings), warnings));
  const exact = new Map<string, HeaderRule[]>();
  const wild: HeaderRule[] = [];
  let searching = 0;
  for (const [order, { line, headers }] of blocks.entries()) {
    const rule = compileBlock(line.text, headers, order);
    if (typeof rule === "string" || order >= MAX_RULES) {
      warnings.add(
        line.number,
        typeof rule === "string" ? rule : `a site has at most ${MAX_RULES} rules`,
      );
      continue;
    }
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
  return { rules: { exact, wild }, warnings: warnings.list() };
}

/** Path lines with the headers below them; paths without any are dropped. */
function readBlocks(lines: readonly SourceLine[], warnings: Warnings): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    if (/^(?:\/|https?:\/\/)/.test(line.text)) {
      blocks.push({ line, headers: [] });
      continue;
    }
    const problem = readHeader(line.text, blocks.at(-1));
    if (problem !== undefined) warnings.add(line.number, problem);
  }
  return blocks.filter(({ headers }) => headers.length > 0);
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
  const lower = name.toLowerCase();
  const before = block.headers.find((header) => header.name.toLowerCase() === lower);
  if (value === undefined || before?.value === undefined || lower === "set-cookie")
    block.headers.push({ name, value: value === undefined ? value : tidyValue(value) });
  else before.value = `${before.value}, ${tidyValue(value)}`;
  return undefined;
}

/** Of blocks that say the same the last. */
function withoutTwins(blocks: readonly Block[]): Block[] {
  const last = new Map<string, Block>();
  for (const block of blocks) {
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
