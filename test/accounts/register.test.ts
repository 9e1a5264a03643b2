import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createInvite, ensureFirstCode, listInvites, revokeInvite } from "#accounts/invites.ts";
import { checkLogin, login } from "#accounts/login.ts";
import type { RegisterBody } from "#accounts/model.ts";
import { createAccount } from "#accounts/register.ts";
import { countUsers, findUser } from "#accounts/users.ts";
import type { ServerConfig } from "#base/config.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, PASSWORD, signUp } from "#test/support/people.ts";

const open: TestCtx[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.close();
});
async function server(config: Partial<ServerConfig> = {}): Promise<TestCtx> {
  const ctx = await testCtx({ config: { registration: "open", ...config } });
  open.push(ctx);
  return ctx;
}
/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

const PAGE = { limit: 20, cursor: undefined };
const ada = (over: Partial<RegisterBody> = {}): RegisterBody => ({
  username: "ada",
  email: "ada@example.com",
  password: PASSWORD,
  ...over,
});

test("the first account of an open server is its admin, the next is not", async () => {
  const ctx = await server();
  const registered: string[] = [];
  ctx.hooks.on("user.registered", ({ user }) => void registered.push(user));
  expect((await createAccount(ctx, ada())).isAdmin).toBe(true);
  expect(
    (await createAccount(ctx, ada({ username: "bob", email: "bob@example.com" }))).isAdmin,
  ).toBe(false);
  expect(registered).toEqual(["ada", "bob"]);
  expect(await findUser(ctx, "ada")).toMatchObject({
    name: "ada",
    email: "ada@example.com",
    isAdmin: true,
  });
});

test.each([
  [{ username: "Ada" }, "name_invalid"],
  [{ username: "a" }, "name_invalid"],
  [{ username: "-ada" }, "name_invalid"],
  [{ username: "me" }, "name_reserved"],
  [{ username: "login" }, "name_reserved"],
  [{ username: "land" }, "name_reserved"],
  [{ username: "constructor" }, "name_reserved"],
  [{ email: "ada" }, "invalid_input"],
  [{ email: "ada@example" }, "invalid_input"],
  [{ email: "ada@example.com\nBcc: x@y.z" }, "invalid_input"],
  [{ email: "<ada@example.com>" }, "invalid_input"],
  [{ password: "7 chars" }, "invalid_input"],
  [{ password: "é".repeat(513) }, "invalid_input"],
  [{ username: "ada-lovelace", password: "Ada-Lovelace" }, "invalid_input"],
  [{ password: "8 chars!" }, "done"],
  [{ password: "é".repeat(512) }, "done"],
  [{ email: "a.b+c@mail.example.co.uk" }, "done"],
] as [Partial<RegisterBody>, string][])(
  "what may and may not register, case %#",
  async (over, code) => {
    const ctx = await server();
    expect(await codeOf(() => createAccount(ctx, ada(over)))).toBe(code);
    expect(await countUsers(ctx)).toBe(code === "done" ? 1 : 0);
  },
);

test("a name or an address in another spelling is the same one", async () => {
  const ctx = await server();
  await createAccount(ctx, ada({ username: "ada-lovelace" }));
  const taken = [
    ada({ username: "adalovelace", email: "x@example.com" }),
    ada({ username: "bob", email: "ADA@Example.com" }),
  ];
  for (const body of taken)
    expect(await codeOf(() => createAccount(ctx, body))).toBe("user_exists");
});

test("of 50 at once with one name exactly one wins, and is the only admin", async () => {
  const ctx = await server();
  const codes = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      codeOf(() => createAccount(ctx, ada({ email: `ada${i}@example.com` }))),
    ),
  );
  expect(codes.filter((code) => code === "done")).toHaveLength(1);
  expect(codes.filter((code) => code === "user_exists")).toHaveLength(49);
});

test("of 10 that come first at once exactly one is admin", async () => {
  const ctx = await server();
  const accounts = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      createAccount(ctx, ada({ username: `user${i}`, email: `u${i}@example.com` })),
    ),
  );
  expect(accounts.filter(({ isAdmin }) => isAdmin)).toHaveLength(1);
});

test("a closed server makes no account and prints no code", async () => {
  const ctx = await server({ registration: "closed" });
  expect(await ensureFirstCode(ctx)).toBeUndefined();
  expect(await codeOf(() => createAccount(ctx, ada()))).toBe("registration_closed");
});

