import { and, asc, desc, eq, gt, ne, sql } from "drizzle-orm";

import type { Tx } from "#store/db.ts";

import { deployFiles, deploys, domains, releases, sites } from "./tables.ts";

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
    site: read
      .select()
      .from(sites)
      .where(eq(sites.name, sql.placeholder("name")))
      .prepare(),
    deploy: read
      .select({
        state: deploys.state,
        fileCount: deploys.fileCount,
        finishedAt: deploys.finishedAt,
        createdAt: deploys.createdAt,
      })
      .from(deploys)
      .where(
        and(eq(deploys.id, sql.placeholder("deploy")), eq(deploys.siteId, sql.placeholder("site"))),
      )
      .prepare(),
    /** The last time another deploy went live. */
    release: read
      .select({ at: releases.at })
      .from(releases)
      .where(eq(releases.siteId, sql.placeholder("site")))
      .orderBy(desc(releases.id))
      .limit(1)
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
