import { natives } from "../natives.ts";

/** A place in a file; both count from 1. */
export type Place = { line: number; column: number };
/** A place in a file of the author. */
export type SourcePlace = Place & { source: string };

/** Finds the author's place of one in the program; undefined where the map has none. */
export type SourceMap = (place: Place) => SourcePlace | undefined;

/** Larger maps are not read. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_SEGMENTS = 4_000_000;
const MAX_SOURCES = 20_000;
const SOURCE_LENGTH = 200;
/** How many numbers a kept segment has: column, source, line, column there. */
const FIELDS = 4;

/**
 * Reads a source map of version 3. Undefined where it is none or too large; a hostile one costs at most time in proportion to
 * its length.
 *
 * @see https://tc39.es/ecma426/
 */
export function readSourceMap(text: string): SourceMap | undefined {
  if (text.length > MAX_BYTES) return undefined;
  const parsed = parse(text);
  if (parsed === undefined) return undefined;
  const { sources, mappings } = parsed;
  const table = readMappings(mappings, sources.length);
  return table && ((place) => find(table, sources, place));
}

/** Segments of all lines, one after another; those of line n (from 0) are from `lines[n]` to `lines[n + 1]`. */
type Table = { lines: number[]; segments: number[] };

function parse(text: string): { sources: string[]; mappings: string } | undefined {
  try {
    const map: unknown = natives.parse(text);
    if (map === null || typeof map !== "object") return undefined;
    const version: unknown = Reflect.get(map, "version");
    const sources: unknown = Reflect.get(map, "sources");
    const mappings: unknown = Reflect.get(map, "mappings");
    if (version !== 3 || !Array.isArray(sources) || typeof mappings !== "string") return undefined;
    return { sources: sources.slice(0, MAX_SOURCES).map(sourceName), mappings };
  } catch {
    return undefined;
  }
}

/** A short name of a source: without scheme, leading dots and what would move a terminal's cursor. */
function sourceName(source: unknown): string {
  if (typeof source !== "string") return "?";
  return source
    .replace(/^[a-z]+:\/\//, "")
    .replace(/^(?:\.{0,2}\/)+/, "")
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "?")
    .slice(0, SOURCE_LENGTH);
}

function readMappings(mappings: string, sourceCount: number): Table | undefined {
  const table: Table = { lines: [0], segments: [] };
  // Values of the segment before, to which those of the next add; the first, the column, begins anew in each line.
  const state = [0, 0, 0, 0, 0];
  let field = 0;
  let value = 0;
  let shift = 0;
  const finish = (): boolean => {
    if (shift > 0) return false;
    if (field >= 4) keep(table, state, sourceCount);
    field = 0;
    return table.segments.length <= MAX_SEGMENTS * FIELDS;
  };
  for (let at = 0; at < mappings.length; at += 1) {
    const code = mappings.charCodeAt(at);
    if (code === SEMICOLON || code === COMMA) {
      if (!finish()) return undefined;
      if (code === COMMA) continue;
      table.lines.push(table.segments.length / FIELDS);
      state[0] = 0;
      continue;
    }
    const digit = DIGITS.get(code);
    if (digit === undefined || shift > 30 || field > 4) return undefined;
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit >= 32) continue;
    const delta = value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
    state[field] = (state[field] ?? 0) + delta;
    field += 1;
    value = 0;
    shift = 0;
  }
  if (!finish()) return undefined;
  table.lines.push(table.segments.length / FIELDS);
  return table;
}

function keep(table: Table, state: readonly number[], sourceCount: number): void {
  const [column = 0, source = 0, line = 0, sourceColumn = 0] = state;
  if (source < 0 || source >= sourceCount || line < 0 || sourceColumn < 0) return;
  table.segments.push(column, source, line, sourceColumn);
}

/** The last segment of the line that begins at the column or before it. */
function find(table: Table, sources: readonly string[], place: Place): SourcePlace | undefined {
  let low = table.lines[place.line - 1] ?? 0;
  let high = table.lines[place.line] ?? 0;
  if (low >= high) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((table.segments[middle * FIELDS] ?? 0) <= place.column - 1) low = middle;
    else high = middle;
  }
  const [, source = 0, line = 0, column = 0] = table.segments.slice(
    low * FIELDS,
    (low + 1) * FIELDS,
  );
  return { source: sources[source] ?? "?", line: line + 1, column: column + 1 };
}

const SEMICOLON = 59;
const COMMA = 44;
const DIGITS = new Map(
  Array.from(Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")).map(
    (digit, value) => [digit, value],
  ),
);
