import { and, eq, isNotNull, isNull } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { hashSecret } from "#base/tokens.ts";
import { type Page, type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Actor } from "./actor.ts";
import { requireAdmin } from "./guard.ts";
import type { Invite, NewInvite } from "./model.ts";
import { newestFirst, olderThan } from "./newest.ts";
import { invites, users } from "./tables.ts";
import { countUsers } from "./users.ts";

type Row = typeof invites.$inferSelect;

/** Crockford's base32: no letter that reads as a digit. */
const LETTERS = "0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS = 4;
const GROUP_LETTERS = 5;
const VALID_DAYS = 7;

/**
 * The code for the first account where registration is by invitation and there is no account yet, else undefined. Each call
 * makes a new one and ends the one before, since only its hash is kept.
 */
export async function ensureFirstCode(ctx: Ctx): Promise<string | undefined> {
  return ctx.db.transaction(async (tx) => {
    await tx.delete(invites).where(and(isNull(invites.createdBy), isNull(invites.usedBy)));
    if (ctx.config.registration !== "invite" || (await countUsers(ctx)) > 0) return undefined;
    const code = makeCode(ctx);
    await tx.insert(invites).values(rowOf(ctx, code, { note: "first account", createdBy: null }));
    return code;
  });
}

/** Makes a code with which one person can make an account within 7 days. @throws unauthenticated, forbidden, scope_missing, invalid_input */
export async function createInvite(
  ctx: Ctx,
  actor: Actor | undefined,
  body: { note?: string },
): Promise<NewInvite> {
  const { userId } = requireAdmin(actor, "make an invitation");
  const note = body.note?.trim() ?? "";
  if (printable(note) !== note)
    throw fail("invalid_input", { field: "note", problem: "use visible characters" });
  const code = makeCode(ctx);
  const row = rowOf(ctx, code, { note, createdBy: userId });
  await ctx.db.transaction(async (tx) => {
    await tx.insert(invites).values(row);
  });
  return { ...toInvite({ invite: row, usedBy: null }), code };
}

/** All invitations, newest first; not the code for the first account. @throws unauthenticated, forbidden, scope_missing */
export async function listInvites(
  ctx: Ctx,
  actor: Actor | undefined,
  page: PageRequest,
): Promise<Page<Invite>> {
  requireAdmin(actor, "list invitations");
  const rows = await ctx.db.read
    .select({ invite: invites, usedBy: users.name })
    .from(invites)
    .leftJoin(users, eq(users.id, invites.usedBy))
    .where(and(isNotNull(invites.createdBy), olderThan(invites.createdAt, invites.id, page.cursor)))
    .orderBy(newestFirst(invites.createdAt, invites.id))
    .limit(page.limit + 1);
  return toPage(rows, page, toInvite, ({ invite }) => [invite.createdAt.getTime(), invite.id]);
}

/** Takes an invitation back that nobody used. @throws unauthenticated, forbidden, scope_missing, not_found */
export async function revokeInvite(ctx: Ctx, actor: Actor | undefined, id: string): Promise<void> {
  requireAdmin(actor, "revoke an invitation");
  const removed = await ctx.db.transaction((tx) =>
    tx
      .delete(invites)
      .where(and(eq(invites.id, id), isNotNull(invites.createdBy), isNull(invites.usedAt)))
      .returning({ id: invites.id }),
  );
  if (removed.length === 0) throw fail("not_found", { what: `invitation "${printable(id)}"` });
}

/**
 * The invitation of a code that still holds, read inside the caller's transaction where there is one. `first`: it is the
 * one for the first account.
 *
 * @throws invite_required
 */
export async function checkInvite(
  ctx: Ctx,
  code: string | undefined,
): Promise<{ id: string; first: boolean }> {
  const [row] = await ctx.db.read
    .select()
    .from(invites)
    .where(eq(invites.hash, hashSecret(plainCode(code ?? ""))));
  const ended = row?.expiresAt && row.expiresAt <= ctx.now();
  if (!row || row.usedAt || ended) throw fail("invite_required", {});
  const first = row.createdBy === null;
  if (first && (await countUsers(ctx)) > 0) throw fail("invite_required", {});
  return { id: row.id, first };
}

/** Notes who used an invitation; part of the transaction that makes the account. */
export async function useInvite(ctx: Ctx, id: string, userId: number): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await tx.update(invites).set({ usedBy: userId, usedAt: ctx.now() }).where(eq(invites.id, id));
  });
}

function makeCode(ctx: Ctx): string {
  const letters = [...ctx.random(GROUPS * GROUP_LETTERS)].map((byte) => LETTERS.charAt(byte % 32));
  return Array.from({ length: GROUPS }, (_, group) =>
    letters.slice(group * GROUP_LETTERS, (group + 1) * GROUP_LETTERS).join(""),
  ).join("-");
}

/** A code as a person may type it: any case, with or without hyphens, `o` for `0`, `i` and `l` for `1`. */
function plainCode(code: string): string {
  return code.toLowerCase().replace(/[\s-]/g, "").replaceAll("o", "0").replace(/[il]/g, "1");
}

function rowOf(ctx: Ctx, code: string, about: Pick<Row, "note" | "createdBy">): Row {
  const now = ctx.now();
  return {
    id: Buffer.from(ctx.random(8)).toString("hex"),
    hash: hashSecret(plainCode(code)),
    createdAt: now,
    expiresAt: about.createdBy === null ? null : new Date(now.getTime() + VALID_DAYS * 86_400_000),
    usedBy: null,
    usedAt: null,
    ...about,
  };
}

function toInvite({ invite, usedBy }: { invite: Row; usedBy: string | null }): Invite {
  const { id, note, createdAt, expiresAt } = invite;
  return {
    id,
    note,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    usedBy,
  };
}
