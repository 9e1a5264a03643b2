/**
 * `src/sites/rules` decides what an address means: redirects, clean addresses, headers, types. Pure, no I/O.
 * Serving, deploys and `land dev` call it. It must never run a pattern of a user as a RegExp.
 */
import { runWhole, type Sliced } from "#base/slices.ts";

import {
  type CleanPath,
  cleanQuery,
  decodePath,
  encodePath,
  findPage,
  nearestNotFound,
  servable,
} from "./clean-urls.ts";
import { type HeaderRules, sliceHeaders } from "./headers-parse.ts";
import { type RedirectIndex, sliceIndex } from "./redirects-index.ts";
import { sliceRedirects } from "./redirects-parse.ts";
import { findRedirect } from "./redirects.ts";

/** What `_redirects` and `_headers` of one deploy say, ready to be asked. Never changes. */
export type SiteRules = { readonly redirects: RedirectIndex; readonly headers: HeaderRules };

/** What a request asks for, as far as it decides what is answered. */
export type Question = {
  /** Path as sent, percent-encoded, beginning with "/". */
  path: string;
  /** Query without "?"; "" for none. */
  query: string;
  /** Host in lower case, without port. */
  host: string;
  scheme: "http" | "https";
  /** ISO 3166-1 alpha-2, in either case. Without it no rule with a country holds. */
  country?: string | undefined;
  /** Accept-Language, best first, without q-values. */
  languages?: readonly string[];
  /** Names of the cookies sent. */
  cookies?: ReadonlySet<string>;
};

/** What to answer. */
export type Resolution =
  /** A file of the manifest; `path` is its path there, without leading slash. */
  | {
      kind: "file";
      path: string;
      status: number;
      /** The path asked for, decoded, for `headersFor`. */
      route: string;
    }
  /** `location` is ready to be sent: ASCII, encoded, a path of this site or an address that its owner wrote. */
  | { kind: "redirect"; status: number; location: string }
  | {
      kind: "missing";
      /** The nearest 404.html as a path of the manifest, or undefined. */
      page: string | undefined;
      /** 404, or the error status of a rule that names a page which is not there. */
      status: number;
      /** The path asked for, decoded, for `headersFor`. */
      route: string;
    }
  /** A path that cannot be decoded or that no file could ever have. */
  | { kind: "malformed" };

/** The texts of `_redirects` and `_headers`. */
export type RuleTexts = { redirects?: string | undefined; headers?: string | undefined };

/** The rules of a deploy, a sentence for each line that is not obeyed, and what the rules take in memory, in bytes, about. */
export type ReadRules = { rules: SiteRules; warnings: string[]; weightBytes: number };

/** Reads the rules of a deploy in slices of some milliseconds. Never throws, whatever the texts hold. */
export function* sliceSiteRules(texts: RuleTexts): Sliced<ReadRules> {
  const redirects = yield* sliceRedirects(texts.redirects ?? "");
  const headers = yield* sliceHeaders(texts.headers ?? "");
  const index = yield* sliceIndex(redirects.rules);
  let weightBytes = headers.weight;
  for (const { weight } of redirects.rules) weightBytes += weight;
  return {
    rules: { redirects: index.index, headers: headers.rules },
    warnings: [...redirects.warnings, ...index.warnings, ...headers.warnings],
    weightBytes,
  };
}

/** What `sliceSiteRules` answers, at once: for short texts and where nobody else waits. */
export function readSiteRules(texts: RuleTexts): ReadRules {
  return runWhole(sliceSiteRules(texts));
}

/** Whether there is anything that rules say. */
export function hasRules({ redirects, headers }: SiteRules): boolean {
  return redirects.size > 0 || headers.exact.size > 0 || headers.wild.length > 0;
}

/**
 * Decides what answers a request: the first redirect that matches if it is forced or nothing lies at its path, else the file
 * by clean URLs, else 200.html, else the nearest 404.html. `has` is asked for paths of the manifest (NFC, without leading
 * slash) and for nothing else. Never throws.
 */
export function resolve(
  rules: SiteRules,
  has: (path: string) => boolean,
  question: Question,
): Resolution {
  const asked = decodePath(question.path);
  if (asked === undefined) return { kind: "malformed" };
  const holds = servable(has);
  const found = findPage(holds, asked.route);
  const rule = findRedirect(rules.redirects, question, asked, holds);
  if (rule !== undefined && (rule.force || found === undefined)) {
    if (rule.kind === "redirect")
      return { kind: "redirect", status: rule.status, location: rule.location };
    if (rule.path !== undefined)
      return { kind: "file", path: rule.path, status: rule.status, route: asked.route };
    return missing(holds, asked, rule.status >= 400 ? rule.status : 404);
  }
  if (found?.kind === "file" && !asked.collapsed)
    return { kind: "file", path: found.path, status: 200, route: asked.route };
  if (found !== undefined) {
    const route = found.kind === "file" ? asked.route : found.route;
    return { kind: "redirect", status: 307, location: encodePath(route) + queryOf(question) };
  }
  if (holds("200.html")) return { kind: "file", path: "200.html", status: 200, route: asked.route };
  return missing(holds, asked, 404);
}

function missing(holds: (path: string) => boolean, asked: CleanPath, status: number): Resolution {
  return { kind: "missing", page: nearestNotFound(holds, asked.route), status, route: asked.route };
}

function queryOf({ query }: Question): string {
  return query === "" ? "" : `?${cleanQuery(query)}`;
}
