import { eq, or } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { canonicalName, parseUserName, printable, type UserName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { checkInvite, useInvite } from "./invites.ts";
import type { RegisterBody, SignedIn } from "./model.ts";
import { checkPassword, hashPassword } from "./password.ts";
import { users } from "./tables.ts";
import { createLoginToken } from "./tokens.ts";
import { ACCOUNT, type Account, countUsers, toUser } from "./users.ts";

/** Words that stand where a user name stands in the API's paths. */
const PATH_WORDS = new Set(["me", "login", "logout", "register"]);
/** One `@`, a domain with a dot or `localhost`, nothing that breaks a mail header. */
const EMAIL = /^[^\s@<>()[\]\\,;:"]{1,64}@(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i;

type Wanted = { name: UserName; email: string };

/**
 * Makes an account, as `createAccount` does, and a login token for the program that asked.
 *
 * @throws registration_closed, invite_required, name_invalid, name_reserved, invalid_input, user_exists, rate_limited
 */
export async function register(
  ctx: Ctx,
  input: RegisterBody,
  door: { userAgent: string | null },
): Promise<SignedIn> {
  const account = await createAccount(ctx, input);
  const { token } = await createLoginToken(ctx, account.id, door.userAgent);
  return { user: toUser(account), token };
}

/**
 * Makes an account. The first one of a server is its admin: of an open server whoever comes first, of one by invitation who
 * has the code that `land serve` printed. When it resolves the account is on disk and its invitation used up; of many that
 * come at once with one name or one code exactly one wins.
 *
 * @throws registration_closed, invite_required, name_invalid, name_reserved, invalid_input, user_exists, rate_limited
 */
export async function createAccount(ctx: Ctx, input: RegisterBody): Promise<Account> {
  await checkDoor(ctx, input.code);
  const wanted = { name: parseNewName(input.username), email: parseEmail(input.email) };
  checkPassword(input.password, wanted.name);
  // Asked before the slow hash, and again in the transaction, where it decides.
  await refuseTaken(ctx, wanted);
  const passwordHash = await hashPassword(input.password);
  const account = await ctx.db.transaction(async (tx) => {
    const invite = await checkDoor(ctx, input.code);
    await refuseTaken(ctx, wanted);
    const isFirst = (await countUsers(ctx)) === 0;
    const [made] = await tx
      .insert(users)
      .values({
        ...wanted,
        canonical: canonicalName(wanted.name),
        emailKey: wanted.email.toLowerCase(),
        passwordHash,
        isAdmin: isFirst && (invite === undefined || invite.first),
        createdAt: ctx.now(),
      })
      .returning(ACCOUNT);
    if (!made) throw new Error("the row of a new account did not come back");
    if (invite) await useInvite(ctx, invite.id, made.id);
    return made;
  });
  ctx.hooks.emit("user.registered", { user: account.name });
  return account;
}

/** Whether somebody with this code may register; the invitation where one is needed. */
async function checkDoor(
  ctx: Ctx,
  code: string | undefined,
): Promise<{ id: string; first: boolean } | undefined> {
  if (ctx.config.registration === "open") return undefined;
  if (ctx.config.registration === "invite") return checkInvite(ctx, code);
  throw fail("registration_closed", {});
}

async function refuseTaken(ctx: Ctx, { name, email }: Wanted): Promise<void> {
  const canonical = canonicalName(name);
  const rows = await ctx.db.read
    .select({ canonical: users.canonical })
    .from(users)
    .where(or(eq(users.canonical, canonical), eq(users.emailKey, email.toLowerCase())));
  if (rows.some((row) => row.canonical === canonical))
    throw fail("user_exists", { field: "username", value: name });
  if (rows.length > 0) throw fail("user_exists", { field: "email", value: email });
}

function parseNewName(value: string): UserName {
  const name = parseUserName(value);
  if (PATH_WORDS.has(name)) throw fail("name_reserved", { name });
  return name;
}

function parseEmail(value: string): string {
  const email = value.trim();
  if (email.length > 254 || !EMAIL.test(email) || printable(email) !== email)
    throw fail("invalid_input", { field: "email", problem: "use an address like ada@example.com" });
  return email;
}
