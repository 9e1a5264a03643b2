/**
 * `src/html` turns JSX into HTML text: every string is escaped, `raw()` alone opts out.
 * Pages (`web/`) and the programs of sites call it. It must never know a feature, touch the disk or trust a value by its shape.
 */

/** The key under which finished markup lies: a symbol of this module, so no JSON, form or query can carry it. */
const MARKUP: unique symbol = Symbol("land.html");

/** Finished, safe HTML. Only this runtime and `raw` make one. */
export type Html = { readonly [MARKUP]: string };

/** What may stand between tags. Booleans, null and undefined render nothing. */
export type Child = Html | string | number | bigint | boolean | null | undefined | readonly Child[];

/** Trusts `html` as it is: hand it nothing but markup that code of ours wrote or cleaned. */
export function raw(html: string): Html {
  return { [MARKUP]: html };
}

/** The text of finished HTML. */
export function toText(html: Html): string {
  return html[MARKUP];
}

/** Whether `value` is markup made by this runtime. Never true for data, whatever its keys. */
export function isHtml(value: unknown): value is Html {
  return typeof value === "object" && value !== null && MARKUP in value;
}

/** The markup of a child: strings escaped, arrays joined. @throws TypeError for objects, functions and symbols */
export function renderChild(child: Child): string {
  if (typeof child === "string") return escapeHtml(child);
  if (typeof child === "object" && child !== null) {
    if (MARKUP in child) return child[MARKUP];
    if (Array.isArray(child)) return renderAll(child);
  }
  if (child === null || child === undefined || typeof child === "boolean") return "";
  if (typeof child === "number" || typeof child === "bigint") return String(child);
  throw new TypeError(`Cannot render a child of type ${typeof child}: give text, a number or JSX`);
}

function renderAll(children: readonly Child[]): string {
  let out = "";
  for (const child of children) out += renderChild(child);
  return out;
}

/** `text` for a place between tags or inside a double-quoted attribute: a parser reads back the same text (NUL becomes U+FFFD). */
export function escapeHtml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  const escaped = Bun.escapeHTML(text);
  // Parsers turn a bare CR into LF and drop NUL, so both need a form that stays.
  return FRAGILE.test(escaped)
    ? escaped.replaceAll("\r", "&#13;").replaceAll("\0", "\uFFFD")
    : escaped;
}

/** What cannot stand as it is. One scan spares most texts the way into native code. */
const SPECIAL = /[&<>"'\r\0]/;
const FRAGILE = /[\r\0]/;
