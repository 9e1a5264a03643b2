import { and, asc, eq, gt, gte, inArray, isNotNull, lte, notExists } from "drizzle-orm";

import type { DeployId, Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { CODINGS } from "./serve-encoding.ts";
import { deployFiles, siteBlobs, sites, variants } from "./tables.ts";
import { contentTypeOf, isCompressible } from "./types.ts";
import { MAX_VARIANT_BYTES, MIN_VARIANT_BYTES } from "./variants.ts";

/** A file that wants variants. */
export type Todo = { digest: Digest; sizeBytes: number };

/** Rows read at once. */
const PAGE = 200;

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

/** The deploy that each site shows, in the order of sites. */
export async function* liveDeploys(ctx: Ctx): AsyncGenerator<DeployId> {
  let after = 0;
  for (;;) {
    const rows = await ctx.db.read
      .select({ id: sites.id, deploy: sites.liveDeploy })
      .from(sites)
      .where(and(gt(sites.id, after), isNotNull(sites.liveDeploy)))
      .orderBy(asc(sites.id))
      .limit(PAGE);
    for (const { id, deploy } of rows) {
      after = id;
      if (deploy !== null) yield deploy;
    }
    if (rows.length < PAGE) return;
  }
}

/** Files of a deploy that get smaller, and whose variants are not all there at their best. */
export async function* filesOf(ctx: Ctx, deploy: DeployId): AsyncGenerator<Todo> {
  let after = "";
  for (;;) {
    const rows = await ctx.db.read
      .select({
        path: deployFiles.path,
        digest: deployFiles.digest,
        sizeBytes: deployFiles.sizeBytes,
      })
      .from(deployFiles)
      .where(
        and(
          eq(deployFiles.deployId, deploy),
          gt(deployFiles.path, after),
          gte(deployFiles.sizeBytes, MIN_VARIANT_BYTES),
          lte(deployFiles.sizeBytes, MAX_VARIANT_BYTES),
        ),
      )
      .orderBy(asc(deployFiles.path))
      .limit(PAGE);
    const texts = rows.filter(({ path }) => isCompressible(contentTypeOf(path)));
    const done = await doneOf(
      ctx,
      texts.map(({ digest }) => digest),
    );
    for (const { digest, sizeBytes } of texts) if (!done.has(digest)) yield { digest, sizeBytes };
    after = rows.at(-1)?.path ?? after;
    if (rows.length < PAGE) return;
  }
}

async function doneOf(ctx: Ctx, digests: Digest[]): Promise<Set<Digest>> {
  const counts = new Map<Digest, number>();
  const rows = await ctx.db.read
    .select({ digest: variants.digest })
    .from(variants)
    .where(and(inArray(variants.digest, digests), eq(variants.best, true)));
  for (const { digest } of rows) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return new Set([...counts.keys()].filter((digest) => counts.get(digest) === CODINGS.length));
}
