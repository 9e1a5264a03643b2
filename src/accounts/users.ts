import { count, eq, inArray, sql } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { printable, type UserName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { User } from "./model.ts";
import { users } from "./tables.ts";

/** An account as the server knows it, without its password. */
export type Account = {
  id: number;
  name: UserName;
  email: string;
  isAdmin: boolean;
  createdAt: Date;
};

/** The columns of an Account. */
export const ACCOUNT = {
  id: users.id,
  name: users.name,
  email: users.email,
  isAdmin: users.isAdmin,
  createdAt: users.createdAt,
};

/** The account of that exact name, or undefined. */
export async function findUser(ctx: Ctx, name: string): Promise<Account | undefined> {
  const [account] = await ctx.db.read
    .select(ACCOUNT)
    .from(users)
    .where(sql`${users.name} = ${name}`);
  return account;
}

/** The account of that exact name. @throws not_found */
export async function readUser(ctx: Ctx, name: string): Promise<Account> {
  const account = await findUser(ctx, name);
  if (!account) throw fail("not_found", { what: `user "${printable(name)}"` });
  return account;
}

/** The account of an actor. @throws unauthenticated where it was removed meanwhile */
export async function readAccount(ctx: Ctx, userId: number): Promise<Account> {
  const [account] = await ctx.db.read.select(ACCOUNT).from(users).where(eq(users.id, userId));
  if (!account) throw fail("unauthenticated", {});
  return account;
}

/** The names of accounts by their ids; ids of removed accounts are left out. */
export async function nameUsers(
  ctx: Ctx,
  ids: readonly number[],
): Promise<ReadonlyMap<number, UserName>> {
  const wanted = [...new Set(ids)];
  const rows = await ctx.db.read
    .select({ id: users.id, name: users.name })
    .from(users)
    .where(inArray(users.id, wanted));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** How many accounts there are. */
export async function countUsers(ctx: Ctx): Promise<number> {
  const [row] = await ctx.db.read.select({ users: count() }).from(users);
  return row?.users ?? 0;
}

/** An account as its owner sees it. */
export function toUser({ name, email, isAdmin, createdAt }: Account): User {
  return { name, email, admin: isAdmin, createdAt: createdAt.toISOString() };
}
