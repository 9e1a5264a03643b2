/**
 * `web` is what people see: pages as functions from props to HTML, their style, scripts and the text of strangers made safe.
 * The server mounts its pages. It must never hold a rule of the product: pages call the same verbs as the API.
 */
import { escapeKeeping, type Links, writeTag } from "./sanitize-tags.ts";

/** Elements that stay, by how they may nest. Everything else loses its tag, and its content too where `DROPPED` names it. */
const PHRASING = new Set(
  "a abbr b bdi bdo cite code del dfn em i ins kbd mark q s samp small span strike strong sub sup tt u var".split(
    " ",
  ),
);
const BLOCKS = new Set(
  "blockquote center dd details div dl dt h1 h2 h3 h4 h5 h6 li ol p pre summary table tbody td tfoot th thead tr ul".split(
    " ",
  ),
);
const VOID = new Set(["br", "hr", "img", "input", "wbr"]);
/** Elements whose content is code, foreign markup or a control: it goes with the tag. */
const DROPPED = new Set(
  "applet audio canvas embed frameset head iframe math noembed noframes noscript object plaintext script select style svg template textarea title video xmp".split(
    " ",
  ),
);
/** Where alone an element may stand; elsewhere a parser would move or close others, so its tag is left out. */
const PARENTS: Record<string, readonly string[]> = {
  tr: ["thead", "tbody", "tfoot", "table"],
  td: ["tr"],
  th: ["tr"],
  thead: ["table"],
  tbody: ["table"],
  tfoot: ["table"],
  li: ["ul", "ol"],
  dt: ["dl"],
  dd: ["dl"],
  summary: ["details"],
};
/** What a start tag closes first, as a parser would. */
const CLOSES: Record<string, readonly string[]> = {
  tr: ["td", "th", "tr"],
  td: ["td", "th"],
  th: ["td", "th"],
  thead: ["td", "th", "tr", "thead", "tbody", "tfoot"],
  tbody: ["td", "th", "tr", "thead", "tbody", "tfoot"],
  tfoot: ["td", "th", "tr", "thead", "tbody", "tfoot"],
  li: ["li"],
  dt: ["dt", "dd"],
  dd: ["dt", "dd"],
};
/** Inside these only their own parts may stand. */
const TABLE_FRAME = new Set(["table", "thead", "tbody", "tfoot", "tr"]);
const MAX_DEPTH = 64;

/**
 * Rewrites any HTML into the few harmless elements that a README needs.
 *
 * Safe by construction: what comes out is escaped text and tags written here from an allowlist, each closed in order and
 * nested as a parser nests them, so there is nothing for a browser to read differently. Linear in the length of `html`.
 */
export function sanitize(html: string, links: Links): string {
  const out: string[] = [];
  const open: string[] = [];
  /** Names whose end tag does not come any more, so that no text is searched twice. */
  const endless = new Set<string>();
  let at = 0;
  while (at < html.length) {
    const less = html.indexOf("<", at);
    if (less !== at) out.push(escapeKeeping(html.slice(at, less === -1 ? html.length : less)));
    if (less === -1) break;
    const tag = readTag(html, less);
    at = tag.end;
    if (tag.kind === "text") out.push("&lt;");
    else if (tag.kind === "end") closeTag(tag.name, open, out);
    else if (tag.kind === "start" && DROPPED.has(tag.name)) at = skipContent(html, tag, endless);
    else if (tag.kind === "start") openTag(tag.name, tag.attributes, open, out, links);
  }
  while (open.length > 0) out.push(`</${open.pop()}>`);
  return out.join("");
}

type Markup =
  | { kind: "text" | "comment"; end: number }
  | { kind: "end"; name: string; end: number }
  | { kind: "start"; name: string; attributes: Map<string, string>; end: number };

const TAG_NAME = /[a-z][^\s/>\0]*/iy;
const ATTRIBUTE =
  /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)?))?/y;
const MAX_ATTRIBUTES = 32;

