/** Texts and comments whole, so that what is in them is not read. */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[A-Za-z_]\w*|\s+|[\s\S]/g;

/** Splits SQL into its statements. A trigger's body belongs to it. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let text = "";
  let words: string[] = [];
  const finish = (): void => {
    if (words.length > 0) statements.push(text.trim());
    text = "";
    words = [];
  };
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === ";" && !isOpenTrigger(words)) {
      finish();
      continue;
    }
    text += token;
    if (!/^(?:\s|--|\/\*)/.test(token)) words.push(token.toUpperCase());
  }
  finish();
  return statements;
}

/** Whether the statement is made with `batch()` here: one connection serves all requests. */
export function isTransactionControl(sql: string): boolean {
  return /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i.test(
    sql,
  );
}

/** Whether a trigger was begun whose `END` did not come: a semicolon ends a statement of its body only. */
function isOpenTrigger(words: readonly string[]): boolean {
  if (words[0] !== "CREATE") return false;
  const kind = words.slice(1, 4).includes("TRIGGER");
  return kind && words.includes("BEGIN") && words.at(-1) !== "END";
}
