import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { createToken, revokeToken } from "#accounts/tokens.ts";
import { parsePage } from "#http/page.ts";
import type { Role } from "#sites/model.ts";
import { requireSite } from "#sites/rights.ts";
import { deleteMember, listMembers, putMember, readMember } from "#sites/site/members.ts";
import { updateSite } from "#sites/site/settings.ts";
import { listSiteKeys } from "#sites/site/site-keys.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { actorOf, codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

const ALL = { limit: 100, cursor: undefined };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let root: Person;
let ada: Person;
let bob: Person;
let eve: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  root = await signUp(ctx, "root");
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
  eve = await signUp(ctx, "eve");
  await createSite(ctx, ada.actor, { name: "blog" });
});
afterEach(() => ctx.close());

const put = (who: Person, user: string, role: Role) =>
  putMember(ctx, who.actor, { site: "blog", user }, role);
const remove = (who: Person, user: string) => deleteMember(ctx, who.actor, { site: "blog", user });
const deploys = async (key: Person) =>
  codeOf(async () =>
    requireSite(ctx, await actorOf(ctx, key.token), "blog", {
      action: "deploy to",
      role: "developer",
      scope: "deploy",
    }),
  );

test("owners add members and change roles; the list has the longest member first", async () => {
  expect(await put(ada, "bob", "viewer")).toEqual({
    user: "bob",
    role: "viewer",
    addedAt: "2026-03-01T12:00:00.000Z",
  });
  ctx.pass(1000);
  await put(ada, "eve", "developer");
  await put(ada, "bob", "developer");
  const first = await listMembers(ctx, bob.actor, "blog", { limit: 2, cursor: undefined });
  expect(first.items.map(({ user, role }) => `${user} ${role}`)).toEqual([
    "ada owner",
    "bob developer",
  ]);
  const { cursor } = parsePage({ cursor: first.next ?? "" });
  const rest = await listMembers(ctx, bob.actor, "blog", { limit: 2, cursor });
  expect([rest.items.map(({ user }) => user), rest.next]).toEqual([["eve"], null]);
  expect((await readMember(ctx, bob.actor, { site: "blog", user: "ada" })).role).toBe("owner");
});

test("only owners change members, whoever else is one", async () => {
  await put(ada, "bob", "developer");
  await put(ada, "eve", "viewer");
  for (const who of [bob, eve]) {
    expect(await codeOf(() => put(who, "bob", "owner"))).toBe("site_role");
    expect(await codeOf(() => put(who, "eve", "owner"))).toBe("site_role");
    expect(await codeOf(() => remove(who, "ada"))).toBe("site_role");
  }
  expect(await codeOf(() => put(root, "root", "owner"))).toBe("done");
  const key = await makeToken(ctx, ada, "site:blog");
  expect(await codeOf(() => put(key, "bob", "owner"))).toBe("scope_missing");
  expect(await codeOf(() => remove(key, "bob"))).toBe("scope_missing");
});

test("who is no member sees and changes nothing", async () => {
  const target = { site: "blog", user: "ada" };
  const codes = [
    codeOf(() => listMembers(ctx, bob.actor, "blog", ALL)),
    codeOf(() => readMember(ctx, bob.actor, target)),
    codeOf(() => put(bob, "bob", "owner")),
    codeOf(() => remove(bob, "bob")),
    codeOf(() => listSiteKeys(ctx, bob.actor, "blog", ALL)),
  ];
  expect(new Set(await Promise.all(codes))).toEqual(new Set(["site_not_found"]));
  expect(await codeOf(() => listMembers(ctx, undefined, "blog", ALL))).toBe("unauthenticated");
});

test("a member exists as an account, and a former one is none", async () => {
  expect(await codeOf(() => put(ada, "nobody", "viewer"))).toBe("not_found");
  expect(await codeOf(() => remove(ada, "bob"))).toBe("not_found");
  expect(await codeOf(() => readMember(ctx, ada.actor, { site: "blog", user: "bob" }))).toBe(
    "not_found",
  );
});

test("a site keeps an owner", async () => {
  expect(await codeOf(() => remove(ada, "ada"))).toBe("last_site_owner");
  expect(await codeOf(() => put(ada, "ada", "viewer"))).toBe("last_site_owner");
  expect(await codeOf(() => remove(root, "ada"))).toBe("last_site_owner");
  expect(await codeOf(() => put(ada, "ada", "owner"))).toBe("done");
  await put(ada, "bob", "owner");
  const codes = await Promise.all([
    codeOf(() => remove(ada, "ada")),
    codeOf(() => remove(bob, "bob")),
  ]);
  expect(codes.toSorted()).toEqual(["done", "last_site_owner"]);
});

