import { and, eq, isNull } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type Page, type PageRequest, toPage } from "#http/page.ts";
import { parsePublicKey } from "#pack/sign.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Actor } from "./actor.ts";
import { requireAccountScope, requireActor } from "./guard.ts";
import type { SigningKey } from "./model.ts";
import { newestFirst, olderThan } from "./newest.ts";
import { signingKeys } from "./tables.ts";
import { readUser } from "./users.ts";

type Row = typeof signingKeys.$inferSelect;

/**
 * Registers a signing key with the account. Adding the own key again changes nothing. A key belongs to one account for ever.
 *
 * @throws unauthenticated, scope_missing, name_invalid, key_taken, key_revoked, invalid_input
 */
export async function addKey(
  ctx: Ctx,
  actor: Actor | undefined,
  body: { key: string; name?: string },
): Promise<SigningKey> {
  const { userId } = requireAccountScope(actor, "add a signing key");
  const key = parsePublicKey(body.key);
  const name = body.name?.trim() ?? "";
  if (printable(name) !== name)
    throw fail("invalid_input", { field: "name", problem: "use visible characters" });
  return ctx.db.transaction(async (tx) => {
    const [present] = await tx.select().from(signingKeys).where(eq(signingKeys.key, key));
    if (present && present.userId !== userId) throw fail("key_taken", { key });
    if (present?.revokedAt) throw fail("key_revoked", { key });
    if (present) return toKey(present);
    const row: Row = { key, userId, name, createdAt: ctx.now(), revokedAt: null };
    await tx.insert(signingKeys).values(row);
    return toKey(row);
  });
}

/** The signing keys of the own account that hold, newest first. Any token may see them: they are public. @throws unauthenticated */
export function listKeys(
  ctx: Ctx,
  actor: Actor | undefined,
  page: PageRequest,
): Promise<Page<SigningKey>> {
  return pageOfKeys(ctx, requireActor(actor).userId, page);
}

/** The signing keys of a user that hold, newest first. @throws not_found */
export async function listKeysOf(
  ctx: Ctx,
  userName: string,
  page: PageRequest,
): Promise<Page<SigningKey>> {
  const user = await readUser(ctx, userName);
  return pageOfKeys(ctx, user.id, page);
}

/** Takes a key out of use for ever; versions it signed keep their signature. @throws unauthenticated, scope_missing, not_found */
export async function revokeKey(ctx: Ctx, actor: Actor | undefined, key: string): Promise<void> {
  const { userId } = requireAccountScope(actor, "revoke a signing key");
  const revoked = await ctx.db.transaction((tx) =>
    tx
      .update(signingKeys)
      .set({ revokedAt: ctx.now() })
      .where(
        and(
          eq(signingKeys.key, key),
          eq(signingKeys.userId, userId),
          isNull(signingKeys.revokedAt),
        ),
      )
      .returning({ key: signingKeys.key }),
  );
  if (revoked.length === 0) throw fail("not_found", { what: `signing key "${printable(key)}"` });
}

/** The id of the user whose key it is now, or undefined for a key that is unknown or revoked. */
export async function findKeyOwner(ctx: Ctx, key: string): Promise<number | undefined> {
  const [row] = await ctx.db.read
    .select({ userId: signingKeys.userId })
    .from(signingKeys)
    .where(and(eq(signingKeys.key, key), isNull(signingKeys.revokedAt)));
  return row?.userId;
}

async function pageOfKeys(ctx: Ctx, userId: number, page: PageRequest): Promise<Page<SigningKey>> {
  const rows = await ctx.db.read
    .select()
    .from(signingKeys)
    .where(
      and(
        eq(signingKeys.userId, userId),
        isNull(signingKeys.revokedAt),
        olderThan(signingKeys.createdAt, signingKeys.key, page.cursor),
      ),
    )
    .orderBy(newestFirst(signingKeys.createdAt, signingKeys.key))
    .limit(page.limit + 1);
  return toPage(rows, page, toKey, (row) => [row.createdAt.getTime(), row.key]);
}

function toKey({ key, name, createdAt }: Row): SigningKey {
  return { key, name, createdAt: createdAt.toISOString() };
}
