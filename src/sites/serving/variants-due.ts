import { and, asc, eq, gt, gte, isNotNull, lt, lte, notExists, sql } from "drizzle-orm";

import type { DeployId, Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { OWN_FOLDER } from "../addresses.ts";
import { contentTypeOf, isCompressible } from "../rules/types.ts";
import { deployFiles, siteBlobs, sites, variants } from "../tables.ts";
import { CODINGS } from "./serve-encoding.ts";
import { MAX_VARIANT_BYTES, MIN_VARIANT_BYTES } from "./variants.ts";

/** A file that wants variants. */
export type Todo = { digest: Digest; sizeBytes: number };

/** Rows read at once. */
const PAGE = 200;
/** Deploys that one question is about: some two milliseconds. */
const DEPLOYS = 20;
/** What a batch holds at most, where it is not one large file. */
const BATCH_FILES = 50;
const BATCH_BYTES = 512 * 1024;

/** Takes the variants off the books whose files no site holds any more. */
export async function forgetOrphans(ctx: Ctx): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const held = tx
      .select({ digest: siteBlobs.digest })
      .from(siteBlobs)
      .where(eq(siteBlobs.digest, variants.digest));
    await tx.delete(variants).where(notExists(held));
  });
}

/** The deploys that sites show, in the order of sites, some at a time. */
export async function* liveDeploys(ctx: Ctx): AsyncGenerator<DeployId[]> {
  let after = 0;
  for (;;) {
    const rows = await ctx.db.read
      .select({ id: sites.id, deploy: sites.liveDeploy })
      .from(sites)
      .where(and(gt(sites.id, after), isNotNull(sites.liveDeploy)))
      .orderBy(asc(sites.id))
      .limit(DEPLOYS);
    const deploys = rows.flatMap(({ deploy }) => deploy ?? []);
    if (deploys.length > 0) yield deploys;
    if (rows.length < DEPLOYS) return;
    after = rows.at(-1)?.id ?? after;
  }
}

/** Whether a file of a deploy may want variants: what its type is, SQL does not know. */
function mayBeDue() {
  const done = sql`(SELECT count(*) FROM ${variants} WHERE ${variants.digest} = ${deployFiles.digest} AND ${variants.best} = 1)`;
  return and(
    // Programs are never sent to visitors. "0" comes right after "/".
    sql`NOT (${deployFiles.path} > ${`${OWN_FOLDER}/`} AND ${deployFiles.path} < ${`${OWN_FOLDER}0`})`,
    gte(deployFiles.sizeBytes, MIN_VARIANT_BYTES),
    lte(deployFiles.sizeBytes, MAX_VARIANT_BYTES),
    lt(done, CODINGS.length),
  );
}

/** Asks which of some deploys are worth the next question; prepared once, since at a start it is asked about every site. */
export function prepareLacking({
  db,
}: Pick<Ctx, "db">): (deploys: readonly DeployId[]) => Promise<DeployId[]> {
  const query = db.read
    .selectDistinct({ deploy: deployFiles.deployId })
    .from(deployFiles)
    .where(
      and(
        sql`${deployFiles.deployId} IN (SELECT value FROM json_each(${sql.placeholder("deploys")}))`,
        mayBeDue(),
      ),
    )
    .prepare();
  return async (deploys) => {
    const rows = await query.execute({ deploys: JSON.stringify(deploys) });
    return rows.map(({ deploy }) => deploy);
  };
}

/** Asks which files of a deploy want variants. */
export type DueQuery = ReturnType<typeof prepareDue>;

/** Prepares it on the connection of readers. */
export function prepareDue({ db }: Pick<Ctx, "db">) {
  return db.read
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
        mayBeDue(),
      ),
    )
    .orderBy(asc(deployFiles.path))
    .limit(PAGE)
    .prepare();
}

/**
 * Files of a deploy that get smaller, and whose variants are not all there at their best: each once, as many at a time as are
 * worth one transaction.
 */
export async function* dueOf(query: DueQuery, deploy: DeployId): AsyncGenerator<Todo[]> {
  const seen = new Set<Digest>();
  let after = "";
  for (;;) {
    const rows = await query.execute({ deploy, after });
    let batch: Todo[] = [];
    let bytes = 0;
    for (const { path, digest, sizeBytes } of rows) {
      after = path;
      if (seen.has(digest) || !isCompressible(contentTypeOf(path))) continue;
      seen.add(digest);
      if (batch.length > 0 && (batch.length >= BATCH_FILES || bytes + sizeBytes > BATCH_BYTES)) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push({ digest, sizeBytes });
      bytes += sizeBytes;
    }
    if (batch.length > 0) yield batch;
    if (rows.length < PAGE) return;
  }
}
