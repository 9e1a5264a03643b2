import { expect, test } from "bun:test";

import { eq } from "drizzle-orm";

import { parseSiteName } from "#base/names.ts";
import { addDomain } from "#sites/domains/domain-add.ts";
import { recheckDomains } from "#sites/domains/domain-recheck.ts";
import { removeDomain } from "#sites/domains/domain-remove.ts";
import { verifyDomain } from "#sites/domains/domain-verify.ts";
import { listDomains, readDomain } from "#sites/domains/domains.ts";
import { domains, sites } from "#sites/tables.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { domainWorld, makeSite, type World } from "./domain-world.ts";

const HOST = "shop.example.org";
const BLOG = { site: "blog", host: HOST };
const EVIL = { site: "evil", host: HOST };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Claims the host for blog and verifies it. */
async function verified({ ctx, dns, ada }: World): Promise<string> {
  const { record, value } = await addDomain(ctx, ada.actor, "blog", { host: HOST });
  dns.txt.set(record, [[value]]);
  await verifyDomain(ctx, ada.actor, BLOG);
  return value;
}

const stateOf = async ({ ctx, ada }: World) => (await readDomain(ctx, ada.actor, BLOG)).state;

test("a domain is claimed, proven by a TXT record, listed and told", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada, told } = world;
  const claimed = await addDomain(ctx, ada.actor, "blog", { host: "Shop.Example.org." });
  expect(claimed).toMatchObject({
    host: HOST,
    state: "pending",
    url: `http://${HOST}:5263`,
    record: `_land.${HOST}`,
    target: "blog.land.example",
    problem: null,
    certificate: "none",
    verifiedAt: null,
  });
  expect(claimed.value).toMatch(/^land-verify=[A-Za-z0-9_-]{43}$/);
  expect(await addDomain(ctx, ada.actor, "blog", { host: HOST })).toEqual(claimed);

  expect(await codeOf(() => verifyDomain(ctx, ada.actor, BLOG))).toBe("domain_unproven");
  expect((await readDomain(ctx, ada.actor, BLOG)).problem).toBe(
    "there is no TXT record at _land.shop.example.org",
  );
  dns.txt.set(claimed.record, [["v=spf1 -all"], [claimed.value]]);
  const done = await verifyDomain(ctx, ada.actor, BLOG);
  expect(done).toMatchObject({ state: "verified", problem: null });
  expect(done.verifiedAt).toBe(ctx.now().toISOString());
  expect(told).toEqual([`domain.verified ${HOST} blog`, "site.changed blog"]);
  const page = await listDomains(ctx, ada.actor, "blog", { limit: 20, cursor: undefined });
  expect(page).toEqual({ items: [done], next: null });
});

test.each<[string, (value: string) => string[][], string]>([
  [
    "split into strings",
    (value) => [[value.slice(0, 9), value.slice(9, 10), value.slice(10)]],
    "done",
  ],
  ["among others", (value) => [["a"], [value], ["b"]], "done"],
  ["in another case", (value) => [[value.toUpperCase()]], "domain_unproven"],
  ["with a blank", (value) => [[`${value} `]], "domain_unproven"],
  ["inside a longer one", (value) => [[`x${value}`, "y"]], "domain_unproven"],
  ["cut", (value) => [[value.slice(0, -1)]], "domain_unproven"],
  ["empty", () => [[""]], "domain_unproven"],
])("a proof %s", async (_, records, code) => {
  await using world = await domainWorld();
  const { ctx, dns, ada } = world;
  const { record, value } = await addDomain(ctx, ada.actor, "blog", { host: HOST });
  dns.txt.set(record, records(value));
  expect(await codeOf(() => verifyDomain(ctx, ada.actor, BLOG))).toBe(code);
});

test("the value of another account, or for another host, proves nothing", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada, eve } = world;
  const { record, value } = await addDomain(ctx, ada.actor, "blog", { host: HOST });
  const evil = await addDomain(ctx, eve.actor, "evil", { host: HOST });
  const other = await addDomain(ctx, eve.actor, "evil", { host: "www.example.org" });
  expect(new Set([value, evil.value, other.value]).size).toBe(3);
  dns.txt.set(record, [[value], [other.value]]);
  expect(await codeOf(() => verifyDomain(ctx, eve.actor, EVIL))).toBe("domain_unproven");
});

