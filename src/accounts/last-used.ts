import { and, eq, gt } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

import { sessions, tokens } from "./tables.ts";

/** A use is written down only when the one on record is this old. */
const RECORD_EVERY_MS = 60_000;
/** Uses of this long go into one transaction. */
const BATCH_MS = 1000;
const DAY_MS = 86_400_000;

type Uses = {
  tokens: Map<string, Date>;
  sessions: Map<string, Date>;
  timer: Timer | undefined;
};
const waiting = new WeakMap<Db, Uses>();

/** Remembers that a token was used now, to be written soon. The request does not wait for it. */
export function noteTokenUse(ctx: Ctx, token: { id: string; lastUsedAt: Date | null }): void {
  const now = ctx.now();
  if (token.lastUsedAt && now.getTime() - token.lastUsedAt.getTime() < RECORD_EVERY_MS) return;
  usesOf(ctx).tokens.set(token.id, now);
}

/** Remembers that a session was used now, which also moves its end. */
export function noteSessionUse(ctx: Ctx, session: { hash: string; lastUsedAt: Date }): void {
  const now = ctx.now();
  if (now.getTime() - session.lastUsedAt.getTime() < RECORD_EVERY_MS) return;
  usesOf(ctx).sessions.set(session.hash, now);
}

/** Writes down the uses that wait. The server calls it before it closes the database. Never throws: a failure is logged. */
export async function flushUse(ctx: Ctx): Promise<void> {
  const uses = waiting.get(ctx.db);
  if (!uses) return;
  waiting.delete(ctx.db);
  clearTimeout(uses.timer);
  try {
    await ctx.db.transaction(async (tx) => {
      for (const [id, at] of uses.tokens)
        await tx.update(tokens).set({ lastUsedAt: at }).where(eq(tokens.id, id));
      for (const [hash, at] of uses.sessions)
        await tx
          .update(sessions)
          .set({ lastUsedAt: at, expiresAt: sessionEnd(ctx, at) })
          .where(and(eq(sessions.hash, hash), gt(sessions.expiresAt, at)));
    });
  } catch (cause) {
    ctx.log.error("last use not recorded", { cause });
  }
}

/** When a session ends that was last used at `at`. */
export function sessionEnd(ctx: Ctx, at: Date): Date {
  return new Date(at.getTime() + ctx.config["session.days"] * DAY_MS);
}

function usesOf(ctx: Ctx): Uses {
  const before = waiting.get(ctx.db);
  if (before) return before;
  const timer = setTimeout(() => void flushUse(ctx), BATCH_MS);
  timer.unref();
  const uses: Uses = { tokens: new Map(), sessions: new Map(), timer };
  waiting.set(ctx.db, uses);
  return uses;
}
