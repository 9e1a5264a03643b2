import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { sql } from "drizzle-orm";
import * as fc from "fast-check";

import { requireSite } from "#sites/rights.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { finishRemovals } from "#sites/site/sites-purge.ts";
import { listSites, readSite } from "#sites/site/sites-read.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

const DAY_MS = 86_400_000;
const ALL = { limit: 100, cursor: undefined };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
/** root is the admin of the server. */
let root: Person;
let ada: Person;
let bob: Person;
let events: unknown[];
beforeEach(async () => {
  await open();
});
afterEach(() => ctx.close());

async function open(config: Parameters<typeof testCtx>[0] = {}): Promise<void> {
  ctx = await testCtx({ ...config, config: { registration: "open", ...config.config } });
  [root, ada, bob] = [
    await signUp(ctx, "root"),
    await signUp(ctx, "ada"),
    await signUp(ctx, "bob"),
  ];
  events = [];
  for (const event of ["site.created", "site.changed", "site.deleted", "domain.removed"] as const)
    ctx.hooks.on(event, (payload) => void events.push({ event, ...payload }));
}

async function reopen(config: NonNullable<Parameters<typeof testCtx>[0]>["config"]): Promise<void> {
  await ctx.close();
  await open({ config: config ?? {} });
}

const make = (who: Person, name: string) => createSite(ctx, who.actor, { name });

test("a new site belongs to its maker and is empty", async () => {
  const made = await make(ada, "blog");
  expect(made).toEqual({
    name: "blog",
    url: "http://blog.localhost:5263",
    role: "owner",
    protection: "none",
    maintenance: false,
    keyPrograms: false,
    live: null,
    domains: [],
    usedBytes: 0,
    quotaBytes: ctx.config["sites.siteBytes"],
    quotaFiles: ctx.config["sites.files"],
    requestsPerMinute: ctx.config["sites.requestsPerMinute"],
    createdAt: "2026-03-01T12:00:00.000Z",
    updatedAt: "2026-03-01T12:00:00.000Z",
  });
  expect(await readSite(ctx, ada.actor, "blog")).toEqual(made);
  expect(events).toEqual([{ event: "site.created", site: "blog", user: "ada" }]);
});

test.each([
  ["a", "done"],
  ["a".repeat(50), "done"],
  ["a".repeat(51), "name_invalid"],
  ["0-a-9", "done"],
  ["", "name_invalid"],
  ["-a", "name_invalid"],
  ["a-", "name_invalid"],
  ["a--b", "name_invalid"],
  ["A", "name_invalid"],
  ["a.b", "name_invalid"],
  ["a_b", "name_invalid"],
  ["bücher", "name_invalid"],
  ["a\n", "name_invalid"],
  ["../x", "name_invalid"],
  ["www", "name_reserved"],
  ["api", "name_reserved"],
  ["land", "name_reserved"],
  ["autodiscover", "name_reserved"],
  ["shop", "name_reserved"],
])("the name %j: %s", async (name, outcome) => {
  await reopen({ "sites.reservedNames": ["shop"] });
  expect(await codeOf(() => make(ada, name))).toBe(outcome);
});

test("whatever text is asked for, no name but a DNS label becomes a site", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 8, unit: "binary" }), async (name) => {
      const code = await codeOf(() => make(root, name));
      if (code === "done") expect(name).toMatch(/^[a-z0-9](?:-?[a-z0-9])*$/);
      else expect(["name_invalid", "name_reserved", "site_taken"]).toContain(code);
    }),
    { numRuns: 100 },
  );
});

test("a name is taken once, also by many at once", async () => {
  const codes = await Promise.all(
    [ada, bob, root, ada, bob].map((who) => codeOf(() => make(who, "blog"))),
  );
  expect(codes.toSorted()).toEqual(["done", ...Array.from({ length: 4 }, () => "site_taken")]);
});

test("making a site needs an account and its whole scope", async () => {
  expect(await codeOf(() => createSite(ctx, undefined, { name: "blog" }))).toBe("unauthenticated");
  for (const scope of ["deploy", "deploy:blog", "site:blog", "publish"])
    expect(await codeOf(async () => make(await makeToken(ctx, ada, scope), "blog"))).toBe(
      "scope_missing",
    );
});

test("an account makes so many sites, admins any number, and a removed one counts no more", async () => {
  await reopen({ "sites.perAccount": 2 });
  await make(ada, "one");
  await make(ada, "two");
  expect(await codeOf(() => make(ada, "three"))).toBe("quota_exceeded");
  await deleteSite(ctx, ada.actor, "one");
  expect(await codeOf(() => make(ada, "three"))).toBe("done");
  for (const name of ["r1", "r2", "r3"]) expect(await codeOf(() => make(root, name))).toBe("done");
  await reopen({ "sites.perAccount": 0 });
  expect(await codeOf(() => make(ada, "one"))).toBe("forbidden");
  expect(await codeOf(() => make(root, "one"))).toBe("done");
});

