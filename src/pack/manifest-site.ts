import type { Sliced } from "#base/slices.ts";

import { isMap, sliceJson } from "./json.ts";
import { createFields, type Fields } from "./manifest-fields.ts";
import { projectPath } from "./manifest-paths.ts";

/** A schedule as written: five fields, and a time zone where it is not UTC. */
export type CronSetting = string | { cron: string; timeZone?: string };

/** The `site` field: what `land deploy` and `land dev` read. */
export type SiteSettings = {
  name?: string;
  dir?: string;
  /** File of the program, relative to the project, which may be outside `dir`. */
  main?: string;
  /** Path patterns that the program answers, beginning with `/`. */
  routes: string[];
  /** Whoever deploys it checks the fields. */
  crons: CronSetting[];
  /** Whether the program has `env.DB`; absent: where its code names `DB`. */
  database?: boolean;
};

/** `site`, if any. @throws manifest_invalid */
export function readSite(fields: Fields): SiteSettings | undefined {
  const site = fields.map("site");
  if (site === undefined) return undefined;
  const { name, dir, main, routes = [], crons = [], database } = site;
  if (database !== undefined && typeof database !== "boolean")
    throw fields.refuse("site.database", "is neither true nor false");
  return {
    ...(name !== undefined && { name: siteName(fields, name) }),
    ...(dir !== undefined && { dir: projectPath(fields, "site.dir", dir) }),
    ...(main !== undefined && { main: projectPath(fields, "site.main", main) }),
    routes: fields.asTexts("site.routes", routes).map((route, at) => {
      if (route.startsWith("/")) return route;
      throw fields.refuse(`site.routes[${at}]`, 'does not begin with "/"');
    }),
    crons: readCrons(fields, crons),
    ...(database !== undefined && { database }),
  };
}

/**
 * The `site` field of the text of a land.json of which nothing else matters, in slices of some milliseconds.
 *
 * @throws manifest_invalid where the text is not JSON, or the field is not what it should be
 */
export function* sliceSite(text: string): Sliced<SiteSettings | undefined> {
  const read = yield* sliceJson(text);
  const document = "value" in read && isMap(read.value) ? read.value : {};
  const fields = createFields("land.json", document);
  if ("problem" in read) throw fields.refuse(read.field, read.problem);
  if (!isMap(read.value)) throw fields.refuse("", "is not a JSON object");
  return readSite(fields);
}

function readCrons(fields: Fields, crons: unknown): CronSetting[] {
  if (!Array.isArray(crons)) throw fields.refuse("site.crons", "is not a list");
  return crons.map((one: unknown, at) => {
    const field = `site.crons[${at}]`;
    if (!isMap(one)) return fields.asText(field, one);
    const { cron, timeZone, ...others } = one;
    // A zone under another name would be none: it would run at another hour.
    for (const other of Object.keys(others))
      throw fields.refuse(`${field}.${other}`, "is not known: there are cron and timeZone");
    return {
      cron: fields.asText(`${field}.cron`, cron),
      ...(timeZone !== undefined && { timeZone: fields.asText(`${field}.timeZone`, timeZone) }),
    };
  });
}

function siteName(fields: Fields, value: unknown): string {
  const name = fields.asText("site.name", value);
  if (/^[a-z0-9](?:-?[a-z0-9])*$/.test(name) && name.length <= 50) return name;
  throw fields.refuse(
    "site.name",
    "is not a site name: use a-z, 0-9 and single `-` between them, at most 50",
  );
}
