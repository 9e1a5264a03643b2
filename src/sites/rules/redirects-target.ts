import { cleanQuery, encodePath } from "./clean-urls.ts";

/** Where a rule leads: a path of this site as written, or with holes for what the rule captures. */
export type Target = string | TargetWithHoles;

/** Where a rule leads that is more than a plain path. */
export type TargetWithHoles = {
  /** `https://host` with holes, or undefined for a path of this site. */
  origin: readonly Piece[] | undefined;
  path: readonly Piece[];
  /** Without "?"; undefined where the rule writes none. */
  query: readonly Piece[] | undefined;
  /** With "#", encoded, or "". */
  fragment: string;
};

/** Text as written, or the name of what is put there. */
type Piece = { text: string } | { hole: string };

/** What a rule captured: decoded values by name. */
export type Captures = ReadonlyMap<string, string>;

/** Where a request is led to. `path` and `query` are encoded. */
export type Place = { origin: string | undefined; path: string; query: string; fragment: string };

const MAX_PIECES = 100;
/** Paths that stand for themselves, as most do. */
const PLAIN = /^\/[\w./-]*$/;

/**
 * Reads the destination of a rule; `names` are what the rule captures. `pieces` counts what it is made of. A sentence where it is
 * unusable.
 */
export function compileTarget(
  to: string,
  names: ReadonlySet<string>,
): { target: Target; pieces: number } | string {
  if (PLAIN.test(to)) return { target: collapse(to), pieces: 0 };
  const [, origin, rest = ""] = /^(https?:\/\/[^/?#]*)?(.*)$/s.exec(to) ?? [];
  const [, path = "", query, fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(rest) ?? [];
  if (origin !== undefined && !isOrigin(origin, names)) return "its destination is no valid URL";
  const target = {
    origin: origin === undefined ? undefined : piecesOf(asciiOrigin(origin), names),
    path: piecesOf(path === "" ? "/" : path, names),
    query: query === undefined ? undefined : piecesOf(query, names),
    fragment: fragment === "" ? "" : `#${cleanQuery(fragment.slice(1))}`,
  };
  const pieces = (target.origin?.length ?? 0) + target.path.length + (target.query?.length ?? 0);
  if (pieces > MAX_PIECES) return `its destination has more than ${MAX_PIECES / 2} placeholders`;
  return { target, pieces };
}

/**
 * Fills a destination. What the request asked for besides what the rule captured (`others`, encoded) goes on after the
 * rule's own query. Undefined where a captured value cannot stand in a host name.
 */
export function fillTarget(
  target: Target,
  captures: Captures,
  others: readonly string[],
): Place | undefined {
  if (typeof target === "string")
    return { origin: undefined, path: target, query: others.join("&"), fragment: "" };
  const origin = target.origin && fill(target.origin, captures, (value) => value);
  if (target.origin?.some((piece) => "hole" in piece && !isLabel(captures.get(piece.hole))))
    return undefined;
  const path = fill(target.path, captures, (value, name) =>
    name === "splat" ? encodePath(value).slice(1) : encodeURIComponent(value.toWellFormed()),
  );
  const own = target.query && fill(target.query, captures, encodeValue);
  const taken = new Set(own?.split("&").map(keyOf));
  const passed = others.filter((pair) => !taken.has(keyOf(pair)));
  const query = [...(own ? [own] : []), ...passed].join("&");
  return {
    origin,
    path: origin === undefined ? collapse(path) : path,
    query,
    fragment: target.fragment,
  };
}

/** Of several slashes one is left: at its beginning two would name another host. */
function collapse(path: string): string {
  return `/${path}`.replace(/\/+/g, "/");
}

function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

function keyOf(pair: string): string {
  return pair.split("=", 1)[0] ?? "";
}

/** `:name` where a rule captures `name`; any other colon is a colon. */
function piecesOf(text: string, names: ReadonlySet<string>): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/:([A-Za-z_]\w*)/g)) {
    const name = match[1] ?? "";
    if (!names.has(name)) continue;
    pieces.push({ text: encodeText(text.slice(end, match.index)) }, { hole: name });
    end = match.index + match[0].length;
  }
  pieces.push({ text: encodeText(text.slice(end)) });
  return pieces;
}

function fill(
  pieces: readonly Piece[],
  captures: Captures,
  encode: (value: string, name: string) => string,
): string {
  return pieces
    .map((piece) =>
      "text" in piece ? piece.text : encode(captures.get(piece.hole) ?? "", piece.hole),
    )
    .join("");
}

/** Keeps what is percent-encoded already and encodes what may not stand in a header. */
function encodeText(text: string): string {
  return cleanQuery(text).replace(/%(?![0-9A-Fa-f]{2})/g, "%25");
}

/** With a name for each hole it must be an address, and without a user's name in it. */
function isOrigin(origin: string, names: ReadonlySet<string>): boolean {
  const filled = origin.replace(/:([A-Za-z_]\w*)/g, (all, name: string) =>
    names.has(name) ? "x" : all,
  );
  const url = URL.parse(filled);
  return url !== null && url.host !== "" && !/[@\\]/.test(filled);
}

/** International names as they are sent. */
function asciiOrigin(origin: string): string {
  return /^[\u0021-\u007e]*$/.test(origin) ? origin : (URL.parse(origin)?.origin ?? origin);
}

function isLabel(value: string | undefined): boolean {
  return value !== undefined && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(value);
}
