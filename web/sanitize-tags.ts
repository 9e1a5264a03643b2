import { isSafeAddress } from "#html/attributes.ts";
import { escapeHtml } from "#html/html.ts";

/** How addresses of a text are made absolute; undefined where there is none that is safe. */
export type Links = {
  link: (href: string) => string | undefined;
  picture: (src: string) => string | undefined;
};

type Place = { links: Links; isInLink: boolean };
type Attributes = ReadonlyMap<string, string>;

/** Words of ours before every id of a stranger, so that none can stand for an id or a global of the page. */
export const ID_PREFIX = "user-content-";
const REL = 'rel="nofollow noopener noreferrer ugc"';

/** Plain attributes: the elements that may carry each and the values it may have. */
const PLAIN: Record<string, { on: RegExp; value: RegExp }> = {
  align: { on: /^(?:p|div|h[1-6]|t[dhr]|table)$/, value: /^(?:left|center|right)$/i },
  colspan: { on: /^t[dh]$/, value: /^\d{1,2}$/ },
  rowspan: { on: /^t[dh]$/, value: /^\d{1,2}$/ },
  start: { on: /^ol$/, value: /^\d{1,6}$/ },
  open: { on: /^details$/, value: /^(?:|open)$/i },
  dir: { on: /./, value: /^(?:ltr|rtl|auto)$/i },
  lang: { on: /./, value: /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i },
  class: { on: /^(?:code|li)$/, value: /^(?:language-[\w+#.-]{1,32}|task-list-item)$/ },
  title: { on: /./, value: /^[^]{1,500}$/ },
};

/** The start tag of an allowed element with those of its attributes that may stay; a picture comes out as a link to it. */
export function writeTag(name: string, attributes: Attributes, place: Place): string {
  if (name === "img") return writePicture(attributes, place);
  if (name === "input") return writeCheckbox(attributes);
  let out = `<${name}`;
  for (const [key, value] of attributes) {
    const rule = Object.hasOwn(PLAIN, key) ? PLAIN[key] : undefined;
    if (rule?.on.test(name) && rule.value.test(value)) out += ` ${key}="${escapeKeeping(value)}"`;
  }
  const id = attributes.get("id") ?? (name === "a" ? attributes.get("name") : undefined);
  if (id !== undefined && /^\S{1,200}$/.test(id)) out += ` id="${ID_PREFIX}${escapeKeeping(id)}"`;
  if (name === "a") out += writeHref(attributes.get("href"), place);
  return `${out}>`;
}

function writeHref(raw: string | undefined, { links }: Place): string {
  const href = raw === undefined ? undefined : links.link(decodeAddress(raw));
  if (href === undefined || !isSafeAddress(href)) return "";
  return ` href="${escapeHtml(href)}"${href.startsWith("#") ? "" : ` ${REL}`}`;
}

/** Pictures of strangers are not loaded: whoever hosts them would learn who reads the page. Their text stands in a link instead. */
function writePicture(attributes: Attributes, { links, isInLink }: Place): string {
  const src = decodeAddress(attributes.get("src") ?? "");
  const file = src.split(/[?#]/, 1)[0]?.split("/").at(-1) ?? "";
  const alt = attributes.get("alt")?.trim() ?? "";
  const text =
    alt === ""
      ? escapeHtml(isSafeAddress(src) && file !== "" ? file : "picture")
      : escapeKeeping(alt);
  const href = isInLink ? undefined : links.picture(src);
  if (href === undefined || !isSafeAddress(href)) return `<span class="picture">${text}</span>`;
  return `<a class="picture" href="${escapeHtml(href)}" ${REL}>${text}</a>`;
}

function writeCheckbox(attributes: Attributes): string {
  if (attributes.get("type")?.toLowerCase() !== "checkbox") return "";
  return `<input type="checkbox" disabled${attributes.has("checked") ? " checked" : ""}>`;
}

/** Source text as it is written: character references stay, everything that could begin markup is escaped. */
export function escapeKeeping(text: string): string {
  return text.replace(LOOSE, (char) => (char === "&" ? "&amp;" : escapeHtml(char)));
}
const LOOSE = /&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});)|[<>"'\r\0]/gi;

/** An address with its character references read, so that a hidden scheme shows. What stays unread is later escaped as text. */
function decodeAddress(text: string): string {
  return text
    .replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,12}));?/gi, (all, dec, hex, name) => {
      if (name !== undefined) return NAMED.get(String(name).toLowerCase()) ?? all;
      const code = dec === undefined ? Number.parseInt(String(hex), 16) : Number(dec);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
    })
    .trim();
}
const NAMED = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["colon", ":"],
  ["tab", "\t"],
  ["newline", "\n"],
  ["nbsp", "\u00a0"],
  ["sol", "/"],
  ["bsol", "\\"],
  ["num", "#"],
  ["quest", "?"],
  ["equals", "="],
  ["period", "."],
  ["comma", ","],
  ["lpar", "("],
  ["rpar", ")"],
  ["lowbar", "_"],
  ["commat", "@"],
]);
