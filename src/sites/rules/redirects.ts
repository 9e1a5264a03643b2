import { type CleanPath, cleanQuery, decodePath, findPage } from "./clean-urls.ts";
import { type RedirectIndex, rulesFor } from "./redirects-index.ts";
import type { RedirectRule } from "./redirects-parse.ts";
import { fillTarget, type Place } from "./redirects-target.ts";

/** What the rules need to know of a request besides its path. */
type Asker = {
  query: string;
  host: string;
  scheme: "http" | "https";
  country?: string | undefined;
  languages?: readonly string[];
  cookies?: ReadonlySet<string>;
};

/** What a rule answers: another address, or another file of this site (`path` undefined: it is not there). */
export type Led =
  | { kind: "redirect"; status: number; force: boolean; location: string }
  | { kind: "rewrite"; status: number; force: boolean; path: string | undefined };

type Has = (path: string) => boolean;
type Param = { key: string; value: string; raw: string };

/** Bounds on what one request may make us try, whatever the rules and the query hold. */
const MAX_PARAMS = 100;
const MAX_TRIES = 1000;

/**
 * What the first rule that matches answers, from the top. A rule that leads back to where the request came from is passed
 * over.
 */
export function findRedirect(
  index: RedirectIndex,
  asker: Asker,
  asked: CleanPath,
  has: Has,
): Led | undefined {
  if (index.size === 0) return undefined;
  const params = paramsOf(asker.query);
  const pairs = params.map(({ key, value }) => `${key}=${value}`);
  let best: { line: number; led: Led } | undefined;
  let tries = 0;
  for (const rules of rulesFor(index, `${asker.scheme}://${asker.host}`, asked, pairs)) {
    for (const rule of rules) {
      if (best !== undefined && rule.line >= best.line) break;
      if (!holds(rule, asker, params)) continue;
      tries += 1;
      if (tries > MAX_TRIES) return best?.led;
      const led = follow(rule, asker, asked, params, has);
      if (led !== undefined) best = { line: rule.line, led };
    }
  }
  return best?.led;
}

function holds(rule: RedirectRule, asker: Asker, params: readonly Param[]): boolean {
  const { countries, languages, cookies, query } = rule;
  if (countries && !(asker.country && countries.has(asker.country.toUpperCase()))) return false;
  if (languages && !speaks(languages, asker.languages?.[0])) return false;
  if (cookies && !cookies.some((name) => asker.cookies?.has(name))) return false;
  return query.every(({ key, value }) =>
    params.some((param) => param.key === key && (value === undefined || param.value === value)),
  );
}

/** Only the first language counts, as with Netlify; "en" also holds for "en-GB". */
function speaks(languages: ReadonlySet<string>, first: string | undefined): boolean {
  const language = first?.toLowerCase() ?? "";
  return languages.has(language) || languages.has(language.split("-", 1)[0] ?? "");
}

function follow(
  rule: RedirectRule,
  asker: Asker,
  asked: CleanPath,
  params: readonly Param[],
  has: Has,
): Led | undefined {
  const { status, force, query, target } = rule;
  const needed = new Set(query.map(({ key }) => key));
  const others = params.filter(({ key }) => !needed.has(key)).map(({ raw }) => raw);
  others.push(...restOf(asker.query));
  const place = fillTarget(target, capturesOf(rule, asked, params), others);
  if (place === undefined) return undefined;
  if (status < 300 || status >= 400)
    return { kind: "rewrite", status, force, path: fileAt(has, place.path) };
  if (leadsBack(place, asker, asked, has)) return undefined;
  const search = place.query === "" ? "" : `?${place.query}`;
  const location = `${place.origin ?? ""}${place.path}${search}${place.fragment}`;
  return { kind: "redirect", status, force, location };
}

function capturesOf(
  { from, query }: RedirectRule,
  asked: CleanPath,
  params: readonly Param[],
): Map<string, string> {
  const captures = new Map<string, string>();
  for (const { key, capture } of query) {
    const param = params.find((one) => one.key === key);
    if (capture !== undefined && param !== undefined) captures.set(capture, param.value);
  }
  for (const [at, name] of from.names) captures.set(name, asked.segments[at] ?? "");
  if (from.splat) {
    const rest = asked.segments.slice(from.depth).join("/");
    captures.set("splat", rest !== "" && asked.route.endsWith("/") ? `${rest}/` : rest);
  }
  return captures;
}

/** The file that visitors get at an encoded path, after clean URLs. */
function fileAt(has: Has, path: string): string | undefined {
  const clean = decodePath(path);
  const found = clean && findPage(has, clean.route);
  const end = found?.kind === "redirect" ? findPage(has, found.route) : found;
  const last = end?.kind === "redirect" ? findPage(has, end.route) : end;
  return last?.kind === "file" ? last.path : undefined;
}

/** Whether the browser would come back to what it asked for, at once or after a clean URL; a slash at the end aside. */
function leadsBack(place: Place, asker: Asker, asked: CleanPath, has: Has): boolean {
  if (place.origin !== undefined && place.origin !== `${asker.scheme}://${asker.host}`)
    return false;
  const clean = decodePath(place.path);
  if (clean === undefined || place.query !== cleanQuery(asker.query)) return false;
  if (isSame(clean.route, asked.route)) return true;
  const found = findPage(has, clean.route);
  return found?.kind === "redirect" && isSame(found.route, asked.route);
}

function isSame(a: string, b: string): boolean {
  return a.replace(/\/$/, "") === b.replace(/\/$/, "");
}

/** The first 100 parameters of a query; the rest is passed on, but no rule sees it. */
function paramsOf(query: string): Param[] {
  if (query === "") return [];
  return query
    .split("&", MAX_PARAMS)
    .filter((raw) => raw !== "")
    .map((raw) => {
      const at = raw.indexOf("=");
      const [key, value] = at === -1 ? [raw, ""] : [raw.slice(0, at), raw.slice(at + 1)];
      return { key: decodeParam(key), value: decodeParam(value), raw: cleanQuery(raw) };
    });
}

function restOf(query: string): string[] {
  return query.split("&").slice(MAX_PARAMS).map(cleanQuery);
}

function decodeParam(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
