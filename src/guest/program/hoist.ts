import { parse, tokenizer } from "acorn";

/** A script without its imports, and these. */
export type Hoisted = {
  /** The code with blanks in place of the imports: every line and column stays where it is. */
  body: string;
  /** The import statements, one after another. */
  imports: string;
};

type Span = { start: number; end: number };

/**
 * Takes the static imports out of a script, so that the rest can stand in a function.
 *
 * Throws SyntaxError where it is no JavaScript
 */
export function hoistImports(code: string, language: "js" | "ts"): Hoisted {
  const spans = language === "js" ? importsOf(code) : importsOfTypeScript(code);
  let body = "";
  let imports = "";
  let at = 0;
  for (const { start, end, isImport } of spans) {
    const statement = code.slice(start, end);
    body += code.slice(at, start) + statement.replace(/[^\r\n]/g, " ");
    if (isImport) imports += `${statement};\n`;
    at = end;
  }
  return { body: body + code.slice(at), imports };
}

type Found = Span & { isImport: boolean };

function importsOf(code: string): Found[] {
  const { body } = parse(code, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
    allowHashBang: true,
  });
  return body
    .filter(({ type }) => type === "ImportDeclaration" || type === "ExportNamedDeclaration")
    .map(({ type, start, end }) => ({ start, end, isImport: type === "ImportDeclaration" }));
}

/** By its tokens alone, since only the runtime reads TypeScript: `import`, not followed by `(` or `.`, outside all brackets. */
function importsOfTypeScript(code: string): Found[] {
  const found: Found[] = [];
  const tokens = tokenizer(code, { ecmaVersion: "latest", sourceType: "module" });
  let depth = 0;
  let start = -1;
  try {
    for (let token = tokens.getToken(); token.type.label !== "eof"; token = tokens.getToken()) {
      const { label } = token.type;
      if (start >= 0 && (label === "(" || label === ".")) start = -1;
      if (OPENING.has(label)) depth += 1;
      if (CLOSING.has(label)) depth -= 1;
      if (depth === 0 && label === "import") ({ start } = token);
      if (start < 0 || depth !== 0 || label !== "string") continue;
      found.push({ start, end: token.end, isImport: true });
      start = -1;
    }
  } catch {
    // Something that only TypeScript has: the imports before it were found, and those after it the runtime complains of.
  }
  return found;
}

const OPENING = new Set(["{", "(", "[", "${"]);
const CLOSING = new Set(["}", ")", "]"]);