test("every member may leave", async () => {
  await put(ada, "bob", "viewer");
  expect(await codeOf(() => remove(bob, "bob"))).toBe("done");
  expect(await codeOf(() => remove(bob, "bob"))).toBe("site_not_found");
});

test("the name of a removed site is held for all who owned it", async () => {
  await put(ada, "bob", "owner");
  await put(ada, "eve", "developer");
  await deleteSite(ctx, ada.actor, "blog");
  expect(await codeOf(() => createSite(ctx, eve.actor, { name: "blog" }))).toBe("site_name_held");
  expect(await codeOf(() => createSite(ctx, bob.actor, { name: "blog" }))).toBe("done");
});

test("a smaller role and a removal hold at once, for deploy keys too", async () => {
  await put(ada, "bob", "developer");
  const key = await makeToken(ctx, bob, "deploy:blog");
  const wide = await makeToken(ctx, bob, "deploy");
  expect([await deploys(key), await deploys(wide), await deploys(bob)]).toEqual([
    "done",
    "done",
    "done",
  ]);
  await put(ada, "bob", "viewer");
  expect([await deploys(key), await deploys(wide), await deploys(bob)]).toEqual([
    "site_role",
    "site_role",
    "site_role",
  ]);
  await remove(ada, "bob");
  const gone = ["site_not_found", "site_not_found", "site_not_found"];
  expect([await deploys(key), await deploys(wide), await deploys(bob)]).toEqual(gone);
  await put(ada, "bob", "developer");
  await revokeToken(ctx, bob.actor, key.actor.via.kind === "token" ? key.actor.via.id : "");
  expect(await deploys(key)).toBe("unauthenticated");
});

test("a key for a site of others opens nothing", async () => {
  const key = await makeToken(ctx, eve, "deploy:blog", "site:blog", "stats:blog");
  expect(await deploys(key)).toBe("site_not_found");
  expect(await codeOf(() => updateSite(ctx, key.actor, "blog", { maintenance: true }))).toBe(
    "site_not_found",
  );
});

test("a key makes no key, and no site", async () => {
  for (const scope of ["deploy:blog", "site:blog", "deploy"]) {
    const key = await makeToken(ctx, ada, scope);
    const body = { name: "more", scopes: ["deploy:blog"] };
    expect(await codeOf(() => createToken(ctx, key.actor, body))).toBe("scope_missing");
    expect(await codeOf(() => createSite(ctx, key.actor, { name: "more" }))).toBe("scope_missing");
  }
});

test("the keys of a site are the own ones that open nothing else", async () => {
  await put(ada, "bob", "developer");
  await makeToken(ctx, bob, "deploy:blog");
  const name = async (person: Person, ...scopes: string[]) => {
    ctx.pass(1000);
    const { id } = await createToken(ctx, person.actor, { name: scopes.join(), scopes });
    return id;
  };
  const deploy = await name(ada, "deploy:blog");
  const both = await name(ada, "site:blog", "stats:blog");
  for (const scopes of [
    ["deploy"],
    ["account"],
    ["deploy:blog", "deploy:shop"],
    ["publish", "stats:blog"],
    ["deploy:blog2"],
  ])
    await name(ada, ...scopes);
  const revoked = await name(ada, "stats:blog");
  await revokeToken(ctx, ada.actor, revoked);
  const { items, next } = await listSiteKeys(ctx, ada.actor, "blog", ALL);
  expect(items.map(({ id }) => id)).toEqual([both, deploy]);
  expect(items[0]).toEqual({
    id: both,
    name: "site:blog,stats:blog",
    scopes: ["site:blog", "stats:blog"],
    createdAt: "2026-03-01T12:00:02.000Z",
    expiresAt: expect.any(String),
    lastUsedAt: null,
  });
  expect(next).toBeNull();
  const first = await listSiteKeys(ctx, ada.actor, "blog", { limit: 1, cursor: undefined });
  expect([first.items.map(({ id }) => id), first.next]).toEqual([[both], expect.any(String)]);
  expect((await listSiteKeys(ctx, bob.actor, "blog", ALL)).items).toHaveLength(1);
});