test("subdomain takeover: what another site has verified is taken, and after its deletion only an own proof gets it", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada, eve } = world;
  const value = await verified(world);
  const evil = await addDomain(ctx, eve.actor, "evil", { host: HOST });
  dns.txt.set(evil.record, [[value], [evil.value]]);
  expect(await codeOf(() => verifyDomain(ctx, eve.actor, EVIL))).toBe("domain_taken");
  dns.txt.set(evil.record, [[value]]);

  await ctx.db.transaction((tx) => tx.delete(sites).where(eq(sites.name, "blog" as never)));
  // The old record still stands, as people forget it.
  expect(await codeOf(() => verifyDomain(ctx, eve.actor, EVIL))).toBe("domain_unproven");
  await recheckDomains(ctx);
  expect((await readDomain(ctx, eve.actor, EVIL)).state).toBe("pending");
  await makeSite(ctx, ada.actor, "blog");
  await addDomain(ctx, ada.actor, "blog", { host: HOST });
  expect(await codeOf(() => verifyDomain(ctx, ada.actor, BLOG))).toBe("done");
});

test("a removed domain is told at once and must be proven anew", async () => {
  await using world = await domainWorld();
  const { ctx, ada, eve, told } = world;
  await verified(world);
  told.length = 0;
  expect(await codeOf(() => removeDomain(ctx, eve.actor, BLOG))).toBe("site_not_found");
  await removeDomain(ctx, ada.actor, BLOG);
  expect(told).toEqual([`domain.removed ${HOST} blog`, "site.changed blog"]);
  expect(await codeOf(() => removeDomain(ctx, ada.actor, BLOG))).toBe("domain_not_found");
  expect(await codeOf(() => verifyDomain(ctx, ada.actor, BLOG))).toBe("domain_not_found");
  expect((await addDomain(ctx, ada.actor, "blog", { host: HOST })).state).toBe("pending");
});

test("a proof that is gone: failing, served for the days of grace, then not", async () => {
  await using world = await domainWorld();
  const { ctx, dns, told } = world;
  const value = await verified(world);
  told.length = 0;
  dns.txt.delete(`_land.${HOST}`);
  ctx.pass(DAY - 1);
  expect(await recheckDomains(ctx)).toMatchObject({ unproven: 0, proven: 0 });
  ctx.pass(1);
  expect(await recheckDomains(ctx)).toMatchObject({ unproven: 1 });
  expect(await stateOf(world)).toBe("failing");
  expect(told).toEqual([]);

  dns.txt.set(`_land.${HOST}`, [[value]]);
  ctx.pass(HOUR);
  await recheckDomains(ctx);
  expect(await stateOf(world)).toBe("verified");

  dns.txt.set(`_land.${HOST}`, [["something else"]]);
  ctx.pass(DAY);
  await recheckDomains(ctx);
  ctx.pass(7 * DAY - 1);
  await recheckDomains(ctx);
  expect(await stateOf(world)).toBe("failing");
  ctx.pass(HOUR);
  await recheckDomains(ctx);
  expect(await stateOf(world)).toBe("pending");
  expect(told).toEqual([`domain.removed ${HOST} blog`, "site.changed blog"]);
});

test("claims of one account without end keep nobody's served domain waiting", async () => {
  await using world = await domainWorld();
  const { ctx, dns, eve } = world;
  await verified(world);
  const [row] = await ctx.db.read.select().from(domains).where(eq(domains.host, HOST));
  const [own] = await ctx.db.read
    .select({ id: sites.id })
    .from(sites)
    .where(eq(sites.name, parseSiteName("evil")));
  ctx.pass(DAY - HOUR);
  await ctx.db.transaction(async (tx) => {
    const claims = Array.from({ length: 1200 }, (_, index) => ({
      host: `c${index}.example.net`,
      siteId: own?.id ?? 0,
      userId: eve.actor.userId,
      proof: "x",
      state: "pending" as const,
      createdAt: ctx.now(),
    }));
    for (let at = 0; at < claims.length; at += 400)
      await tx.insert(domains).values(claims.slice(at, at + 400));
  });
  ctx.pass(HOUR);
  dns.asked.length = 0;
  expect(await recheckDomains(ctx)).toMatchObject({ proven: 1, unproven: 40 });
  expect(row?.host).toBe(HOST);
  // One of the first to be asked for, though never-checked claims wait.
  expect(dns.asked.findIndex((asked) => asked.startsWith(`_land.${HOST} `))).toBeLessThan(3);
});

