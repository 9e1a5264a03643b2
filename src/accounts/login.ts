import { eq } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import type { LoginBody, SignedIn } from "./model.ts";
import { verifyPassword } from "./password.ts";
import { users } from "./tables.ts";
import { createLoginToken } from "./tokens.ts";
import { ACCOUNT, type Account, toUser } from "./users.ts";

/** Signs a program in: a new token with the scope `account`, for 90 days. @throws bad_credentials, rate_limited */
export async function login(
  ctx: Ctx,
  input: LoginBody,
  door: { userAgent: string | null },
): Promise<SignedIn> {
  const account = await checkLogin(ctx, input);
  const { token } = await createLoginToken(ctx, account.id, door.userAgent);
  return { user: toUser(account), token };
}

/**
 * The account of a user name (or email address) and its password. Takes as long for an account that does not exist.
 *
 * @throws bad_credentials, rate_limited
 */
export async function checkLogin(ctx: Ctx, input: LoginBody): Promise<Account> {
  const username = input.username.trim().toLowerCase();
  const [row] = await ctx.db.read
    .select({ account: ACCOUNT, passwordHash: users.passwordHash })
    .from(users)
    .where(eq(username.includes("@") ? users.emailKey : users.name, username));
  const right = await verifyPassword(input.password, row?.passwordHash);
  if (!row || !right) throw fail("bad_credentials", {});
  return row.account;
}
