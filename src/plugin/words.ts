import { printableLines } from "#base/names.ts";

const MAX_LENGTH = 2000;

/** What a plugin threw, as the user may read it. */
export function problemOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return showable(text === "" ? "it did not say why" : text);
}

/** A word or line of a plugin, safe for a terminal as `showableText` is, at most 2,000 long. */
export function showable(text: string): string {
  const clean = showableText(text);
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean;
}

/** Text of a plugin, safe for a terminal: without colours, which are land's to choose, and control characters. */
export function showableText(text: string): string {
  return printableLines(Bun.stripANSI(text));
}

/** `5 s`, `0.2 s`. */
export function renderSeconds(ms: number): string {
  return `${ms / 1000} s`;
}
