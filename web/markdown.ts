import { isSafeAddress } from "#html/attributes.ts";
import { escapeHtml, type Html, raw } from "#html/html.ts";

import { ID_PREFIX, type Links } from "./sanitize-tags.ts";
import { sanitize } from "./sanitize.ts";

/** Longer READMEs are cut here. */
const MAX_CHARACTERS = 512 * 1024;
/** Rendered text past this is not worth its time: it is shown as it was written. */
const MAX_HTML = 4 * 1024 * 1024;
/** Cells that the tables of one README may have. A row of one character gets as many as its table has columns. */
const MAX_CELLS = 200_000;

/** A README and whether it was too long to show whole. */
export type Readme = { html: Html; isCut: boolean };

/** A README of any kind: Markdown by its file name, anything else as the text that it is. */
export function renderReadmeFile(file: { path: string; text: string }, base?: string): Readme {
  if (/^readme(?:\.(?:md|markdown|mkd))?$/i.test(file.path)) return renderReadme(file.text, base);
  return {
    html: asWritten(file.text.slice(0, MAX_CHARACTERS)),
    isCut: file.text.length > MAX_CHARACTERS,
  };
}

function asWritten(text: string): Html {
  return raw(`<pre>\n${escapeHtml(text)}</pre>`);
}

/**
 * Renders a stranger's Markdown: GitHub's tables, task lists and strikethrough, with raw HTML reduced to harmless elements.
 * `base` is the absolute address to which relative links belong, see `repositoryBase`; without it they become plain text.
 * Links carry `nofollow ugc`; pictures become links, since the page loads nothing from elsewhere.
 */
export function renderReadme(text: string, base?: string): Readme {
  const isCut = text.length > MAX_CHARACTERS;
  const shown = isCut ? text.slice(0, MAX_CHARACTERS) : text;
  const tables = countCells(shown) <= MAX_CELLS;
  const html = Bun.markdown.html(shown, { headings: { ids: true }, autolinks: true, tables });
  if (html.length > MAX_HTML) return { html: asWritten(shown), isCut };
  return { html: raw(sanitize(html, linksFrom(base))), isCut };
}

/** The most cells that tables in this Markdown can have: every line a row of its widest table. */
function countCells(text: string): number {
  let lines = 0;
  let columns = 0;
  for (const line of text.split(/\r\n?|\n/)) {
    lines += 1;
    // Only the line below a table's head has a hyphen in each cell and nothing else.
    if (/^[\s>*+|:\d.)-]*$/.test(line)) columns = Math.max(columns, line.split("|").length);
  }
  return lines * columns;
}

/** The address of the files of a repository on a known host, for relative links; undefined for others. */
export function repositoryBase(repository: string | null): string | undefined {
  const found =
    /^(?:git\+)?https:\/\/(github\.com|gitlab\.com)\/([\w.-]+(?:\/[\w.-]+)+?)(?:\.git)?\/?$/.exec(
      repository ?? "",
    );
  if (!found) return undefined;
  const [, host, path] = found;
  return `https://${host}/${path}/${host === "gitlab.com" ? "-/" : ""}blob/HEAD/`;
}

/** The repository or homepage of a package as a link, or undefined where it is no http address. */
export function webAddress(text: string | null): string | undefined {
  const bare = text?.replace(/^git\+/, "").trim() ?? "";
  return /^https?:\/\//i.test(bare) && URL.canParse(bare) ? new URL(bare).href : undefined;
}

function linksFrom(base: string | undefined): Links {
  const absolute = (address: string): string | undefined => {
    if (address === "" || !isSafeAddress(address)) return undefined;
    // Without a base only addresses with a scheme or a host resolve.
    const from = base ?? (address.startsWith("//") ? "https://invalid/" : undefined);
    if (!URL.canParse(address, from)) return undefined;
    const url = new URL(address, from);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  };
  return {
    link: (href) => (href.startsWith("#") ? `#${ID_PREFIX}${href.slice(1)}` : absolute(href)),
    picture: (src) => {
      const url = absolute(src);
      return url?.startsWith("http") ? url : undefined;
    },
  };
}
