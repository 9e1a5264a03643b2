import deprecatedIds from "spdx-license-ids/deprecated.json" with { type: "json" };
import currentIds from "spdx-license-ids/index.json" with { type: "json" };

/** A license expression, as a tree. */
export type Expression =
  | { kind: "license"; id: string; plus: boolean; exception?: string }
  | { kind: "and" | "or"; left: Expression; right: Expression };

const KNOWN = new Map([...currentIds, ...deprecatedIds].map((id) => [id.toLowerCase(), id]));
/** An expression nested deeper, or longer, is no expression. */
const MAX_TOKENS = 1000;

/** The identifier as the SPDX list writes it; undefined for one that is not on it. */
function findLicenseId(id: string): string | undefined {
  return KNOWN.get(id.toLowerCase());
}

/** `LicenseRef-…`: what an expression may hold besides the list. */
function isLicenseRef(id: string): boolean {
  return /^LicenseRef-[A-Za-z0-9.-]+$/.test(id);
}

/**
 * Reads a license expression: `MIT`, `(MIT OR Apache-2.0) AND BSD-3-Clause`, `GPL-2.0-only WITH Classpath-exception-2.0`. AND binds
 * closer than OR. Undefined for a text that is none, or that names a license which is not on the SPDX list.
 *
 * @see https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
 */
export function parseExpression(text: string): Expression | undefined {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length === 0 || tokens.length > MAX_TOKENS) return undefined;
  const reader = { tokens, at: 0 };
  const expression = readOr(reader);
  return reader.at === tokens.length ? expression : undefined;
}

type Reader = { tokens: readonly string[]; at: number };

function takes(reader: Reader, word: string): boolean {
  const token = reader.tokens[reader.at];
  // The operators are written in capitals or all small.
  if (token !== word && token !== word.toLowerCase()) return false;
  reader.at += 1;
  return true;
}

function readOr(reader: Reader): Expression | undefined {
  let left = readAnd(reader);
  while (left && takes(reader, "OR")) {
    const right = readAnd(reader);
    left = right && { kind: "or", left, right };
  }
  return left;
}

function readAnd(reader: Reader): Expression | undefined {
  let left = readOne(reader);
  while (left && takes(reader, "AND")) {
    const right = readOne(reader);
    left = right && { kind: "and", left, right };
  }
  return left;
}

function readOne(reader: Reader): Expression | undefined {
  if (takes(reader, "(")) {
    const inner = readOr(reader);
    return inner && takes(reader, ")") ? inner : undefined;
  }
  const token = reader.tokens[reader.at];
  if (token === undefined) return undefined;
  reader.at += 1;
  const license = readLicense(token);
  if (!license || !takes(reader, "WITH")) return license;
  const exception = reader.tokens[reader.at];
  if (exception === undefined || !/^[A-Za-z0-9.-]+$/.test(exception)) return undefined;
  reader.at += 1;
  return { ...license, exception };
}

function readLicense(token: string): (Expression & { kind: "license" }) | undefined {
  if (isLicenseRef(token)) return { kind: "license", id: token, plus: false };
  // Some identifiers end with a plus of their own.
  const whole = findLicenseId(token);
  if (whole !== undefined) return { kind: "license", id: whole, plus: false };
  const id = token.endsWith("+") ? findLicenseId(token.slice(0, -1)) : undefined;
  return id === undefined ? undefined : { kind: "license", id, plus: true };
}

/** The expression as the specification writes it, with no more parentheses than it needs. */
export function renderExpression(expression: Expression): string {
  if (expression.kind === "license") {
    const { id, plus, exception } = expression;
    return `${id}${plus ? "+" : ""}${exception === undefined ? "" : ` WITH ${exception}`}`;
  }
  const { kind, left, right } = expression;
  const side = (one: Expression): string =>
    kind === "and" && one.kind === "or" ? `(${renderExpression(one)})` : renderExpression(one);
  return `${side(left)} ${kind.toUpperCase()} ${side(right)}`;
}

/** Whether the expression can be met with licenses of which each is accepted. */
export function isMet(
  expression: Expression,
  accepts: (license: Expression & { kind: "license" }) => boolean,
): boolean {
  if (expression.kind === "license") return accepts(expression);
  const { kind, left, right } = expression;
  return kind === "and"
    ? isMet(left, accepts) && isMet(right, accepts)
    : isMet(left, accepts) || isMet(right, accepts);
}

/** What a manifest says of its license, in the forms that npm takes or took; undefined where it says nothing. */
export function licenseOf(
  manifest: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const { license, licenses } = manifest ?? {};
  const said = [license, ...(Array.isArray(licenses) ? licenses : [licenses])].map(nameOf);
  const names = said.filter((name) => name !== undefined);
  const [first] = names;
  return names.length > 1 ? `(${names.join(" OR ")})` : first;
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value.trim();
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  return typeof value.type === "string" && value.type !== "" ? value.type : undefined;
}
