import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import type { Role } from "#sites/model.ts";
import { putMember } from "#sites/site/members.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
/** root is the admin of the server. */
let root: Person;
let ada: Person;
let bob: Person;
let events: unknown[];
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  [root, ada, bob] = [
    await signUp(ctx, "root"),
    await signUp(ctx, "ada"),
    await signUp(ctx, "bob"),
  ];
  events = [];
  ctx.hooks.on(
    "site.changed",
    (payload) => void events.push({ event: "site.changed", ...payload }),
  );
});
afterEach(() => ctx.close());

const make = (who: Person, name: string) => createSite(ctx, who.actor, { name });

test("settings: what is not named stays, and no column that is no setting is written", async () => {
  await make(ada, "blog");
  ctx.pass(1000);
  const changes = { maintenance: true, name: "stolen", createdBy: 1, usedBytes: 7, gateVersion: 9 };
  const changed = await updateSite(ctx, ada.actor, "blog", changes);
  expect(changed).toMatchObject({
    name: "blog",
    maintenance: true,
    protection: "none",
    usedBytes: 0,
  });
  expect(changed.updatedAt).toBe("2026-03-01T12:00:01.000Z");
  expect(await gateOf("blog")).toEqual({ version: 1, hash: null });
  expect((await updateSite(ctx, ada.actor, "blog", {})).maintenance).toBe(true);
  expect(events.at(-1)).toEqual({ event: "site.changed", site: "blog" });
});

test("passes end with each change of protection or password", async () => {
  await make(ada, "blog");
  const set = (changes: Parameters<typeof updateSite>[3]) =>
    updateSite(ctx, ada.actor, "blog", changes);
  expect(await codeOf(() => set({ protection: "password" }))).toBe("invalid_input");
  expect(await codeOf(() => set({ protection: "members", password: "x" }))).toBe("invalid_input");
  expect(await codeOf(() => set({ protection: "none", password: "x" }))).toBe("invalid_input");
  expect(await codeOf(() => set({ password: "é".repeat(600) }))).toBe("invalid_input");
  expect((await gateOf("blog")).version).toBe(1);
  expect((await set({ password: "open sesame" })).protection).toBe("password");
  const first = await gateOf("blog");
  expect(first.version).toBe(2);
  expect(first.hash).toStartWith("$argon2id$");
  await set({ protection: "password" });
  await set({ maintenance: true });
  expect(await gateOf("blog")).toEqual(first);
  await set({ password: "another" });
  expect((await gateOf("blog")).version).toBe(3);
  await set({ protection: "members" });
  expect(await gateOf("blog")).toEqual({ version: 4, hash: null });
  expect(await codeOf(() => set({ protection: "password" }))).toBe("invalid_input");
  await set({ protection: "none" });
  expect((await gateOf("blog")).version).toBe(5);
});

test("quotas are for admins, requests up to the server's limit for owners", async () => {
  await make(ada, "blog");
  const limit = ctx.config["sites.requestsPerMinute"];
  const code = (who: Person, changes: Parameters<typeof updateSite>[3]) =>
    codeOf(() => updateSite(ctx, who.actor, "blog", changes));
  for (const changes of [
    { quotaBytes: 1 },
    { quotaFiles: null },
    { requestsPerMinute: limit + 1 },
    { requestsPerMinute: 0 },
  ]) {
    expect(await code(ada, changes)).toBe("forbidden");
    expect(await code(root, changes)).toBe("done");
  }
  expect(await code(ada, { requestsPerMinute: limit })).toBe("done");
  expect(await code(ada, { requestsPerMinute: null })).toBe("done");
  await updateSite(ctx, root.actor, "blog", { quotaBytes: 5, quotaFiles: 6 });
  expect(await readSite(ctx, ada.actor, "blog")).toMatchObject({ quotaBytes: 5, quotaFiles: 6 });
});

/** Who → what each act answers: read, set up, decide about keys, remove. */
const ACTS: [
  who: string,
  scopes: string[],
  read: string,
  set: string,
  keys: string,
  remove: string,
][] = [
  ["ada", ["account"], "done", "done", "done", "done"],
  ["ada", ["site:blog"], "done", "scope_missing", "scope_missing", "scope_missing"],
  ["ada", ["deploy:blog"], "done", "scope_missing", "scope_missing", "scope_missing"],
  ["ada", ["stats:blog"], "done", "scope_missing", "scope_missing", "scope_missing"],
  ["ada", ["deploy"], "done", "scope_missing", "scope_missing", "scope_missing"],
  ["ada", ["site:other"], "scope_missing", "scope_missing", "scope_missing", "scope_missing"],
  ["ada", ["publish"], "scope_missing", "scope_missing", "scope_missing", "scope_missing"],
  ["dev", ["account"], "done", "site_role", "site_role", "site_role"],
  ["dev", ["deploy:blog"], "done", "scope_missing", "scope_missing", "scope_missing"],
  ["view", ["account"], "done", "site_role", "site_role", "site_role"],
  ["bob", ["account"], "site_not_found", "site_not_found", "site_not_found", "site_not_found"],
  ["bob", ["site:blog"], "site_not_found", "site_not_found", "site_not_found", "site_not_found"],
  ["root", ["account"], "done", "done", "done", "done"],
  ["root", ["publish"], "site_not_found", "site_not_found", "site_not_found", "site_not_found"],
];

test("roles and scopes: who may read, set up, decide about keys, remove", async () => {
  const dev = await signUp(ctx, "dev");
  const view = await signUp(ctx, "view");
  const people = { root, ada, bob, dev, view };
  for (const [who, scopes, ...expected] of ACTS) {
    const nth = "blog";
    await make(ada, nth);
    await addMember(nth, dev, "developer");
    await addMember(nth, view, "viewer");
    const person = people[who as keyof typeof people];
    const { actor } = scopes[0] === "account" ? person : await makeToken(ctx, person, ...scopes);
    const got = [
      await codeOf(() => readSite(ctx, actor, nth)),
      await codeOf(() => updateSite(ctx, actor, nth, { maintenance: true })),
      await codeOf(() => updateSite(ctx, actor, nth, { keyPrograms: true })),
      await codeOf(() => deleteSite(ctx, actor, nth)),
    ];
    expect([who, scopes, ...got]).toEqual([who, scopes, ...expected]);
    if (got[3] !== "done") await deleteSite(ctx, ada.actor, nth);
  }
  expect(await codeOf(() => readSite(ctx, undefined, "blog"))).toBe("unauthenticated");
});

async function addMember(site: string, { actor }: Person, role: Role): Promise<void> {
  await putMember(ctx, ada.actor, { site, user: actor.name }, role);
}

async function gateOf(name: string): Promise<{ version: number; hash: string | null }> {
  const [row] = await ctx.db.search<{ version: number; hash: string | null }>(
    "SELECT gate_version AS version, password_hash AS hash FROM sites WHERE name = ?",
    [name],
  );
  if (!row) throw new Error(`no site ${name}`);
  return row;
}