/** Reads what begins with the `<` at `from`, roughly as a browser does; reading it otherwise costs looks, never safety. */
function readTag(html: string, from: number): Markup {
  const second = html[from + 1] ?? "";
  if (second === "!" || second === "?") return { kind: "comment", end: endOfComment(html, from) };
  const isEnd = second === "/";
  TAG_NAME.lastIndex = from + (isEnd ? 2 : 1);
  const name = TAG_NAME.exec(html)?.[0].toLowerCase();
  if (name === undefined) return { kind: "text", end: from + 1 };
  const attributes = new Map<string, string>();
  let at = TAG_NAME.lastIndex;
  for (let count = 0; count < MAX_ATTRIBUTES; count++) {
    ATTRIBUTE.lastIndex = at;
    const found = ATTRIBUTE.exec(html);
    if (!found) break;
    at = ATTRIBUTE.lastIndex;
    const key = found[1]?.toLowerCase() ?? "";
    if (!attributes.has(key)) attributes.set(key, found[2] ?? found[3] ?? found[4] ?? "");
  }
  const close = html.indexOf(">", at);
  const end = close === -1 ? html.length : close + 1;
  return isEnd ? { kind: "end", name, end } : { kind: "start", name, attributes, end };
}

function endOfComment(html: string, from: number): number {
  const isComment = html.startsWith("<!--", from);
  const mark = isComment ? "-->" : ">";
  const close = html.indexOf(mark, from + (isComment ? 2 : 1));
  return close === -1 ? html.length : close + mark.length;
}

/** The place after the content of a dropped element, or just after its tag where no end tag follows. */
function skipContent(
  html: string,
  tag: { name: string; end: number },
  endless: Set<string>,
): number {
  if (endless.has(tag.name)) return tag.end;
  const close = new RegExp(`</${tag.name}(?=[\\s/>])[^>]*>?`, "gi");
  close.lastIndex = tag.end;
  if (close.test(html)) return close.lastIndex;
  endless.add(tag.name);
  return tag.end;
}

function openTag(
  name: string,
  attributes: Map<string, string>,
  open: string[],
  out: string[],
  links: Links,
): void {
  const isVoid = VOID.has(name);
  if (!isVoid && !PHRASING.has(name) && !BLOCKS.has(name)) return;
  for (const ended of CLOSES[name] ?? []) closeNearest(ended, name, open, out);
  if (BLOCKS.has(name) || name === "hr") closeParagraph(open, out);
  if (!mayStand(name, open)) return;
  out.push(writeTag(name, attributes, { links, isInLink: open.includes("a") }));
  if (!isVoid) open.push(name);
}

/** Ends the paragraph or heading that a parser would end where a block begins. */
function closeParagraph(open: string[], out: string[]): void {
  if (/^h[1-6]$/.test(open.at(-1) ?? "")) closeDownTo(open.length - 1, open, out);
  const paragraph = open.lastIndexOf("p");
  if (paragraph > open.lastIndexOf("table")) closeDownTo(paragraph, open, out);
}

function mayStand(name: string, open: readonly string[]): boolean {
  const last = open.at(-1) ?? "";
  const parents = PARENTS[name];
  if (open.length >= MAX_DEPTH) return VOID.has(name);
  if (parents) return parents.includes(last);
  if (name === "a" && open.includes("a")) return false;
  return !TABLE_FRAME.has(last);
}

/** Closes `ended` where it is open and no list or table stands between. */
function closeNearest(ended: string, opened: string, open: string[], out: string[]): void {
  const stops = PARENTS[opened] ?? [];
  for (let index = open.length - 1; index >= 0; index--) {
    const name = open[index] ?? "";
    if (name === ended) return closeDownTo(index, open, out);
    if (stops.includes(name) && !(CLOSES[opened] ?? []).includes(name)) return;
    if (name === "table") return;
  }
}

function closeTag(name: string, open: string[], out: string[]): void {
  const index = open.lastIndexOf(name);
  if (index === -1) return;
  // A stray end tag in a cell must not end what stands around the table.
  if (name !== "table" && open.indexOf("table", index) > index) return;
  closeDownTo(index, open, out);
}

function closeDownTo(index: number, open: string[], out: string[]): void {
  while (open.length > index) out.push(`</${open.pop()}>`);
}
