import { and, eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { siteEnv } from "../tables.ts";
import { addEnvKey, openValue, sealValue } from "./env-key.ts";

/** What a rotation did: the id of the new key, and how many variables and secrets are sealed with it. */
export type Rotated = { key: string; sealed: number };

/**
 * Makes a new key and seals all variables and secrets of all sites with it, in one transaction. The key is on disk before the
 * first of them, and the old ones stay in the file: a crash leaves nothing that cannot be opened, nor do backups.
 *
 * @throws sealed_unreadable, file_failed
 */
export async function rotateEnvKey(ctx: Pick<Ctx, "config" | "db" | "random">): Promise<Rotated> {
  const keys = await addEnvKey(ctx);
  return ctx.db.transaction(async (tx) => {
    const rows = await tx.select().from(siteEnv);
    for (const row of rows) {
      const { siteId, key } = row;
      await tx
        .update(siteEnv)
        .set(sealValue(keys, siteId, key, openValue(keys, siteId, key, row)))
        .where(and(eq(siteEnv.siteId, siteId), eq(siteEnv.key, key)));
    }
    return { key: keys[0]?.id ?? "", sealed: rows.length };
  });
}
