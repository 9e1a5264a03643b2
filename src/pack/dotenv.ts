import { fail, type LandError } from "#base/errors.ts";

const NAME = /[A-Za-z_][A-Za-z0-9_]{0,127}/y;
const BLANK = /[ \t]*/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * The variables of a `.env` file by name; where one stands twice the last counts. Lines are `NAME=value` with `export` before
 * it or not; `#` begins a comment. A value is bare, or in `"` (with `\n`, `\r`, `\t` and `\"`; over several lines), or in `'` or
 * a backtick (as it is). `$NAME` is not replaced.
 *
 * @throws invalid_input naming the line; what stands there is not repeated, since it may be a secret
 */
export function parseDotenv(text: string): Map<string, string> {
  const reader = { text: text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n"), at: 0 };
  const values = new Map<string, string>();
  while (reader.at < reader.text.length) {
    take(reader, BLANK);
    if (!atLineEnd(reader)) {
      const [name, value] = readEntry(reader);
      values.set(name, value);
    }
    skipLine(reader);
  }
  return values;
}

type Reader = { text: string; at: number };

function readEntry(reader: Reader): [name: string, value: string] {
  const start = reader.at;
  take(reader, /export[ \t]+(?=[A-Za-z_])/y);
  const name = take(reader, NAME);
  take(reader, BLANK);
  if (name === "" || reader.text[reader.at] !== "=")
    throw refuse(reader, start, "it is no NAME=value");
  reader.at += 1;
  take(reader, BLANK);
  const quote = reader.text[reader.at];
  if (quote !== '"' && quote !== "'" && quote !== "`") return [name, readBare(reader)];
  const value = readQuoted(reader, quote);
  take(reader, BLANK);
  if (!atLineEnd(reader)) throw refuse(reader, start, "something stands after the closing quote");
  return [name, value];
}

/** To the end of the line, or a `#` after a blank. */
function readBare(reader: Reader): string {
  return take(reader, /[^\n]*/y)
    .replace(/(?:^|[ \t])#.*$/, "")
    .trim();
}

function readQuoted(reader: Reader, quote: string): string {
  const start = reader.at;
  let value = "";
  for (reader.at += 1; reader.at < reader.text.length; reader.at += 1) {
    const letter = reader.text[reader.at] ?? "";
    if (letter === quote) {
      reader.at += 1;
      return value;
    }
    if (letter === "\\" && quote === '"') {
      reader.at += 1;
      const next = reader.text[reader.at] ?? "";
      // What is no escape stays as it is, as in a path of Windows.
      value +=
        ESCAPES[next] ?? (next === '"' || next === "\\" || next === "$" ? next : `\\${next}`);
    } else value += letter;
  }
  throw refuse(reader, start, "its quote is not closed");
}

function atLineEnd({ text, at }: Reader): boolean {
  return at >= text.length || text[at] === "\n" || text[at] === "#";
}

function skipLine(reader: Reader): void {
  take(reader, /[^\n]*\n?/y);
}

function take(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const [found = ""] = pattern.exec(reader.text) ?? [];
  reader.at += found.length;
  return found;
}

function refuse({ text }: Reader, at: number, problem: string): LandError {
  const line = text.slice(0, at).split("\n").length;
  return fail("invalid_input", { field: `line ${line}`, problem });
}
