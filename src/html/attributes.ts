import { escapeHtml } from "./html.ts";

/** ` class="` and how the value is written. */
type Rule = { open: string; kind: "text" | "url" | "class" | "aria" };

/** Attributes that hold an address which a browser may open or run. */
const ADDRESSES = new Set(
  "href src action formaction xlink:href poster data cite background manifest ping".split(" "),
);
/** Code or markup inside an attribute: nothing that this runtime could escape rightly. */
const REFUSED = /^(?:on|style$|srcdoc$)/i;
const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const ALLOWED_SCHEME = /^(?:https?|mailto):/i;
/** What browsers drop or readers cannot see inside an address. */
const INVISIBLE = /[\u0000-\u0020\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\ufeff]/g;
const MAX_KNOWN = 500;
const known = new Map<string, Rule>();

/**
 * One attribute with its leading space, or nothing where the value is absent or an address is not safe.
 *
 * @throws TypeError for a name that is none, for `style`, `srcdoc` and `on…`, and for a value that is an object
 */
export function renderAttribute(name: string, value: unknown): string {
  if (value === undefined || value === null) return "";
  const rule = known.get(name) ?? learn(name);
  if (typeof value === "string") return renderText(rule, value);
  if (typeof value === "boolean" && rule.kind !== "aria") return value ? ` ${name}` : "";
  if (rule.kind === "class" && Array.isArray(value)) return renderText(rule, joinClasses(value));
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return renderText(rule, String(value));
  throw new TypeError(`Cannot render attribute "${name}" from a value of type ${typeof value}`);
}

function renderText(rule: Rule, text: string): string {
  if (rule.kind === "url" && !isSafeAddress(text)) return "";
  if (rule.kind === "class" && text === "") return "";
  return `${rule.open}${escapeHtml(text)}"`;
}

/** Whether a browser that follows `address` stays with http, https, mailto or a relative path. Sees through spaces and control characters. */
export function isSafeAddress(address: string): boolean {
  // Nothing that begins so can have a scheme, however it goes on.
  if (address.startsWith("/") || address.startsWith("#")) return true;
  const bare = address.replace(INVISIBLE, "");
  return !SCHEME.test(bare) || ALLOWED_SCHEME.test(bare);
}

function learn(name: string): Rule {
  if (!NAME.test(name))
    throw new TypeError(`Cannot render attribute ${JSON.stringify(name)}: that is no name`);
  if (REFUSED.test(name))
    throw new TypeError(
      `Cannot render attribute "${name}": use a class, or a listener in a script`,
    );
  const rule: Rule = { open: ` ${name}="`, kind: kindOf(name.toLowerCase()) };
  if (known.size < MAX_KNOWN) known.set(name, rule);
  return rule;
}

function kindOf(name: string): Rule["kind"] {
  if (name === "class") return "class";
  if (name.startsWith("aria-")) return "aria";
  return ADDRESSES.has(name) ? "url" : "text";
}

function joinClasses(parts: readonly unknown[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(" ");
}
