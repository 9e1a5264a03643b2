import { fail, LandError } from "#base/errors.ts";
import { type Digest, parseDigest, printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { OWN_FOLDER } from "../addresses.ts";
import type { Cron, ProgramBody } from "../model.ts";
import { parseCrons } from "../rules/crons.ts";
import { problemOfRoute } from "../rules/program-routes.ts";
import { type ManifestFile, problemOfDeployPath } from "./deploy-paths.ts";

/** Where the program of a deploy lies among its files. Visitors never get them. */
const PROGRAM_PATH = `${OWN_FOLDER}/program.js`;
/** Where its source map lies. */
const PROGRAM_MAP_PATH = `${PROGRAM_PATH}.map`;

/** How many times as large as a program its source map may be. */
const MAP_TIMES = 3;
const MAX_ROUTES = 100;

/** A program that was checked: what of it stands in the table, and its files. */
export type NewProgram = {
  name: string;
  language: "js" | "ts";
  digest: Digest;
  sizeBytes: number;
  mapDigest: Digest | null;
  routes: string[];
  crons: Cron[];
  database: boolean | null;
  files: readonly ManifestFile[];
};

/** The program of a deploy as it was sent, checked. @throws program_invalid, cron_invalid */
export function parseProgram({ config }: Pick<Ctx, "config">, body: ProgramBody): NewProgram {
  const { main, routes = [], crons = [], database } = body;
  const { language = "js", map } = main;
  const name = parseName(main.name ?? `main.${language}`);
  const limit = config["functions.programBytes"];
  checkSize("it", main.size, limit);
  if (main.size === 0) throw refuse("it is empty");
  if (map) checkSize("its source map", map.size, limit * MAP_TIMES);
  const digest = parseDigest(`sha256:${main.sha256}`);
  const mapDigest = map ? parseDigest(`sha256:${map.sha256}`) : null;
  const files: ManifestFile[] = [{ path: PROGRAM_PATH, digest, sizeBytes: main.size }];
  if (map && mapDigest !== null)
    files.push({ path: PROGRAM_MAP_PATH, digest: mapDigest, sizeBytes: map.size });
  return {
    name,
    language,
    digest,
    sizeBytes: main.size,
    mapDigest,
    routes: parseRoutes(routes),
    crons: parseCrons(crons, config["functions.crons"]),
    database: database ?? null,
    files,
  };
}

/** What whoever sent a program may not expect of this server. */
export function problemsOfProgram(
  { config }: Pick<Ctx, "config">,
  { name }: Pick<NewProgram, "name">,
): string[] {
  return config.functions === "off"
    ? [`${name} is a program: it is kept, but this server runs no programs`]
    : [];
}

/** It is told in stacks and lists: a path like those of files. */
function parseName(text: string): string {
  const name = text.normalize("NFC");
  const problem = problemOfDeployPath(name);
  if (problem !== undefined)
    throw refuse(`its name "${printable(text)}" cannot be: ${problem.replace("its path", "it")}`);
  return name;
}

/** Each once, in their order. @throws program_invalid */
function parseRoutes(routes: readonly string[]): string[] {
  if (routes.length > MAX_ROUTES) throw refuse(`it has more than ${MAX_ROUTES} routes`);
  for (const route of routes) {
    const problem = problemOfRoute(route);
    if (problem !== undefined) throw refuse(`its route "${printable(route)}" is none: ${problem}`);
  }
  return [...new Set(routes)];
}

function checkSize(what: string, sizeBytes: number, limit: number): void {
  if (sizeBytes > limit)
    throw refuse(`${what} is larger than ${limit.toLocaleString("en-US")} bytes`);
}

function refuse(problem: string): LandError {
  return fail("program_invalid", { problem });
}
