import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import * as fc from "fast-check";

import { identify } from "#accounts/actor.ts";
import { flushUse } from "#accounts/last-used.ts";
import { createToken, listTokens, revokeToken } from "#accounts/tokens.ts";
import { isTokenSecret, makeTokenSecret } from "#base/tokens.ts";
import { parsePage } from "#http/page.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { bearing, codeOf, makeToken, signUp } from "#test/support/people.ts";

const DAY_MS = 86_400_000;
const PAGE = { limit: 100, cursor: undefined };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
});
afterEach(() => ctx.close());

test("a secret has its form, its checksum, and survives no change of one character", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, fc.nat(48), fc.constantFrom("0", "A", "z", "9"), (random, at, char) => {
      const secret = makeTokenSecret(() => random);
      expect(secret).toMatch(/^land_[0-9A-Za-z]{49}$/);
      expect(isTokenSecret(secret)).toBe(true);
      const changed = `${secret.slice(0, 5 + at)}${char}${secret.slice(6 + at)}`;
      expect(isTokenSecret(changed)).toBe(changed === secret);
    }),
  );
  expect(makeTokenSecret(() => new Uint8Array(32).fill(255))).toHaveLength(54);
});

test("only a Bearer token that holds is somebody", async () => {
  const { token, actor } = await signUp(ctx, "ada");
  expect(actor).toMatchObject({
    name: "ada",
    isAdmin: true,
    via: { kind: "token", scopes: ["account"] },
  });
  const stranger = makeTokenSecret(ctx.random);
  const headers = [
    "",
    "Bearer",
    "Bearer ",
    `Basic ${btoa(`ada:${token}`)}`,
    `Bearer ${stranger}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}, Bearer ${token}`,
    token,
  ];
  for (const authorization of headers) {
    const request = new Request("http://127.0.0.1:5263/", { headers: { authorization } });
    expect(await codeOf(() => identify(ctx, request))).toBe("unauthenticated");
  }
  expect(await identify(ctx, new Request("http://127.0.0.1:5263/"))).toBeUndefined();
  const request = new Request("http://127.0.0.1:5263/", {
    headers: { authorization: `bearer ${token}` },
  });
  expect(await identify(ctx, request)).toBe(await identify(ctx, request));
});

test("only an account token makes tokens, and never an admin one for who is none", async () => {
  await signUp(ctx, "admin-ada");
  const bob = await signUp(ctx, "bob");
  const all = [
    "read",
    "publish",
    "publish:left",
    "yank",
    "deploy",
    "deploy:blog",
    "site:blog",
    "stats:blog",
    "admin",
  ];
  for (const held of all.slice(0, -1)) {
    const weak = await makeToken(ctx, bob, held);
    for (const wanted of ["account", ...all])
      expect(await codeOf(() => makeToken(ctx, weak, wanted))).toBe("scope_missing");
    expect(await codeOf(() => listTokens(ctx, weak.actor, PAGE))).toBe("scope_missing");
    expect(await codeOf(() => revokeToken(ctx, weak.actor, "0"))).toBe("scope_missing");
  }
  expect(await codeOf(() => makeToken(ctx, bob, "admin"))).toBe("forbidden");
  expect(await codeOf(() => makeToken(ctx, bob, "read", "admin"))).toBe("forbidden");
  expect(await codeOf(() => makeToken(ctx, bob, "account"))).toBe("done");
});

test("no token outlives the one that made it", async () => {
  const { actor } = await signUp(ctx, "ada");
  const end = new Date(ctx.now().getTime() + 90 * DAY_MS).toISOString();
  const body = { name: "ci", scopes: ["account"] };
  const inherited = await createToken(ctx, actor, body);
  expect(inherited.expiresAt).toBe(end);
  const short = await createToken(ctx, actor, { ...body, expiresInDays: 1 });
  expect(await codeOf(() => createToken(ctx, actor, { ...body, expiresInDays: 91 }))).toBe(
    "forbidden",
  );
  const child = await identify(ctx, bearing(short.token));
  expect(await codeOf(() => createToken(ctx, child, { ...body, expiresInDays: 2 }))).toBe(
    "forbidden",
  );
  ctx.pass(DAY_MS - 1);
  expect(await codeOf(() => identify(ctx, bearing(short.token)))).toBe("done");
  ctx.pass(1);
  expect(await codeOf(() => identify(ctx, bearing(short.token)))).toBe("unauthenticated");
  ctx.pass(89 * DAY_MS);
  expect(await codeOf(() => identify(ctx, bearing(inherited.token)))).toBe("unauthenticated");
});