test("on a server of members a site begins protected and is never open to all", async () => {
  await reopen({ access: "members" });
  expect((await make(ada, "blog")).protection).toBe("members");
  const site = await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  expect(site.protection).toBe("members");
});

test("the name of a removed site is held for its owners", async () => {
  await make(ada, "blog");
  await deleteSite(ctx, ada.actor, "blog");
  expect(await codeOf(() => readSite(ctx, ada.actor, "blog"))).toBe("site_not_found");
  expect(await codeOf(() => make(bob, "blog"))).toBe("site_name_held");
  expect(await codeOf(() => make(root, "blog"))).toBe("site_name_held");
  expect(await codeOf(() => make(ada, "blog"))).toBe("done");
  await deleteSite(ctx, ada.actor, "blog");
  ctx.pass(30 * DAY_MS - 1);
  expect(await codeOf(() => make(bob, "blog"))).toBe("site_name_held");
  ctx.pass(1);
  expect(await codeOf(() => make(bob, "blog"))).toBe("done");
  await deleteSite(ctx, bob.actor, "blog");
  // Who had the name before the last owner does not hold it any more.
  expect(await codeOf(() => make(ada, "blog"))).toBe("site_name_held");
});

test("an admin who removes a site leaves its name to its owner", async () => {
  await make(ada, "blog");
  await deleteSite(ctx, root.actor, "blog");
  expect(await codeOf(() => make(root, "blog"))).toBe("site_name_held");
  expect(await codeOf(() => make(ada, "blog"))).toBe("done");
});

test("with a site go its deploys, domains, members and logs, and nothing of others", async () => {
  await make(ada, "blog");
  await make(bob, "shop");
  await fill("blog", "aaaaaaaaaa");
  await fill("shop", "bbbbbbbbbb");
  await deleteSite(ctx, ada.actor, "blog");
  for (const table of ["deploys", "deploy_files", "site_blobs", "releases", "domains", "site_logs"])
    expect([table, await countRows(table)]).toEqual([table, table === "domains" ? 2 : 1]);
  expect(await countRows("site_members")).toBe(1);
  expect(events.slice(-2)).toEqual([
    { event: "site.deleted", site: "blog", id: 1, user: "ada" },
    { event: "domain.removed", site: "blog", host: "blog.example.com" },
  ]);
  expect((await readSite(ctx, bob.actor, "shop")).live?.id).toBe("bbbbbbbbbb");
});

test("a removal that a crash cut goes on later, and what is left of the site shows nowhere", async () => {
  await make(ada, "blog");
  await make(bob, "shop");
  await fill("blog", "aaaaaaaaaa");
  await fill("shop", "bbbbbbbbbb");
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`UPDATE sites SET name = '~1', created_by = NULL, live_deploy = NULL WHERE name = 'blog'`,
    );
  });
  expect(await namesOf(root, { all: true })).toEqual(["shop"]);
  for (const name of ["~1", "blog"])
    expect(await codeOf(() => readSite(ctx, root.actor, name))).toBe("site_not_found");
  expect(await codeOf(() => make(ada, "blog"))).toBe("done");
  await finishRemovals(ctx);
  expect([await countRows("sites"), await countRows("deploy_files")]).toEqual([2, 1]);
});

test("other work goes on while a large site is removed", async () => {
  await make(ada, "blog");
  await fill("blog", "aaaaaaaaaa");
  await ctx.db.transaction(async (tx) => {
    const numbers = sql`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11998)`;
    await tx.run(
      sql`${numbers} INSERT INTO deploy_files SELECT 'aaaaaaaaaa', printf('%d.html', i), 'sha256:0', 1 FROM n`,
    );
  });
  const seen = new Set<number>();
  const removal = deleteSite(ctx, ada.actor, "blog");
  while (!seen.has(0)) {
    await new Promise((resolve) => setImmediate(resolve));
    const [row] = await ctx.db.read.all<{ n: number }>(sql`SELECT count(*) AS n FROM deploy_files`);
    seen.add(row?.n ?? -1);
  }
  await removal;
  expect([...seen]).toEqual(expect.arrayContaining([7000, 2000]));
  expect(await countRows("sites")).toBe(0);
});

