import type { Sliced } from "#base/slices.ts";

/** Tokens looked at between two turns of others. */
const SLICE = 20_000;
/** After these words a slash begins a RegExp; after other names it divides. */
const BEFORE_VALUE = new Set(
  "return typeof case in of delete void throw new else do instanceof yield await".split(" "),
);
const NEXT =
  /\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|[\p{ID_Start}$_#][\p{ID_Continue}$]*|\d[\w.]*|\+\+|--|=>|[\s\S]/uy;
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;

/**
 * What a JavaScript or TypeScript source imports by a literal: `import`, `export … from`, `import()` and `require()`, each once.
 * Imports of types alone are none. It looks at words, not at grammar, in slices of some milliseconds and in linear time: what
 * it says of a source that does not parse means nothing. Nothing of the source runs.
 */
export function* sliceImports(source: string): Sliced<string[]> {
  const found = new Set<string>();
  const see = createWatcher((specifier) => found.add(specifier));
  let seen = 0;
  for (const token of tokens(source)) {
    see(token);
    seen += 1;
    if (seen % SLICE === 0) yield;
  }
  see(END);
  return [...found];
}

/** A word, a sign, or a literal: "s" is a text, "v" another value. */
type Token = { kind: "word" | "sign" | "s" | "v"; text: string };
const END: Token = { kind: "sign", text: "" };

/** Tokens without blanks and comments. */
function* tokens(source: string): Generator<Token> {
  /** Braces that are open, true where a template goes on after it. */
  const braces: boolean[] = [];
  let last: Token = END;
  /** Before this no RegExp ends: looked for once, so that a source of slashes takes no longer. */
  let searchedTo = 0;
  for (let at = 0; at < source.length;) {
    NEXT.lastIndex = at;
    let text = NEXT.exec(source)?.[0] ?? source.charAt(at);
    const first = text.charAt(0);
    if (/^(?:\s|\/\/|\/\*)/.test(text)) {
      at += text.length;
      continue;
    }
    let token: Token;
    if (first === "`" || (first === "}" && braces.at(-1) === true)) {
      if (first === "}") braces.pop();
      text = first + stickyText(TEMPLATE, source, at + 1);
      if (text.endsWith("${")) braces.push(true);
      token = { kind: "v", text: "" };
    } else {
      if (text === "/" && at >= searchedTo && isBeforeValue(last)) {
        const { end, isWhole } = findRegexpEnd(source, at + 1);
        if (isWhole) text = source.slice(at, end);
        else searchedTo = end;
      }
      if (text === "{") braces.push(false);
      if (text === "}") braces.pop();
      token = { kind: kindOf(first, text), text };
    }
    yield token;
    last = token;
    at += text.length;
  }
}

/** Where a RegExp ends whose first slash is passed, its flags apart; or the line, where it is none. */
function findRegexpEnd(source: string, start: number): { end: number; isWhole: boolean } {
  let inClass = false;
  for (let at = start; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "\n") return { end: at, isWhole: false };
    if (char === "\\") at += 1;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return { end: at + 1, isWhole: true };
  }
  return { end: source.length, isWhole: false };
}

function stickyText(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? "";
}

function kindOf(first: string, text: string): Token["kind"] {
  if (first === '"' || first === "'") return "s";
  if (/[\p{ID_Start}$_#]/u.test(first)) return "word";
  return /\d/.test(first) || (first === "/" && text.length > 1) ? "v" : "sign";
}

function isBeforeValue({ kind, text }: Token): boolean {
  if (kind === "word") return BEFORE_VALUE.has(text);
  return kind === "sign" && ![")", "]", "++", "--"].includes(text);
}

/** Takes tokens one by one and tells of imports as they become clear. */
function createWatcher(tell: (specifier: string) => void): (token: Token) => void {
  /** What a token may go on with: an import, what is called with a text, or nothing. */
  let state: "none" | "import" | "export" | "clause" | "from" | "call" | "argument" = "none";
  let [types, pending] = [false, ""];
  let last: Token = END;
  let before = "";

  function step(token: Token): typeof state {
    const { kind, text } = token;
    if (state === "argument" && (text === ")" || text === ",")) tell(pending);
    if (state === "call" && kind === "s") {
      pending = valueOf(text);
      return "argument";
    }
    if (state === "import") {
      if (kind === "s") tell(valueOf(text));
      if (text === "(") return "call";
      types = text === "type";
      return kind === "word" || text === "{" || text === "*" ? "clause" : "none";
    }
    if (state === "export" && (text === "{" || text === "*" || text === "type")) {
      types = text === "type";
      return "clause";
    }
    if (state === "from" && kind === "s") {
      if (!types) tell(valueOf(text));
      return "none";
    }
    // `import type from "x"`: a value named type.
    if ((state === "clause" || state === "from") && text === "from") {
      if (last.text === "type") types = false;
      return "from";
    }
    if (state === "clause" || state === "from") {
      if (kind === "word" || kind === "s" || /^[{},*]$/.test(text)) return "clause";
    }
    if (kind !== "word" || last.text === ".") return "none";
    if (text === "import" || text === "export") return text;
    return "none";
  }

  return (token) => {
    const isRequire = token.text === "(" && last.text === "require";
    state = isRequire && before !== "." ? "call" : step(token);
    before = last.text;
    last = token;
  };
}

function valueOf(literal: string): string {
  return literal.slice(1, -1);
}