test("a session makes tokens that never end", async () => {
  const { actor } = await signUp(ctx, "ada");
  const browsing = { ...actor, via: { kind: "session" as const, hash: "h" } };
  const { expiresAt } = await createToken(ctx, browsing, { name: "ci", scopes: ["publish"] });
  expect(expiresAt).toBeNull();
});

test("a revoked token stops at once and is no longer listed", async () => {
  const ada = await signUp(ctx, "ada");
  const bob = await signUp(ctx, "bob");
  const { id, token } = await createToken(ctx, ada.actor, { name: "ci", scopes: ["publish"] });
  expect(await codeOf(() => revokeToken(ctx, bob.actor, id))).toBe("not_found");
  expect(await codeOf(() => identify(ctx, bearing(token)))).toBe("done");
  await revokeToken(ctx, ada.actor, id);
  expect(await codeOf(() => identify(ctx, bearing(token)))).toBe("unauthenticated");
  expect(await codeOf(() => revokeToken(ctx, ada.actor, id))).toBe("not_found");
  const { items } = await listTokens(ctx, ada.actor, PAGE);
  expect(items.map(({ name }) => name)).toEqual(["login 2026-03-01 from land/0.1.0"]);
  expect(JSON.stringify(items)).not.toContain("land_");
});

test("a weak token may revoke itself, and nothing else", async () => {
  const ada = await signUp(ctx, "ada");
  const weak = await makeToken(ctx, ada, "read");
  const other = await makeToken(ctx, ada, "read");
  const idOf = ({ actor }: typeof weak) => (actor.via.kind === "token" ? actor.via.id : "");
  expect(await codeOf(() => revokeToken(ctx, weak.actor, idOf(other)))).toBe("scope_missing");
  await revokeToken(ctx, weak.actor, idOf(weak));
  expect(await codeOf(() => identify(ctx, bearing(weak.token)))).toBe("unauthenticated");
});

test("the list pages without loss or repetition", async () => {
  const ada = await signUp(ctx, "ada");
  for (let i = 0; i < 5; i++) {
    await createToken(ctx, ada.actor, { name: `t${i}`, scopes: ["read"] });
    if (i % 2) ctx.pass(1000);
  }
  const names: string[] = [];
  let cursor: readonly (string | number)[] | undefined;
  do {
    const { items, next } = await listTokens(ctx, ada.actor, { limit: 2, cursor });
    names.push(...items.map(({ name }) => name));
    cursor = next === null ? undefined : parsePage({ cursor: next }).cursor;
  } while (cursor);
  expect(names.toSorted()).toEqual([
    "login 2026-03-01 from land/0.1.0",
    "t0",
    "t1",
    "t2",
    "t3",
    "t4",
  ]);
});

test("the last use is written in batches, at most once a minute", async () => {
  const ada = await signUp(ctx, "ada");
  const lastUse = async () => (await listTokens(ctx, ada.actor, PAGE)).items[0]?.lastUsedAt;
  await flushUse(ctx);
  const first = ctx.now().toISOString();
  expect(await lastUse()).toBe(first);
  ctx.pass(59_999);
  await identify(ctx, bearing(ada.token));
  await flushUse(ctx);
  expect(await lastUse()).toBe(first);
  ctx.pass(1);
  await identify(ctx, bearing(ada.token));
  await flushUse(ctx);
  expect(await lastUse()).toBe(ctx.now().toISOString());
});
