import type { Digest } from "#base/names.ts";

import type { Coding } from "./serve-encoding.ts";

/** What of a file its validators are made of. */
export type Validated = {
  digest: Digest;
  /** How it would be sent now. */
  coding: Coding | "identity";
  /** Made at a fast level: other bytes than the coding's final ones. */
  isFast: boolean;
  /** When what stands at its address changed for the last time, in milliseconds since 1970. */
  changedAtMs: number;
  /** Which codings the visitor takes. */
  taken: readonly string[];
};

/** What the conditions of a request come to. `tag`: the copy that the visitor has is current. */
export type Outcome = { kind: "send" } | { kind: "failed" } | { kind: "current"; tag: string };

/** The strong tag of a file in a coding: 80 bits of its digest, and the coding. */
export function tagOf({
  digest,
  coding,
  isFast,
}: Pick<Validated, "digest" | "coding" | "isFast">): string {
  const hex = digest.slice("sha256:".length, "sha256:".length + 20);
  return coding === "identity" ? `"${hex}"` : `"${hex}-${coding}${isFast ? "-fast" : ""}"`;
}

/** `Last-Modified`: rounded up to a second, so that what changes later in that second has a later one; down while it lies ahead. */
export function lastModified(changedAtMs: number, nowMs: number): string {
  const up = Math.ceil(changedAtMs / 1000) * 1000;
  return httpDate(up <= nowMs ? up : Math.floor(changedAtMs / 1000) * 1000);
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** A time as HTTP writes it, as `toUTCString` does in five times the time. @see RFC 9110 section 5.6.7 */
function httpDate(atMs: number): string {
  const at = new Date(atMs);
  const day = `${DAYS[at.getUTCDay()]}, ${twoDigits(at.getUTCDate())} ${MONTHS[at.getUTCMonth()]}`;
  const time = `${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}:${twoDigits(at.getUTCSeconds())}`;
  return `${day} ${String(at.getUTCFullYear()).padStart(4, "0")} ${time} GMT`;
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/**
 * Weighs If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in this order, for GET and HEAD. A tag of the same file
 * in another coding that the visitor takes counts as current too: the answer repeats that tag, so that caches know which
 * of their copies it is.
 *
 * @see RFC 9110 section 13.2.2
 */
export function weighConditions(headers: Headers, file: Validated): Outcome {
  const match = headers.get("if-match");
  if (match !== null) {
    if (currentTag(match, file, "strong") === undefined) return { kind: "failed" };
  } else {
    const unmodified = parseDate(headers.get("if-unmodified-since"));
    if (unmodified !== undefined && file.changedAtMs > unmodified) return { kind: "failed" };
  }
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) {
    const tag = currentTag(noneMatch, file, "weak");
    return tag === undefined ? { kind: "send" } : { kind: "current", tag };
  }
  const since = parseDate(headers.get("if-modified-since"));
  return since !== undefined && file.changedAtMs <= since
    ? { kind: "current", tag: tagOf(file) }
    : { kind: "send" };
}

/**
 * Whether a range may be cut for the copy that `If-Range` names: a strong tag of the plain file, or exactly the time we
 * tell, once that is a strong validator.
 *
 * @see RFC 9110 section 13.1.5
 */
export function mayContinue(headers: Headers, file: Validated): boolean {
  const condition = headers.get("if-range");
  if (condition === null) return true;
  if (condition.includes('"'))
    return condition === tagOf({ ...file, coding: "identity", isFast: false });
  const at = parseDate(condition);
  return at !== undefined && at === Math.ceil(file.changedAtMs / 1000) * 1000;
}

function currentTag(
  header: string,
  file: Validated,
  comparison: "strong" | "weak",
): string | undefined {
  const own = tagOf(file);
  if (header.trim() === "*") return own;
  const hex = own.slice(1, 21);
  for (const [whole, weak, inner = ""] of header.matchAll(/(W\/)?"([^"]*)"/g)) {
    if (comparison === "strong" && weak !== undefined) continue;
    const tag = whole.slice(weak?.length ?? 0);
    if (tag === own) return own;
    if (!inner.startsWith(hex)) continue;
    const coding = /^(?:-(br|zstd|gzip)(?:-fast)?)?$/.exec(inner.slice(hex.length));
    if (coding && file.taken.includes(coding[1] ?? "identity")) return tag;
  }
  return undefined;
}

const IMF = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** An HTTP date in milliseconds since 1970; undefined for what is none, which conditions ignore. @see RFC 9110 section 5.6.7 */
function parseDate(header: string | null): number | undefined {
  if (header === null) return undefined;
  const text = ASCTIME.test(header) ? `${header} GMT` : header;
  if (!IMF.test(text) && !RFC_850.test(text) && !ASCTIME.test(header)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
