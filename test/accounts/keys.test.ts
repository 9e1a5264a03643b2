import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { addKey, findKeyOwner, listKeys, listKeysOf, revokeKey } from "#accounts/keys.ts";
import { generateKeyPair } from "#pack/sign.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

const PAGE = { limit: 20, cursor: undefined };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let ada: Person;
let bob: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
});
afterEach(() => ctx.close());

test("a key belongs to one account; adding it again changes nothing", async () => {
  const { publicKey: key } = await generateKeyPair(ctx.random);
  const added = await addKey(ctx, ada.actor, { key, name: "laptop" });
  ctx.pass(1000);
  expect(await addKey(ctx, ada.actor, { key, name: "other" })).toEqual(added);
  expect(await codeOf(() => addKey(ctx, bob.actor, { key }))).toBe("key_taken");
  expect(await findKeyOwner(ctx, key)).toBe(ada.actor.userId);
  expect((await listKeysOf(ctx, "ada", PAGE)).items).toEqual([added]);
  expect((await listKeys(ctx, bob.actor, PAGE)).items).toEqual([]);
});

test("of two accounts that add one key at once exactly one has it", async () => {
  const { publicKey: key } = await generateKeyPair(ctx.random);
  const people = [ada, bob];
  const codes = await Promise.all(
    people.map(({ actor }) => codeOf(() => addKey(ctx, actor, { key }))),
  );
  expect(codes.toSorted()).toEqual(["done", "key_taken"]);
});

test("a revoked key is nobody's, and never comes back", async () => {
  const { publicKey: key } = await generateKeyPair(ctx.random);
  await addKey(ctx, ada.actor, { key });
  expect(await codeOf(() => revokeKey(ctx, bob.actor, key))).toBe("not_found");
  await revokeKey(ctx, ada.actor, key);
  expect(await findKeyOwner(ctx, key)).toBeUndefined();
  expect(await codeOf(() => addKey(ctx, ada.actor, { key }))).toBe("key_revoked");
  expect(await codeOf(() => addKey(ctx, bob.actor, { key }))).toBe("key_taken");
  expect(await codeOf(() => revokeKey(ctx, ada.actor, key))).toBe("not_found");
});

test("only what is a key is taken, and only from an account token", async () => {
  for (const key of [
    "",
    "ed25519:",
    `ed25519:${"A".repeat(42)}`,
    `rsa:${"A".repeat(43)}`,
    `ed25519:${"A".repeat(42)}B`,
  ])
    expect(await codeOf(() => addKey(ctx, ada.actor, { key }))).toBe("name_invalid");
  const { publicKey: key } = await generateKeyPair(ctx.random);
  const weak = await makeToken(ctx, ada, "publish");
  expect(await codeOf(() => addKey(ctx, weak.actor, { key }))).toBe("scope_missing");
  expect(await codeOf(() => revokeKey(ctx, weak.actor, key))).toBe("scope_missing");
  expect(await codeOf(() => addKey(ctx, undefined, { key }))).toBe("unauthenticated");
  expect(await codeOf(() => listKeysOf(ctx, "nobody", PAGE))).toBe("not_found");
});
