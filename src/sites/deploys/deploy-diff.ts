import { and, count, eq, isNull, ne, type SQL } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";

import type { Actor } from "#accounts/actor.ts";
import type { DeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { DeployDiff } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { deployFiles } from "../tables.ts";
import { MAY_OPEN } from "./deploy-read.ts";
import { type DeployRow, readDeployRow } from "./deploy-rows.ts";
import { findReleasedBefore } from "./rollback.ts";

/** Paths of one kind that are named; all are counted. */
const SHOWN = 1000;
const other = alias(deployFiles, "other");
const samePath = (id: DeployId) => and(eq(other.deployId, id), eq(other.path, deployFiles.path));

/**
 * What changed from one deploy to another. Without `from`: since the one that was released before it, or for a deploy that
 * never went live, since what is live now.
 *
 * @throws unauthenticated, scope_missing, site_not_found, deploy_not_found
 */
export async function diffDeploys(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  about: { from?: string; to: string },
): Promise<DeployDiff> {
  const { site } = await requireSite(ctx, actor, name, MAY_OPEN);
  const db = ctx.db.read;
  const to = await readDeployRow(db, site, about.to);
  const from =
    about.from === undefined
      ? await findBefore(db, site, to)
      : await readDeployRow(db, site, about.from);
  if (!from) return allAdded(db, to);
  const [added, changed, removed] = [
    await onlyIn(db, to.id, from.id),
    await differing(db, to.id, from.id),
    await onlyIn(db, from.id, to.id),
  ];
  return {
    from: from.id,
    to: to.id,
    added: added.paths,
    changed: changed.paths,
    removed: removed.paths,
    total: {
      added: added.total,
      changed: changed.total,
      removed: removed.total,
      unchanged: to.fileCount - added.total - changed.total,
    },
  };
}

async function findBefore(db: Tx, site: SiteRow, to: DeployRow): Promise<DeployRow | undefined> {
  if (to.releasedAt) return findReleasedBefore(db, site, to.releasedAt);
  return site.liveDeploy === null ? undefined : readDeployRow(db, site, site.liveDeploy);
}

type Part = { paths: string[]; total: number };

/** Paths of one deploy that the other does not have. */
function onlyIn(db: Tx, id: DeployId, than: DeployId): Promise<Part> {
  return pathsWhere(db, id, than, isNull(other.path));
}

/** Paths of both with another content. */
function differing(db: Tx, id: DeployId, than: DeployId): Promise<Part> {
  return pathsWhere(db, id, than, ne(other.digest, deployFiles.digest));
}

/** Paths of one deploy, each beside the same path of the other if that has it, for which `condition` holds. */
async function pathsWhere(db: Tx, id: DeployId, than: DeployId, condition: SQL): Promise<Part> {
  const where = and(eq(deployFiles.deployId, id), condition);
  const paths = await db
    .select({ path: deployFiles.path })
    .from(deployFiles)
    .leftJoin(other, samePath(than))
    .where(where)
    .orderBy(deployFiles.path)
    .limit(SHOWN);
  if (paths.length < SHOWN) return partOf(paths, paths.length);
  const [row] = await db
    .select({ total: count() })
    .from(deployFiles)
    .leftJoin(other, samePath(than))
    .where(where);
  return partOf(paths, row?.total ?? paths.length);
}

async function allAdded(db: Tx, to: DeployRow): Promise<DeployDiff> {
  const rows = await db
    .select({ path: deployFiles.path })
    .from(deployFiles)
    .where(eq(deployFiles.deployId, to.id))
    .orderBy(deployFiles.path)
    .limit(SHOWN);
  return {
    from: null,
    to: to.id,
    added: rows.map(({ path }) => path),
    changed: [],
    removed: [],
    total: { added: to.fileCount, changed: 0, removed: 0, unchanged: 0 },
  };
}

function partOf(rows: readonly { path: string }[], total: number): Part {
  return { paths: rows.map(({ path }) => path), total };
}