test("a site tells its live deploy and its proven domains", async () => {
  await make(ada, "blog");
  await fill("blog", "aaaaaaaaaa");
  const { live, domains } = await readSite(ctx, ada.actor, "blog");
  expect(live).toMatchObject({
    id: "aaaaaaaaaa",
    site: "blog",
    live: true,
    createdBy: "ada",
    url: "http://aaaaaaaaaa--blog.localhost:5263",
  });
  expect(domains).toEqual(["blog.example.com"]);
});

test("a list has the own sites by name, page after page", async () => {
  for (const name of ["c", "a", "b"]) await make(ada, name);
  await make(bob, "d");
  await fill("b", "aaaaaaaaaa");
  const first = await listSites(ctx, ada.actor, { limit: 2, cursor: undefined });
  expect(first.items.map(({ name, live, domains }) => [name, live?.id, domains])).toEqual([
    ["a", undefined, []],
    ["b", "aaaaaaaaaa", ["b.example.com"]],
  ]);
  expect(first.next).not.toBeNull();
  const rest = await listSites(ctx, ada.actor, { limit: 2, cursor: ["b"] });
  expect([rest.items.map(({ name }) => name), rest.next]).toEqual([["c"], null]);
  expect(await namesOf(bob)).toEqual(["d"]);
  expect(await namesOf(root)).toEqual([]);
  expect(await namesOf(root, { all: true })).toEqual(["a", "b", "c", "d"]);
  expect(await codeOf(() => namesOf(ada, { all: true }))).toBe("forbidden");
});

test("a key lists the sites it is made for", async () => {
  for (const name of ["any", "blog", "shop"]) await make(ada, name);
  await make(bob, "foreign");
  expect(await namesOf(await makeToken(ctx, ada, "deploy:blog", "stats:foreign"))).toEqual([
    "blog",
  ]);
  expect(await namesOf(await makeToken(ctx, ada, "deploy:any"))).toEqual(["any"]);
  expect(await namesOf(await makeToken(ctx, ada, "deploy"))).toEqual(["any", "blog", "shop"]);
  expect(await codeOf(async () => namesOf(await makeToken(ctx, ada, "publish")))).toBe(
    "scope_missing",
  );
  expect(await codeOf(() => listSites(ctx, undefined, ALL))).toBe("unauthenticated");
});

test("an unknown site, a foreign one and no name at all are told apart by nobody", async () => {
  await make(ada, "blog");
  const answers = await Promise.all(
    ["blog", "none", "../etc", "", "blog\0"].map((name) =>
      requireSite(ctx, bob.actor, name, { action: "x", role: "viewer", scope: "any" }).catch(
        (error: unknown) => error instanceof Error && "code" in error && error.code,
      ),
    ),
  );
  expect(new Set(answers)).toEqual(new Set(["site_not_found"]));
});

async function namesOf(who: Person, more: { all?: boolean } = {}): Promise<string[]> {
  const { items } = await listSites(ctx, who.actor, { ...ALL, ...more });
  return items.map(({ name }) => name);
}

async function countRows(table: string): Promise<number> {
  const [row] = await ctx.db.search<{ n: number }>(`SELECT count(*) AS n FROM ${table}`, []);
  return row?.n ?? -1;
}

/** A row of each kind: a live deploy with one file, a domain that is proven and one that is not, a line of log. */
async function fill(name: string, deploy: string): Promise<void> {
  const id = sql`(SELECT id FROM sites WHERE name = ${name})`;
  const owner = sql`(SELECT created_by FROM sites WHERE name = ${name})`;
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`INSERT INTO deploys (id, site_id, state, source, created_at, created_by) VALUES (${deploy}, ${id}, 'ready', 'api', 0, ${owner})`,
    );
    await tx.run(sql`INSERT INTO deploy_files VALUES (${deploy}, 'index.html', 'sha256:0', 1)`);
    await tx.run(sql`INSERT INTO site_blobs VALUES (${id}, 'sha256:0', 1, 1)`);
    await tx.run(sql`INSERT INTO releases (site_id, deploy_id, at) VALUES (${id}, ${deploy}, 0)`);
    for (const [host, state] of [
      [`${name}.example.com`, "verified"],
      [`new.${name}.example.com`, "pending"],
    ])
      await tx.run(
        sql`INSERT INTO domains (host, site_id, user_id, proof, state, created_at) VALUES (${host}, ${id}, ${owner}, '', ${state}, 0)`,
      );
    await tx.run(
      sql`INSERT INTO site_logs (site_id, at, level, kind, message) VALUES (${id}, 0, 'info', 'deploy', '')`,
    );
    await tx.run(sql`UPDATE sites SET live_deploy = ${deploy} WHERE name = ${name}`);
  });
}
