import { renderAttribute } from "./attributes.ts";
import { type Child, type Html, isHtml, raw, renderChild, toText } from "./html.ts";

export type { JSX } from "./elements.ts";

type Props = Readonly<Record<string, unknown>> & { readonly children?: Child };
/** A component: a plain function of its props. */
type Component = (props: Props) => Child;

/** How an element begins, ends and treats what is inside. */
type Tag = {
  open: string;
  opened: string;
  close: string;
  kind: "normal" | "void" | "code" | "verbatim";
};

const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
const NAME = /^[A-Za-z][A-Za-z0-9-]*$/;
const MAX_KNOWN = 300;
const known = new Map<string, Tag>();

/**
 * Renders one element or component at once; the JSX transform calls it.
 *
 * @throws TypeError for names that are none, refused attributes, and children that are objects
 */
export function jsx(type: string | Component, props: Props): Html {
  if (typeof type === "string") return raw(renderElement(type, props));
  const child = type(props);
  return isHtml(child) ? child : raw(renderChild(child));
}

export { jsx as jsxs, jsx as jsxDEV };

/** Renders its children and nothing around them: `<>…</>`. */
export function Fragment(props: { readonly children?: Child }): Child {
  return props.children;
}

function renderElement(name: string, props: Props): string {
  const tag = known.get(name) ?? learn(name);
  let out = tag.open;
  for (const key in props) {
    if (key === "children" || key === "key" || !Object.hasOwn(props, key)) continue;
    out += renderAttribute(key, props[key]);
  }
  if (tag.kind === "normal") {
    const { children } = props;
    const inside = children === undefined ? "" : renderChild(children);
    return out === tag.open ? `${tag.opened}${inside}${tag.close}` : `${out}>${inside}${tag.close}`;
  }
  if (tag.kind === "void") return `${out}>`;
  if (tag.kind === "code") return `${out}>${renderCode(name, props)}${tag.close}`;
  const inside = renderChild(props.children);
  // A parser drops the first newline of these elements.
  return `${out}>${inside.startsWith("\n") ? "\n" : ""}${inside}${tag.close}`;
}

function learn(name: string): Tag {
  if (!NAME.test(name))
    throw new TypeError(`Cannot render element ${JSON.stringify(name)}: that is no name`);
  const tag: Tag = {
    open: `<${name}`,
    opened: `<${name}>`,
    close: `</${name}>`,
    kind: kindOf(name.toLowerCase()),
  };
  if (known.size < MAX_KNOWN) known.set(name, tag);
  return tag;
}

function kindOf(name: string): Tag["kind"] {
  if (VOID.has(name)) return "void";
  if (name === "script" || name === "style") return "code";
  return name === "pre" || name === "textarea" || name === "listing" ? "verbatim" : "normal";
}

/** What stands inside `<script>` and `<style>`, where entities mean nothing: raw code without an end tag, or JSON text. */
function renderCode(name: string, props: Props): string {
  const { children, type } = props;
  if (children === undefined || children === null) return "";
  if (isHtml(children)) {
    const code = toText(children);
    if (/<\/(?:script|style)|<!--/i.test(code))
      throw new TypeError(
        `Cannot render <${name}>: its code holds an end tag or a comment opening`,
      );
    return code;
  }
  const isJson =
    name === "script" && typeof type === "string" && /^application\/(?:[\w.-]+\+)?json$/.test(type);
  if (isJson && typeof children === "string")
    return children.replace(/[<>&\u2028\u2029]/g, toUnicodeEscape);
  throw new TypeError(
    `Cannot render text inside <${name}>: pass raw() code, or JSON with a JSON type`,
  );
}

function toUnicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
