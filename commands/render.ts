import prettyBytes from "pretty-bytes";

import type { LandError } from "#base/errors.ts";
import { printable, printableLines } from "#base/names.ts";

import type { Env } from "./command.ts";

type Paint = (text: string) => string;
/** Ways to emphasise text. Each gives the text back as it is where colour is off. */
export type Style = {
  bold: Paint;
  dim: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
  cyan: Paint;
  /** Breaks lines that are wider than the terminal between words; elsewhere the text as it is. */
  wrap: Paint;
  /** Prose that has line breaks of its own, broken anew for the terminal; elsewhere the text as it is. */
  flow: Paint;
  /** How wide the terminal is; undefined where there is none. */
  columns: number | undefined;
};

/** Colours for a stream: only on a terminal, and not with NO_COLOR, `TERM=dumb` or `--no-color`. */
export function createStyle(
  stream: { isTTY?: boolean; columns?: number },
  env: Env,
  globals: { color: boolean },
): Style {
  const on = stream.isTTY === true && globals.color && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const paint =
    (begin: number, end: number): Paint =>
    (text) =>
      on && text !== "" ? `\u001B[${begin}m${text}\u001B[${end}m` : text;
  const columns = stream.isTTY === true ? stream.columns || 80 : undefined;
  const wrap: Paint = (text) => (columns === undefined ? text : breakLines(text, columns));
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
    wrap,
    flow: (text) => (columns === undefined ? text : wrap(text.replace(/(\S)\n(?=\S)/g, "$1 "))),
    columns,
  };
}

/** Indentation at the beginning of a line stays; where a line is broken, no space is left over. */
function breakLines(text: string, width: number): string {
  const lines: string[] = [];
  for (const line of text.split("\n"))
    for (const [at, part] of Bun.wrapAnsi(line, width, { trim: false }).split("\n").entries())
      lines.push((at === 0 ? part : part.trimStart()).trimEnd());
  return lines.join("\n");
}

/** `error: …`, and after a blank line `hint: …`. Ends with a newline. */
export function renderError(error: LandError, style: Style): string {
  // A hint may hold a command to paste: it stays in one piece.
  const lines = [style.wrap(`${style.red("error:")} ${printableLines(error.message)}`)];
  if (error.hint) lines.push("", `${style.cyan("hint:")} ${printableLines(error.hint)}`);
  // Who refuses for a reason of the user's has nothing to look up in its log.
  if (error.requestId && error.status >= 500)
    lines.push("", style.dim(`request id: ${printable(error.requestId)}`));
  return `${lines.join("\n")}\n`;
}

/**
 * Columns separated by two spaces, without spaces at the end of a line. `right` names the columns that end at their right edge. Where
 * lines are wider than `width`, the last column is broken between words, and goes on below itself.
 */
export function renderTable(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  width = Number.POSITIVE_INFINITY,
): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
  const pad = (cell: string, column: number): string => {
    const space = " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell));
    return right.includes(column) ? space + cell : cell + space;
  };
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const left = width - before;
  const fold = (line: string, row: readonly string[]): string => {
    const last = row.length === widths.length ? (row.at(-1) ?? "") : "";
    if (left < LEAST_COLUMN || Bun.stringWidth(last) <= left) return line;
    const [head = "", ...more] = Bun.wrapAnsi(last, left).split("\n");
    const start = row.slice(0, -1).map(pad).concat(head).join("  ");
    return [start, ...more.map((part) => " ".repeat(before) + part)].join("\n");
  };
  return rows.map((row) => fold(row.map(pad).join("  ").trimEnd(), row)).join("\n");
}

/** Columns below which a cell is not broken: it would be a tower of words. */
const LEAST_COLUMN = 24;

/** `1.2 kB`. */
export function renderBytes(bytes: number): string {
  return prettyBytes(bytes);
}

/** `1 file`, `2 files`. */
export function renderCount(count: number, noun: string): string {
  return `${renderNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `5,000`. */
export function renderNumber(count: number): string {
  return count.toLocaleString("en-US");
}

/** `2026-03-01 12:30`, in UTC as the server tells it; `never` where there is none. */
export function renderTime(time: string | null): string {
  return time === null ? "never" : printable(time.slice(0, 16).replace("T", " "));
}

/** The text, or its beginning and `…` where it is wider than `width` columns. Made safe for a terminal. */
export function shorten(text: string, width: number): string {
  const clean = printable(text);
  return Bun.stringWidth(clean) <= width ? clean : `${Bun.sliceAnsi(clean, 0, width - 1)}…`;
}
