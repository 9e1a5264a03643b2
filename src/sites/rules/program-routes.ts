import { decodeSegment } from "./clean-urls.ts";

/** Whether a program answers a path, as a request sends it, before files do. */
export type Claims = (path: string) => boolean;

/** One pattern: its segments, null for any one, and whether all below belongs to it. */
type Route = { segments: readonly (string | null)[]; open: boolean; stem: string };

const MAX_ROUTE = 200;
const NONE: Claims = () => false;

/** Why a text is no pattern of paths, as the end of a sentence about it; undefined where it is one. */
export function problemOfRoute(route: string): string | undefined {
  if (!route.startsWith("/")) return 'it does not begin with "/"';
  if (route.length > MAX_ROUTE) return `it is longer than ${MAX_ROUTE} characters`;
  if (/[?#]/.test(route)) return "it holds a query or a fragment: routes are paths alone";
  const segments = route.slice(1).split("/");
  if (segments.slice(0, -1).includes("")) return "it holds an empty segment";
  const last = segments.length - 1;
  for (const [at, segment] of segments.entries()) {
    const stars = segment.split("*").length - 1;
    if (stars > 1 || (stars === 1 && segment !== "*" && !(at === last && segment.endsWith("*"))))
      return 'a "*" stands for a whole segment, or at the end for all that follows';
    if (decodeSegment(segment) === undefined) return "no path can be like that";
  }
  return undefined;
}

/**
 * The matcher of patterns that `problemOfRoute` finds nothing wrong with. `/api/*` is `/api` and all below it, `/img-*` all that
 * begins so, a `*` further in takes any one segment; others are exact but for a slash at the end. Paths are compared decoded
 * and without empty segments, as those of files are: no spelling of a path leads past the program to a file. What no file
 * could be called is compared as it is. The time is linear in the lengths of all patterns and of the path.
 */
export function claimsOf(routes: readonly string[]): Claims {
  if (routes.length === 0) return NONE;
  const compiled = routes.map(compile);
  return (path) => {
    const segments = segmentsOf(path);
    return compiled.some((route) => matches(route, segments));
  };
}

function segmentsOf(path: string): string[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
}

function compile(route: string): Route {
  const parts = route.slice(1).split("/");
  const last = parts.at(-1) ?? "";
  const open = last.endsWith("*");
  const named = open || last === "" ? parts.slice(0, -1) : parts;
  return {
    segments: named.map((part) => (part === "*" ? null : decoded(part))),
    open,
    stem: open ? decoded(last.slice(0, -1)) : "",
  };
}

function decoded(part: string): string {
  return decodeSegment(part) ?? part;
}

function matches({ segments, open, stem }: Route, path: readonly string[]): boolean {
  if (open ? path.length < segments.length : path.length !== segments.length) return false;
  for (const [at, segment] of segments.entries())
    if (segment !== null && segment !== path[at]) return false;
  if (!open || stem === "") return true;
  return path[segments.length]?.startsWith(stem) ?? false;
}
