import { printable } from "#base/names.ts";

/** A line that says something, trimmed; `number` counts from 1. */
export type SourceLine = { number: number; text: string };

/** Collects what is not obeyed, each with its line; after 100 it only counts. */
export type Warnings = {
  add(line: number | undefined, problem: string): void;
  list(): string[];
};

const MAX_FILE_BYTES = 5_000_000;
const MAX_LINE_LENGTH = 2000;
const MAX_WARNINGS = 100;
/** What a slice may cost, some milliseconds: a character is one, and so many more are a line. */
const SLICE_COST = 10_000;
const LINE_COST = 64;

/** The warnings of one file. */
export function startWarnings(file: string): Warnings {
  const warnings: string[] = [];
  let total = 0;
  return {
    add(line, problem) {
      total += 1;
      if (total > MAX_WARNINGS) return;
      const where = line === undefined ? file : `${file} line ${line}`;
      warnings.push(`${where}: ${printable(problem)}`);
    },
    list() {
      const more = total - warnings.length;
      return more > 0 ? [...warnings, `${file}: and ${more} more lines are not obeyed`] : warnings;
    },
  };
}

/**
 * The lines of a rule file that are neither empty nor a comment, and undefined wherever so much was read that others should have
 * their turn. Of a file over 5 MB none, too long ones left out.
 */
export function* readLines(
  text: string,
  warnings: Warnings,
): Generator<SourceLine | undefined, void, undefined> {
  if (text.length > MAX_FILE_BYTES || Buffer.byteLength(text) > MAX_FILE_BYTES) {
    warnings.add(undefined, "it is larger than 5 MB and is not obeyed");
    return;
  }
  let cost = 0;
  for (let [start, number] = [0, 1]; start <= text.length; number += 1) {
    const next = text.indexOf("\n", start);
    const end = next === -1 ? text.length : next;
    const line = { number, text: text.slice(start, end).trim() };
    cost += LINE_COST + end - start;
    start = end + 1;
    if (cost >= SLICE_COST) {
      cost = 0;
      yield undefined;
    }
    if (line.text === "" || line.text.startsWith("#")) continue;
    if (line.text.length <= MAX_LINE_LENGTH) yield line;
    else warnings.add(line.number, `it is longer than ${MAX_LINE_LENGTH} characters`);
  }
}

/** A piece of a line, quoted and short enough for a sentence. */
export function quoted(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`;
}
