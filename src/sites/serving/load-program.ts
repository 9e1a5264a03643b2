import { and, eq, gt, isNull, or } from "drizzle-orm";

import type { DeployId, Digest, SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Cron } from "../model.ts";
import { claimsOf } from "../rules/program-routes.ts";
import { deployPrograms, deploys, sites } from "../tables.ts";
import { PROGRAM } from "./load-queries.ts";
import type { LoadedProgram } from "./program.ts";

/** A program, and whose it is. */
export type SiteProgram = { siteId: number; site: SiteName; program: LoadedProgram };

/** A deploy beside its program, as the database tells both. */
type Row = {
  deploy: DeployId;
  liveDeploy: DeployId | null;
  createdAt: Date | null;
  firstReleasedAt: Date | null;
  keyPrograms: boolean;
  program: {
    digest: Digest;
    mapDigest: Digest | null;
    name: string;
    language: "js" | "ts";
    routes: string[];
    crons: Cron[];
    database: boolean | null;
    byKey: boolean;
  } | null;
};

const NO_CRONS: readonly Cron[] = [];
/** What a program takes in memory besides its routes and schedules, and what each character of those does. */
const PROGRAM_BYTES = 500;
const CHARACTER_BYTES = 10;

/** The program of a deploy as it is kept in memory; undefined where it has none. */
export function toLoadedProgram(row: Row): LoadedProgram | undefined {
  const { deploy, liveDeploy, createdAt, firstReleasedAt, program } = row;
  if (program === null) return undefined;
  const { digest, mapDigest, name, language, routes, crons, database } = program;
  return {
    deploy,
    digest,
    mapDigest: mapDigest ?? undefined,
    name,
    language,
    claims: claimsOf(routes),
    crons: crons.length === 0 ? NO_CRONS : crons,
    database: database ?? undefined,
    isLive: deploy === liveDeploy,
    isDraft: firstReleasedAt === null,
    isBarred: program.byKey && !row.keyPrograms,
    createdAtMs: createdAt?.getTime() ?? 0,
    weightBytes: PROGRAM_BYTES + CHARACTER_BYTES * JSON.stringify([routes, crons]).length,
  };
}

/** The program that visitors of a site get now, read afresh; undefined where there is none. For schedules. */
export async function liveProgramOf(
  { db }: Pick<Ctx, "db">,
  siteId: number,
): Promise<SiteProgram | undefined> {
  const [row] = await selectPrograms(db).where(
    and(eq(sites.id, siteId), eq(deploys.id, sites.liveDeploy)),
  );
  return toSiteProgram(row);
}

/** The program of a finished deploy of a site, read afresh; undefined where there is none. */
export async function programOfDeploy(
  { db }: Pick<Ctx, "db">,
  siteId: number,
  deploy: DeployId,
): Promise<SiteProgram | undefined> {
  const [row] = await selectPrograms(db).where(
    and(eq(sites.id, siteId), eq(deploys.id, deploy), eq(deploys.state, "ready")),
  );
  return toSiteProgram(row);
}

/** Deploys of a site that never went live, made after `since`: their programs run on their own addresses, unless they are barred. */
export async function listDrafts(
  { db }: Pick<Ctx, "db">,
  siteId: number,
  since: Date,
): Promise<DeployId[]> {
  const rows = await db.read
    .select({ id: deploys.id })
    .from(deploys)
    .innerJoin(deployPrograms, eq(deployPrograms.deployId, deploys.id))
    .innerJoin(sites, eq(sites.id, deploys.siteId))
    .where(
      and(
        eq(deploys.siteId, siteId),
        isNull(deploys.releasedAt),
        gt(deploys.createdAt, since),
        or(eq(deployPrograms.byKey, false), eq(sites.keyPrograms, true)),
      ),
    );
  return rows.map(({ id }) => id);
}

/** Whether any site has a program. */
export async function hasPrograms({ db }: Pick<Ctx, "db">): Promise<boolean> {
  const rows = await db.read
    .select({ deploy: deployPrograms.deployId })
    .from(deployPrograms)
    .limit(1);
  return rows.length > 0;
}

function selectPrograms({ read }: Ctx["db"]) {
  return read
    .select({
      siteId: sites.id,
      site: sites.name,
      deploy: deploys.id,
      liveDeploy: sites.liveDeploy,
      createdAt: deploys.createdAt,
      firstReleasedAt: deploys.releasedAt,
      keyPrograms: sites.keyPrograms,
      program: PROGRAM,
    })
    .from(deploys)
    .innerJoin(sites, eq(sites.id, deploys.siteId))
    .innerJoin(deployPrograms, eq(deployPrograms.deployId, deploys.id));
}

function toSiteProgram(
  row: (Row & { siteId: number; site: SiteName }) | undefined,
): SiteProgram | undefined {
  const program = row && toLoadedProgram(row);
  return program && { siteId: row.siteId, site: row.site, program };
}
