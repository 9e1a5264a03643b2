/**
 * What a path line of `_headers` matches, as a sequence of texts, segments (`:name`) and anything (`*`). It is matched without
 * RegExp, in one pass over the path, so that no pattern can make an answer slow.
 */
export type HeaderPattern = {
  /** What the path begins with. */
  first: Chunk;
  /** What stands between two wildcards, in this order. Each is one text. */
  middle: readonly Needle[];
  /** What the path ends with; undefined where there is no wildcard and `first` is all of it. */
  last: Chunk | undefined;
};

/** Texts in lower case and, where undefined, one or more characters of one segment. */
type Chunk = readonly (string | undefined)[];
/** A text with the table that finds it in one pass (Knuth, Morris and Pratt). */
type Needle = { text: string; fallback: readonly number[] };

/** A count of characters looked at, for the proof that matching is linear. */
export type Steps = { count: number };

/**
 * Reads a path line. As with Netlify case does not matter, a slash at the end does not matter, empty segments are dropped, a
 * segment that begins with ":" is any one segment, "*" is anything, also within a segment, and a segment "*" swallows the
 * slash before it. A sentence where a placeholder stands between two wildcards: that is not supported.
 */
export function compileHeaderPattern(path: string): HeaderPattern | string {
  const chunks = chunksOf(path);
  const middle: Needle[] = [];
  for (const chunk of chunks.slice(1, -1)) {
    const [text] = chunk;
    if (chunk.includes(undefined)) return 'a placeholder between two "*" is not supported';
    if (text !== undefined && text !== "") middle.push(needleOf(text));
  }
  const [first = []] = chunks;
  return { first, middle, last: chunks.length > 1 ? chunks.at(-1) : undefined };
}

/** The only path that a pattern without wildcards and placeholders matches, without slash at its end; else undefined. */
export function exactPath({ first, last }: HeaderPattern): string | undefined {
  return last === undefined && !first.includes(undefined) ? (first[0] ?? "") : undefined;
}

/** Whether a path matches. `path` is in lower case. */
export function matchesHeaders(
  { first, middle, last }: HeaderPattern,
  path: string,
  steps?: Steps,
): boolean {
  const start = forward(first, path, steps);
  if (start === undefined) return false;
  if (last === undefined)
    return start === path.length || (start === path.length - 1 && path[start] === "/");
  let at = start;
  for (const needle of middle) {
    const end = find(needle, path, at, steps);
    if (end === undefined) return false;
    at = end;
  }
  if (reaches(backward(last, path, path.length, steps), at)) return true;
  return path.endsWith("/") && reaches(backward(last, path, path.length - 1, steps), at);
}

function reaches(begin: number | undefined, at: number): boolean {
  return begin !== undefined && begin >= at;
}

/** Splits at the wildcards; texts that touch are one. */
function chunksOf(path: string): Chunk[] {
  const chunks: (string | undefined)[][] = [[]];
  const add = (piece: string | undefined) => {
    const chunk = chunks.at(-1) ?? [];
    const before = chunk.at(-1);
    if (piece !== undefined && before !== undefined) chunk[chunk.length - 1] = before + piece;
    else if (piece !== "") chunk.push(piece);
  };
  const segments = path
    .toLowerCase()
    .split("/")
    .map((segment) => segment.trimEnd())
    .filter((segment) => segment !== "");
  if (segments.length === 0) add("/");
  for (const segment of segments) {
    if (segment === "*") {
      chunks.push([]);
      continue;
    }
    add("/");
    if (segment.startsWith(":")) add(undefined);
    else
      for (const [index, text] of segment.split("*").entries()) {
        if (index > 0) chunks.push([]);
        add(text);
      }
  }
  return chunks;
}

/** Where `chunk` ends that begins at the beginning of `path`. */
function forward(chunk: Chunk, path: string, steps?: Steps): number | undefined {
  let at = 0;
  for (const piece of chunk) {
    const end = piece === undefined ? segmentEnd(path, at) : at + piece.length;
    if (steps) steps.count += end - at;
    if (piece === undefined ? end === at : !path.startsWith(piece, at)) return undefined;
    at = end;
  }
  return at;
}

/** Where `chunk` begins that ends at `end`. */
function backward(chunk: Chunk, path: string, end: number, steps?: Steps): number | undefined {
  let at = end;
  for (const piece of chunk.toReversed()) {
    if (at === 0 && piece === undefined) return undefined;
    const begin = piece === undefined ? path.lastIndexOf("/", at - 1) + 1 : at - piece.length;
    if (steps) steps.count += at - begin;
    if (begin < 0) return undefined;
    if (piece === undefined ? begin === at : !path.startsWith(piece, begin)) return undefined;
    at = begin;
  }
  return at;
}

function segmentEnd(path: string, at: number): number {
  const slash = path.indexOf("/", at);
  return slash === -1 ? path.length : slash;
}

function needleOf(text: string): Needle {
  const fallback = [0];
  let length = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (length > 0 && text[at] !== text[length]) length = fallback[length - 1] ?? 0;
    if (text[at] === text[length]) length += 1;
    fallback.push(length);
  }
  return { text, fallback };
}

/** Where the first `text` at or after `from` ends. */
function find(
  { text, fallback }: Needle,
  path: string,
  from: number,
  steps?: Steps,
): number | undefined {
  let length = 0;
  for (let at = from; at < path.length; at += 1) {
    while (length > 0 && path[at] !== text[length]) {
      if (steps) steps.count += 1;
      length = fallback[length - 1] ?? 0;
    }
    if (steps) steps.count += 1;
    if (path[at] === text[length]) length += 1;
    if (length === text.length) return at + 1;
  }
  return undefined;
}