test.each(["servfail", "refused"] as const)("an answer %s proves no absence", async (entry) => {
  await using world = await domainWorld();
  const { ctx, dns, ada, told } = world;
  await verified(world);
  told.length = 0;
  dns.txt.set(`_land.${HOST}`, entry);
  for (let day = 0; day < 30; day += 1) {
    ctx.pass(DAY);
    await recheckDomains(ctx);
  }
  const domain = await readDomain(ctx, ada.actor, BLOG);
  expect(domain.state).toBe("verified");
  expect(domain.problem).toContain("the DNS server");
  expect(told).toEqual([]);
});

test("a host that changed hands goes to its new owner, but not before the grace is over", async () => {
  await using world = await domainWorld();
  const { ctx, dns, eve, told } = world;
  await verified(world);
  const { record, value } = await addDomain(ctx, eve.actor, "evil", { host: HOST });
  dns.txt.set(record, [[value]]);
  expect(await codeOf(() => verifyDomain(ctx, eve.actor, EVIL))).toBe("domain_taken");
  expect(await stateOf(world)).toBe("failing");
  ctx.pass(7 * DAY - 1);
  expect(await codeOf(() => verifyDomain(ctx, eve.actor, EVIL))).toBe("domain_taken");
  ctx.pass(1);
  told.length = 0;
  expect((await verifyDomain(ctx, eve.actor, EVIL)).state).toBe("verified");
  expect(await stateOf(world)).toBe("pending");
  expect(told).toEqual([
    `domain.removed ${HOST} blog`,
    "site.changed blog",
    `domain.verified ${HOST} evil`,
    "site.changed evil",
  ]);
});

test("new claims are tried by themselves for 7 days, ever less often", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada } = world;
  const { record } = await addDomain(ctx, ada.actor, "blog", { host: HOST });
  for (let minute = 0; minute < 60; minute += 1) {
    ctx.pass(60_000);
    await recheckDomains(ctx);
  }
  expect(dns.asked).toEqual(Array.from({ length: 5 }, () => `${record} 16`));
  ctx.pass(7 * DAY);
  await recheckDomains(ctx);
  expect(dns.asked).toHaveLength(5);

  await removeDomain(ctx, ada.actor, BLOG);
  const again = await addDomain(ctx, ada.actor, "blog", { host: HOST });
  dns.txt.set(record, [[again.value]]);
  ctx.pass(2 * 60_000);
  expect(await recheckDomains(ctx)).toMatchObject({ proven: 1 });
  expect(await stateOf(world)).toBe("verified");
});

test("a site claims as many domains as it may", async () => {
  await using world = await domainWorld({ "domains.perSite": 2 });
  const { ctx, ada } = world;
  const add = (host: string) => codeOf(() => addDomain(ctx, ada.actor, "blog", { host }));
  expect(await Promise.all(["a.example.org", "b.example.org", "c.example.org"].map(add))).toEqual([
    "done",
    "done",
    "quota_exceeded",
  ]);
  expect(await add("a.example.org")).toBe("done");
});

test("who may: keys of another site or kind and strangers may not", async () => {
  await using world = await domainWorld();
  const { ctx, ada, eve } = world;
  await addDomain(ctx, ada.actor, "blog", { host: HOST });
  const key = await makeToken(ctx, ada, "site:blog");
  const deploys = await makeToken(ctx, ada, "deploy:blog");
  const other = await makeToken(ctx, ada, "site:other");
  expect(await codeOf(() => readDomain(ctx, key.actor, BLOG))).toBe("done");
  expect(await codeOf(() => addDomain(ctx, key.actor, "blog", { host: "a.example.org" }))).toBe(
    "done",
  );
  const acts = [readDomain, verifyDomain, removeDomain];
  for (const act of acts) {
    expect(await codeOf(() => act(ctx, deploys.actor, BLOG))).toBe("scope_missing");
    expect(await codeOf(() => act(ctx, other.actor, BLOG))).toBe("scope_missing");
    expect(await codeOf(() => act(ctx, eve.actor, BLOG))).toBe("site_not_found");
    expect(await codeOf(() => act(ctx, undefined, BLOG))).toBe("unauthenticated");
  }
});
