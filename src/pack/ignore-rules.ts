/** One line of an ignore file, or one `files` pattern. */
export type IgnoreRule = {
  /** As written, for the reason shown. */
  text: string;
  /** `!`: takes back what an earlier rule said. */
  negated: boolean;
  /** Whether the rule speaks of this path. `path` is relative to the project. */
  matches: (path: string, isFolder: boolean) => boolean;
  /** Whether all that lies in this folder falls under the rule, also where the rule names only its contents (`dist/*`). */
  covers: (folder: string) => boolean;
};

/**
 * Reads an ignore file. `folder` is where it lies, relative to the project; "" for the project itself.
 *
 * The last rule that matches a path decides, and nothing below an ignored folder comes back: both are the caller's.
 *
 * As git reads it, but `?` and sets stand for one character where git counts bytes.
 *
 * @see https://git-scm.com/docs/gitignore
 */
export function parseIgnoreFile(text: string, folder: string): IgnoreRule[] {
  return text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .map((line) => parseRule(line.replace(/\r$/, ""), folder))
    .filter((rule) => rule !== undefined);
}

/** Reads one `files` pattern: as in an ignore file, but always from the project's own folder. `src/**` means `src`. */
export function parseFilesPattern(text: string): IgnoreRule | undefined {
  const sign = text.startsWith("!") ? "!" : "";
  const pattern = text.slice(sign.length).replace(/(?:\/\*+)+$/, "");
  const rule = parseRule(`${sign}/${pattern}`, "");
  return rule && { ...rule, text };
}

function parseRule(line: string, folder: string): IgnoreRule | undefined {
  const text = trimSpaces(line);
  if (text === "" || text.startsWith("#")) return undefined;
  const negated = text.startsWith("!");
  const body = negated ? text.slice(1) : text;
  const onlyFolders = body.endsWith("/");
  const pattern = onlyFolders ? body.slice(0, -1) : body;
  if (pattern === "") return undefined;
  const anchored = pattern.includes("/");
  const own = compileGlob(pattern.replace(/^\//, ""));
  const contents = compileGlob(pattern.replace(/^\//, "").replace(/(?:\/\*+)+$/, ""));
  const prefix = folder === "" ? "" : `${folder}/`;
  const test = (regex: RegExp | undefined, path: string): boolean =>
    path.startsWith(prefix) &&
    regex !== undefined &&
    regex.test(anchored ? path.slice(prefix.length) : path.slice(path.lastIndexOf("/") + 1));
  const withParents = (regex: RegExp | undefined, path: string): boolean => {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1))
      if (test(regex, path.slice(0, at))) return true;
    return false;
  };
  return {
    text,
    negated,
    matches: (path, isFolder) => (isFolder || !onlyFolders) && test(own, path),
    covers: (path) => withParents(contents, path),
  };
}

/** Trailing spaces go, but for one kept by a backslash. */
function trimSpaces(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === " ") continue;
    end = at + 1;
  }
  return line.slice(0, end);
}

/** A pattern as git's wildmatch reads it; undefined where it can match nothing, such as an open `[`. */
function compileGlob(glob: string): RegExp | undefined {
  let source = "";
  for (let at = 0; at < glob.length;) {
    const token = /^(?:\*+|\?|\[|\\[\s\S]?|[^*?[\\]+)/.exec(glob.slice(at))?.[0] ?? "";
    const after = at + token.length;
    if (token === "[") {
      const set = compileSet(glob, at);
      if (set === undefined) return undefined;
      source += set.source;
      at = set.end;
      continue;
    }
    if (token === "\\") return undefined;
    if (token === "?") source += "[^/]";
    else if (token.startsWith("\\")) source += escape(token.slice(1));
    else if (!token.startsWith("*")) source += escape(token);
    else if (!isDoubleStar(glob, at, after)) source += "[^/]*";
    else if (glob[after] === "/") {
      source += "(?:.*/)?";
      at = after + 1;
      continue;
    } else source += ".*";
    at = after;
  }
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    return undefined;
  }
}

/** Two stars or more mean folders only where they fill a whole segment. */
function isDoubleStar(glob: string, from: number, to: number): boolean {
  const startsSegment = from === 0 || glob[from - 1] === "/";
  const endsSegment = to === glob.length || glob[to] === "/" || glob.startsWith("\\/", to);
  return to - from > 1 && startsSegment && endsSegment;
}

const CLASSES: Record<string, string> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

/** A set `[…]` that begins at `start`; undefined where it does not end or names an unknown class. */
function compileSet(glob: string, start: number): { source: string; end: number } | undefined {
  let at = start + 1;
  const negated = glob[at] === "!" || glob[at] === "^";
  if (negated) at++;
  let inner = "";
  for (let first = true; first || glob[at] !== "]"; first = false) {
    if (at >= glob.length) return undefined;
    const named = glob.startsWith("[:", at) ? /^\[:([a-z]*):\]/.exec(glob.slice(at)) : null;
    if (named) {
      const set = CLASSES[named[1] ?? ""];
      if (set === undefined) return undefined;
      inner += set;
      at += named[0].length;
      continue;
    }
    const low = readChar(glob, at);
    if (low === undefined) return undefined;
    at = low.end;
    const isRange = glob[at] === "-" && at + 1 < glob.length && glob[at + 1] !== "]";
    const high = isRange ? readChar(glob, at + 1) : low;
    if (high === undefined) return undefined;
    at = high.end;
    // Of a range that runs backwards only its first character is held, as git has it.
    const last = low.char <= high.char ? high.char : low.char;
    inner += `${escapeInSet(low.char)}-${escapeInSet(last)}`;
  }
  const set =
    inner === "" ? (negated ? "[\\s\\S]" : "[^\\s\\S]") : `[${negated ? "^" : ""}${inner}]`;
  return { source: `(?!/)${set}`, end: at + 1 };
}

function readChar(glob: string, at: number): { char: string; end: number } | undefined {
  const from = glob[at] === "\\" ? at + 1 : at;
  const code = glob.codePointAt(from);
  if (code === undefined) return undefined;
  const char = String.fromCodePoint(code);
  return { char, end: from + char.length };
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function escapeInSet(char: string): string {
  return char.replace(/[\\\]^[/-]/, "\\$&");
}