test("by invitation the first account needs the newest printed code, and is admin", async () => {
  const ctx = await server({ registration: "invite" });
  const older = await ensureFirstCode(ctx);
  const code = await ensureFirstCode(ctx);
  expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){3}$/);
  for (const wrong of [undefined, "", "wrong", older])
    expect(
      await codeOf(() => createAccount(ctx, ada(wrong === undefined ? {} : { code: wrong }))),
    ).toBe("invite_required");
  const account = await createAccount(
    ctx,
    ada({ code: ` ${code?.toUpperCase().replaceAll("-", "")} ` }),
  );
  expect(account.isAdmin).toBe(true);
  expect(await ensureFirstCode(ctx)).toBeUndefined();
  expect(
    await codeOf(() =>
      createAccount(ctx, ada({ username: "bob", email: "b@example.com", code: code ?? "" })),
    ),
  ).toBe("invite_required");
});

test("of 20 at once with the first code exactly one gets in", async () => {
  const ctx = await server({ registration: "invite" });
  const code = (await ensureFirstCode(ctx)) ?? "";
  const codes = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      codeOf(() =>
        createAccount(ctx, ada({ username: `user${i}`, email: `u${i}@example.com`, code })),
      ),
    ),
  );
  expect(codes.toSorted()).toEqual([
    "done",
    ...Array.from({ length: 19 }, () => "invite_required"),
  ]);
});

test("an admin's invitation lets one person in, for a week, unless taken back", async () => {
  const ctx = await server();
  const admin = await signUp(ctx, "ada");
  const { actor } = await signUp(ctx, "bob");
  const closed: TestCtx = { ...ctx, config: { ...ctx.config, registration: "invite" } };
  expect(await codeOf(() => createInvite(closed, actor, {}))).toBe("forbidden");
  expect(await codeOf(() => createInvite(closed, undefined, {}))).toBe("unauthenticated");
  const used = await createInvite(closed, admin.actor, { note: "for Carol" });
  const revoked = await createInvite(closed, admin.actor, {});
  const late = await createInvite(closed, admin.actor, {});
  const carol = await createAccount(
    closed,
    ada({ username: "carol", email: "c@example.com", code: used.code }),
  );
  expect(carol.isAdmin).toBe(false);
  await revokeInvite(closed, admin.actor, revoked.id);
  expect(await codeOf(() => revokeInvite(closed, admin.actor, used.id))).toBe("not_found");
  const again = ada({ username: "dave", email: "d@example.com" });
  expect(await codeOf(() => createAccount(closed, { ...again, code: used.code }))).toBe(
    "invite_required",
  );
  expect(await codeOf(() => createAccount(closed, { ...again, code: revoked.code }))).toBe(
    "invite_required",
  );
  ctx.pass(7 * 86_400_000);
  expect(await codeOf(() => createAccount(closed, { ...again, code: late.code }))).toBe(
    "invite_required",
  );
  const { items } = await listInvites(closed, admin.actor, PAGE);
  expect(
    items
      .map(({ note, usedBy }) => ({ note, usedBy }))
      .toSorted((a, b) => a.note.localeCompare(b.note)),
  ).toEqual([
    { note: "", usedBy: null },
    { note: "for Carol", usedBy: "carol" },
  ]);
});

test("signing in takes the name or the address, and only the right password", async () => {
  const ctx = await server();
  await createAccount(ctx, ada({ password: "pässwörd!" }));
  const tries: [string, string][] = [
    ["ada", "pässwörd!"],
    ["ADA@example.com", "pa\u0308sswo\u0308rd!"],
    ["ada", "pässwörd"],
    ["ada", ""],
    ["bob", "pässwörd!"],
    ["", "pässwörd!"],
  ];
  const codes = await Promise.all(
    tries.map(([username, password]) => codeOf(() => checkLogin(ctx, { username, password }))),
  );
  expect(codes).toEqual([
    "done",
    "done",
    "bad_credentials",
    "bad_credentials",
    "bad_credentials",
    "bad_credentials",
  ]);
});

test("forty sign-ins at once all get an answer", async () => {
  const ctx = await server();
  await createAccount(ctx, ada());
  const codes = await Promise.all(
    Array.from({ length: 40 }, () =>
      codeOf(() => checkLogin(ctx, { username: "ada", password: PASSWORD })),
    ),
  );
  expect(codes.every((code) => code === "done")).toBe(true);
});

test("no secret stands in clear in the data folder", async () => {
  const ctx = await server({ registration: "invite" });
  const code = (await ensureFirstCode(ctx)) ?? "";
  await createAccount(ctx, ada({ code }));
  const { token } = await login(ctx, { username: "ada", password: PASSWORD }, { userAgent: null });
  for (const file of ["land.db", "land.db-wal"]) {
    const bytes = await readFile(join(ctx.config.data, file), "latin1");
    for (const secret of [PASSWORD, token, token.slice(5, 48), code, code.replaceAll("-", "")])
      expect(bytes.includes(secret)).toBe(false);
  }
  expect(ctx.logged.join("")).not.toContain(token);
});
