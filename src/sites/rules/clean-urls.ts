import { OWN_FOLDER } from "../addresses.ts";

/** A path as asked for, checked and decoded. */
export type CleanPath = {
  /** Decoded, NFC, beginning with "/", without empty segments; a slash at its end is kept. */
  route: string;
  /** The segments of `route`, none empty. */
  segments: readonly string[];
  /** Whether empty segments were taken out, so that `route` is not what was asked for. */
  collapsed: boolean;
};

/** What lies at a path: a file of the manifest, or the canonical path of one. */
export type Found = { kind: "file"; path: string } | { kind: "redirect"; route: string };

type Has = (path: string) => boolean;

/** No manifest path is longer than 512 bytes, which are at most 1,536 characters encoded. */
const MAX_PATH = 4096;
/** Segments that stand for themselves, as nearly all do. */
const PLAIN = /^[\w-][\w.-]*$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** Files of a deploy that steer it and are nobody's to read. */
const PRIVATE = new Set(["_redirects", "_headers", "land.json"]);

/**
 * Decodes the path of a request once. Undefined where no file could ever have it: bad percent-encoding or UTF-8, a control
 * character, a backslash, an encoded slash, a `.` or `..` segment, more than 4,096 characters. What was encoded twice stays encoded once.
 */
export function decodePath(path: string): CleanPath | undefined {
  if (!path.startsWith("/") || path.length > MAX_PATH) return undefined;
  const parts: string[] = [];
  for (const raw of path.slice(1).split("/")) {
    const part = decodeSegment(raw);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const segments = parts.filter((part) => part !== "");
  const slash = segments.length > 0 && parts.at(-1) === "" ? "/" : "";
  return {
    route: `/${segments.join("/")}${slash}`,
    segments,
    collapsed: parts.length !== Math.max(segments.length + (slash ? 1 : 0), 1),
  };
}

/** One segment, decoded and in NFC, or undefined where no file could have it. */
export function decodeSegment(raw: string): string | undefined {
  if (PLAIN.test(raw)) return raw;
  let text = raw;
  if (raw.includes("%")) {
    try {
      text = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
  }
  if (text === "." || text === ".." || /[/\\]/.test(text) || CONTROL.test(text)) return undefined;
  return text.isWellFormed() ? text.normalize("NFC") : undefined;
}

/** A decoded path as it stands in a Location header: never two slashes at its beginning, ASCII only. */
export function encodePath(route: string): string {
  const encoded = encodeURI(route.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
  return `/${encoded.replace(/^\/+/, "")}`;
}

/** A query as sent, with everything encoded that may not stand in a header or would end it. */
export function cleanQuery(query: string): string {
  return query.toWellFormed().replace(/[^\u0021-\u007e]|["#<>\\^`{|}]/gu, encodeURIComponent);
}

/** What visitors may get of a manifest: everything but the files that steer the deploy. */
export function servable(has: Has): Has {
  return (path) =>
    !PRIVATE.has(path) && path !== OWN_FOLDER && !path.startsWith(`${OWN_FOLDER}/`) && has(path);
}

/**
 * What lies at a decoded path. `file.html` is at `/file` and `folder/index.html` at `/folder/`; their other spellings lead
 * there, unless something else stands there.
 *
 * @see https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/ auto-trailing-slash
 */
export function findPage(has: Has, route: string): Found | undefined {
  const name = route.slice(1);
  if (name === "" || name.endsWith("/")) return findFolder(has, name);
  const stem = stemOf(name);
  if (has(name)) {
    if (!name.endsWith(".html")) return { kind: "file", path: name };
    return leadTo(has, name, placesOf(name)) ?? { kind: "file", path: name };
  }
  return (
    (stem === undefined ? undefined : findBySpelling(has, name, stem)) ??
    (has(`${name}.html`)
      ? { kind: "file", path: `${name}.html` }
      : has(`${name}/index.html`)
        ? { kind: "redirect", route: `/${name}/` }
        : undefined)
  );
}

/** The 404.html of the folder of a path, or of the nearest folder above that has one. */
export function nearestNotFound(has: Has, route: string): string | undefined {
  let end = route.lastIndexOf("/");
  while (end > 0) {
    const page = `${route.slice(1, end)}/404.html`;
    if (has(page)) return page;
    end = route.lastIndexOf("/", end - 1);
  }
  return has("404.html") ? "404.html" : undefined;
}

/** `folder/` (or "" for the root): its index, or a page of its name. */
function findFolder(has: Has, name: string): Found | undefined {
  if (has(`${name}index.html`)) return { kind: "file", path: `${name}index.html` };
  const page = `${name.slice(0, -1)}.html`;
  return name !== "" && has(page) ? leadTo(has, page, [`/${name.slice(0, -1)}`]) : undefined;
}

/**
 * A path without its `index`, `index.html` or `.html`; undefined where it ends with none, and where what is left does again:
 * such names are taken as they are, so that looking one up never leads to looking up many.
 */
function stemOf(name: string): string | undefined {
  const stem = /^(?:|.*\/)index(?:\.html)?$/.test(name)
    ? name.slice(0, Math.max(name.lastIndexOf("/"), 0))
    : name.endsWith(".html")
      ? name.slice(0, -".html".length)
      : undefined;
  return stem === undefined || /(?:^|\/)index$|\.html$/.test(stem) ? undefined : stem;
}

/** A spelling of a page whose own file does not have this name. */
function findBySpelling(has: Has, name: string, stem: string): Found | undefined {
  const index = stem === "" ? "index.html" : `${stem}/index.html`;
  const files = name.endsWith("index") ? [index, `${stem}.html`] : [`${stem}.html`, index];
  for (const file of files) {
    const found = has(file) ? leadTo(has, file, placesOf(file)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where a page is asked for, best first. */
function placesOf(file: string): string[] {
  const stem = stemOf(file);
  if (stem === undefined) return [];
  if (stem === "") return ["/"];
  return file.endsWith("/index.html") ? [`/${stem}`, `/${stem}/`] : [`/${stem}`];
}

/** The first of `places` at which `file` is what visitors get in the end. */
function leadTo(has: Has, file: string, places: readonly string[]): Found | undefined {
  const route = places.find((place) => {
    const found = findPage(has, place);
    const end = found?.kind === "redirect" ? findPage(has, found.route) : found;
    return end?.kind === "file" && end.path === file;
  });
  return route === undefined ? undefined : { kind: "redirect", route };
}
