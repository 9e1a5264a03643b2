import { OWN_FOLDER } from "../addresses.ts";
import { decodeSegment } from "./clean-urls.ts";
import { quoted } from "./redirects-lines.ts";

/** What a rule matches: `/blog/:year/*` has the segments `blog`, any, and then anything. */
export type RedirectPath = {
  /** `http://host` where the rule holds for one address alone, else "". */
  origin: string;
  /** Its segments, decoded and joined by "/", each placeholder as an empty one. */
  key: string;
  /** How many segments there are, the splat aside. */
  depth: number;
  /** Names of the placeholders, by their place among the segments. */
  names: ReadonlyMap<number, string>;
  /** Whether anything may follow, nothing included. */
  splat: boolean;
};

/** Nearly all rules have none: one for all of them. */
const NO_NAMES: ReadonlyMap<number, string> = new Map();
const MAX_NAMES = 20;

/** Reads the first part of a rule. A sentence where it is unusable. */
export function compilePath(from: string): RedirectPath | string {
  const isUrl = /^https?:\/\//.test(from);
  if (!isUrl && !from.startsWith("/"))
    return `the path ${quoted(from)} must begin with "/", "http://" or "https://"`;
  const url = isUrl ? URL.parse(from) : null;
  if (isUrl && (url === null || url.hostname === "")) return `${quoted(from)} is no valid URL`;
  const [, path = ""] = /^(?:https?:\/\/[^/?#]*)?(.*)$/s.exec(from) ?? [];
  if (/[?#]/.test(path))
    return `the path ${quoted(from)} holds "?" or "#"; parameters are written after it, as key=value`;
  const raw = path.split("/").filter((segment) => segment !== "");
  const splat = raw.at(-1) === "*";
  const body = splat ? raw.slice(0, -1) : raw;
  const names = new Map<number, string>();
  const segments: string[] = [];
  for (const [at, segment] of body.entries()) {
    const problem = problemOf(segment);
    if (problem !== undefined) return problem;
    if (segment.startsWith(":")) names.set(at, segment.slice(1));
    segments.push(segment.startsWith(":") ? "" : (decodeSegment(segment) ?? ""));
  }
  if (segments[0] === OWN_FOLDER || segments[0]?.startsWith(".netlify"))
    return `the path must not begin with "/${segments[0]}"`;
  if (names.size > MAX_NAMES) return `the path has more than ${MAX_NAMES} placeholders`;
  const origin = url === null ? "" : `${url.protocol}//${url.hostname}`;
  const [key, depth] = [segments.join("/"), segments.length];
  return { origin, key, depth, names: names.size === 0 ? NO_NAMES : names, splat };
}

function problemOf(segment: string): string | undefined {
  if (segment.includes("*"))
    return `${quoted(segment)}: "*" stands alone and at the end of the path, as in "/blog/*"`;
  if (segment.startsWith(":"))
    return /^:[A-Za-z_]\w*$/.test(segment)
      ? undefined
      : `${quoted(segment)}: a placeholder is ":" and letters, digits or "_", as in "/blog/:year"`;
  return decodeSegment(segment) === undefined
    ? `no request can have ${quoted(segment)} in its path`
    : undefined;
}
