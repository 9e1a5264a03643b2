import { and, asc, eq, gt, ne, sql } from "drizzle-orm";

import type { Tx } from "#store/db.ts";

import { deployFiles, deployPrograms, deploys, domains, releases, sites } from "../tables.ts";

/** Deploys of no more files come with their site. */
const MAX_TEXT_FILES = 64;
/** Stands after a path, before the hex digits of its digest and the size. No path holds a control character. */
export const PATH_END = "\t";
/** Stands between two files. */
export const FILE_END = "\n";

/** What of a program is loaded with its site. */
export const PROGRAM = {
  digest: deployPrograms.digest,
  mapDigest: deployPrograms.mapDigest,
  name: deployPrograms.name,
  language: deployPrograms.language,
  routes: deployPrograms.routes,
  crons: deployPrograms.crons,
  database: deployPrograms.database,
  byKey: deployPrograms.byKey,
};

/** What of a site is loaded. */
const SITE = {
  id: sites.id,
  name: sites.name,
  protection: sites.protection,
  passwordHash: sites.passwordHash,
  gateVersion: sites.gateVersion,
  maintenance: sites.maintenance,
  requestsPerMinute: sites.requestsPerMinute,
  keyPrograms: sites.keyPrograms,
};

/** What loading a site asks the database, prepared once: a statement for each question would be garbage outside the heap, which is collected late. */
export type LoadQueries = ReturnType<typeof prepareLoads>;

/** Prepares them on the connection of readers. */
export function prepareLoads(read: Tx) {
  return {
    host: read
      .select({ name: sites.name })
      .from(domains)
      .innerJoin(sites, eq(sites.id, domains.siteId))
      .where(and(eq(domains.host, sql.placeholder("host")), ne(domains.state, "pending")))
      .prepare(),
    /** A site, a deploy of it (by default the live one), and where that has few files all of them: one question for most sites. */
    site: read
      .select({
        ...SITE,
        deploy: deploys.id,
        state: deploys.state,
        fileCount: deploys.fileCount,
        doneAt: sql<number | null>`coalesce(${deploys.finishedAt}, ${deploys.createdAt})`,
        liveDeploy: sites.liveDeploy,
        createdAt: deploys.createdAt,
        firstReleasedAt: deploys.releasedAt,
        program: PROGRAM,
        /** The last time another deploy went live. */
        releasedAt: sql<number | null>`(SELECT ${releases.at} FROM ${releases}
          WHERE ${releases.siteId} = ${sites.id} ORDER BY ${releases.id} DESC LIMIT 1)`,
        files: sql<string | null>`CASE WHEN ${deploys.fileCount} <= ${MAX_TEXT_FILES} THEN
          (SELECT group_concat(${deployFiles.path} || ${PATH_END} || substr(${deployFiles.digest}, 8) || ${deployFiles.sizeBytes}, ${FILE_END})
          FROM ${deployFiles} WHERE ${deployFiles.deployId} = ${deploys.id}) END`,
      })
      .from(sites)
      .leftJoin(
        deploys,
        and(
          eq(deploys.siteId, sites.id),
          eq(deploys.id, sql`coalesce(${sql.placeholder("deploy")}, ${sites.liveDeploy})`),
        ),
      )
      .leftJoin(deployPrograms, eq(deployPrograms.deployId, deploys.id))
      .where(eq(sites.name, sql.placeholder("name")))
      .prepare(),
    files: read
      .select({
        path: deployFiles.path,
        digest: deployFiles.digest,
        sizeBytes: deployFiles.sizeBytes,
      })
      .from(deployFiles)
      .where(
        and(
          eq(deployFiles.deployId, sql.placeholder("deploy")),
          gt(deployFiles.path, sql.placeholder("after")),
        ),
      )
      .orderBy(asc(deployFiles.path))
      .limit(sql.placeholder("limit"))
      .prepare(),
  };
}
