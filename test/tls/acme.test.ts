import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";

import { sql } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { readDomain } from "#sites/domains/domains.ts";
import { domains } from "#sites/tables.ts";
import type { Ctx } from "#store/ctx.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { parseObject, signUp } from "#test/support/people.ts";
import { noteFailure } from "#tls/acme-attempts.ts";
import { openChallenge } from "#tls/acme-challenges.ts";
import { createAcmeSource } from "#tls/acme.ts";
import { acmeAttempts, acmeChallenges, certificates } from "#tls/tables.ts";

import { acmeWorld } from "./acme-world.ts";

const SHOP = "shop.example.org";
const MINUTE = 60_000;
const YEAR = 365.25 * 86_400_000;

const failures = (ctx: Ctx) => ctx.db.read.select().from(acmeAttempts);

test("a certificate by HTTP-01 from an authority that refuses half of all nonces", async () => {
  await using world = await acmeWorld({}, { rejects: 50 });
  const { ctx, pebble } = world;
  const source = await world.restart();
  await world.verified(SHOP);
  const certificate = await source.find(SHOP);
  expect(certificate?.names).toEqual([SHOP]);
  const leaf = new X509Certificate(certificate?.chain ?? "");
  expect(leaf.subjectAltName).toBe(`DNS:${SHOP}`);
  expect(certificate?.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(pebble.log()).toContain("There are now 1 accounts");

  const [row] = await ctx.db.read.select().from(certificates);
  expect(row?.sealedKey.includes("PRIVATE")).toBe(false);
  expect(await ctx.db.read.select().from(acmeChallenges)).toEqual([]);
  expect(await failures(ctx)).toEqual([]);
  expect(await readDomain(ctx, world.ada.actor, { site: "blog", host: SHOP })).toMatchObject({
    certificate: "ready",
    certificateProblem: null,
  });

  const again = await (await world.restart()).find(SHOP);
  expect(again).toEqual(certificate);
  expect(pebble.orders()).toBe(1);
});

test("20 handshakes for one name make one order", async () => {
  await using world = await acmeWorld();
  const source = await world.restart();
  await world.verified(SHOP);
  const found = await Promise.all(Array.from({ length: 20 }, () => source.find(SHOP)));
  expect(new Set(found.map((each) => each?.chain)).size).toBe(1);
  expect(found[0]).toBeDefined();
  expect(world.pebble.orders()).toBe(1);
});

test("certificate abuse: names that the database does not know never reach the authority", async () => {
  await using world = await acmeWorld();
  const { ctx, pebble } = world;
  const source = await world.restart();
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`INSERT INTO domains (host, site_id, user_id, proof, state, created_at) VALUES ('pending.example.org', 1, 1, 'x', 'pending', 0)`,
    );
  });
  const names = [
    "unknown.example.org",
    "pending.example.org",
    "nosuch.land.example",
    "a.blog.land.example",
    "abcdefghij--blog.land.example",
    "www.land.example",
    "127.0.0.1",
    "localhost",
    "blog.localhost",
    "example",
  ];
  for (const name of names) expect(await source.find(name)).toBeUndefined();
  const flood = Array.from({ length: 2000 }, (_, n) => source.find(`n${n}.example.org`));
  expect((await Promise.all(flood)).filter(Boolean)).toEqual([]);
  expect(pebble.log()).not.toContain("nonce-plz");
  expect(await failures(ctx)).toEqual([]);
});

test("a name that was unknown a moment ago is served once it is verified, and not once it is removed", async () => {
  await using world = await acmeWorld();
  const source = await world.restart();
  expect(await source.find(SHOP)).toBeUndefined();
  await world.verified(SHOP);
  world.ctx.hooks.emit("domain.verified", { site: "blog", host: SHOP });
  expect(await source.find(SHOP)).toBeDefined();
  await world.unverify(SHOP);
  expect(await source.find(SHOP)).toBeUndefined();
});

test("own names are got at the start, sites when they are asked for", async () => {
  await using world = await acmeWorld({ publicUrl: "https://console.example.net" });
  const source = await world.restart();
  await source.warm();
  expect(world.pebble.orders()).toBe(2);
  await source.warm();
  expect(world.pebble.orders()).toBe(2);
  expect((await source.find("land.example"))?.names).toEqual(["land.example"]);
  expect((await source.find("console.example.net"))?.names).toEqual(["console.example.net"]);
  expect((await source.find("blog.land.example"))?.names).toEqual(["blog.land.example"]);
  expect(world.pebble.orders()).toBe(3);
});

test("a failed proof is recorded, told, and waited for ever longer, also after a restart", async () => {
  await using world = await acmeWorld({}, { answers: false });
  const { ctx, pebble } = world;
  await world.verified(SHOP);
  const source = await world.restart();
  expect(await source.find(SHOP)).toBeUndefined();
  expect(pebble.orders()).toBe(1);
  expect(await readDomain(ctx, world.ada.actor, { site: "blog", host: SHOP })).toMatchObject({
    certificate: "failing",
    certificateProblem: expect.stringMatching(/^Non-200 status code .* 404 .*\(unauthorized\)$/),
  });
  expect(await ctx.db.read.select().from(acmeChallenges)).toEqual([]);

  expect(await source.find(SHOP)).toBeUndefined();
  expect(await (await world.restart()).find(SHOP)).toBeUndefined();
  expect(pebble.orders()).toBe(1);
  world.pass(MINUTE);
  const after = await world.restart();
  expect(await after.find(SHOP)).toBeUndefined();
  expect(pebble.orders()).toBe(2);
  const [row] = await failures(ctx);
  expect(row).toMatchObject({ name: SHOP, failures: 2 });
  expect((row?.nextAt.getTime() ?? 0) - (row?.lastAt.getTime() ?? 0)).toBe(2 * MINUTE);
});

test("the wait after failures ends at a day, or where the authority says", async () => {
  await using world = await acmeWorld();
  const { ctx } = world;
  const waited = async (retryAfterSeconds?: number) => {
    const params = { name: SHOP, problem: "no" };
    const error = fail(
      "certificate_failed",
      retryAfterSeconds === undefined ? params : { ...params, retryAfterSeconds },
    );
    const nextAt = await noteFailure(ctx, SHOP, error);
    return Math.round((nextAt.getTime() - ctx.now().getTime()) / MINUTE);
  };
  const minutes: number[] = [];
  for (let n = 0; n < 14; n += 1) minutes.push(await waited());
  expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440]);
  expect(await waited(2 * 1440 * 60)).toBe(2 * 1440);
  expect(await waited(1e12)).toBe(7 * 1440);
});

test("renewal after two thirds of the life, and the old one while the authority is down", async () => {
  await using world = await acmeWorld();
  const { ctx, pebble } = world;
  await world.verified(SHOP);
  const source = await world.restart();
  const first = await source.find(SHOP);
  world.pass(3 * YEAR);
  await source.renewDue();
  // Our own name was missing.
  expect(pebble.orders()).toBe(2);
  expect(await source.find(SHOP)).toEqual(first);
  world.pass(0.4 * YEAR);
  await source.renewDue();
  expect(pebble.orders()).toBe(4);
  const second = await source.find(SHOP);
  expect(second?.chain).not.toBe(first?.chain);

  await pebble.kill();
  await source.renewDue();
  expect(await source.find(SHOP)).toEqual(second);
  expect(await (await world.restart()).find(SHOP)).toEqual(second);
  expect((await failures(ctx)).map(({ problem }) => problem).join("\n")).toContain(
    `the authority ${new URL(pebble.directory).host} cannot be reached`,
  );
});

test("what ended and leads nowhere is forgotten, and never served", async () => {
  await using world = await acmeWorld();
  await world.verified(SHOP);
  const source = await world.restart();
  await source.find(SHOP);
  await world.unverify(SHOP);
  world.pass(3.5 * YEAR);
  await source.renewDue();
  const names = async () =>
    (await world.ctx.db.read.select().from(certificates)).map(({ name }) => name);
  expect(await names()).toEqual([SHOP, "land.example"]);
  world.pass(2 * YEAR);
  await source.renewDue();
  expect(await names()).not.toContain(SHOP);
  expect(await source.find(SHOP)).toBeUndefined();
});

test("certificates in the store are served while the database is down", async () => {
  await using world = await acmeWorld();
  const { ctx } = world;
  await world.verified(SHOP);
  await (await world.restart()).find(SHOP);
  let down = false;
  const db = {
    ...ctx.db,
    get read() {
      if (down) throw new Error("disk I/O error");
      return ctx.db.read;
    },
  };
  const source = createAcmeSource({ ...ctx, db });
  const certificate = await source.find(SHOP);
  down = true;
  expect(await source.find(SHOP)).toEqual(certificate);
  expect(await source.find("other.example.org")).toBeUndefined();
  await source.stop();
});

test("no more certificates in an hour than the operator allows", async () => {
  await using world = await acmeWorld({ "acme.certificatesPerHour": 1 });
  const source = await world.restart();
  await world.verified("a.example.org");
  await world.verified("b.example.org");
  expect(await source.find("a.example.org")).toBeDefined();
  expect(await source.find("b.example.org")).toBeUndefined();
  expect(world.pebble.orders()).toBe(1);
  expect(await failures(world.ctx)).toEqual([]);
  world.pass(60 * MINUTE);
  expect(await source.find("b.example.org")).toBeDefined();
});

test("visitors who ask for many names leave our own names and renewals their share", async () => {
  await using world = await acmeWorld({ "acme.certificatesPerHour": 1 });
  const source = await world.restart();
  await world.verified("a.example.org");
  await world.verified("b.example.org");
  expect(await source.find("a.example.org")).toBeDefined();
  expect(await source.find("b.example.org")).toBeUndefined();
  expect(await source.find("land.example")).toBeDefined();
  world.pass(60 * MINUTE);
  expect(await source.find("b.example.org")).toBeDefined();
});

test("the sites of one account take a third of what visitors may ask for", async () => {
  await using world = await acmeWorld({ "acme.certificatesPerHour": 3 });
  const { ctx, ada } = world;
  const source = await world.restart();
  for (const host of ["a.example.org", "b.example.org"]) await world.verified(host);
  const eve = await signUp(ctx, "eve");
  const siteId = await makeSite(ctx, eve.actor, "evil");
  await ctx.db.transaction(async (tx) => {
    const values = { host: "eve.example.org", siteId, userId: eve.actor.userId, proof: "x" };
    await tx.insert(domains).values({ ...values, state: "verified", createdAt: ctx.now() });
  });
  expect(ada.actor.userId).not.toBe(eve.actor.userId);
  expect(await source.find("a.example.org")).toBeDefined();
  expect(await source.find("b.example.org")).toBeUndefined();
  expect(await source.find("eve.example.org")).toBeDefined();
});

test("an authority that forgot the account gets the same key again", async () => {
  await using world = await acmeWorld();
  const { ctx } = world;
  await ctx.db.transaction(async (tx) => {
    const { makeAccountKey } = await import("#tls/acme-key.ts");
    const { seal } = await import("#store/seal.ts");
    const { acmeAccounts } = await import("#tls/tables.ts");
    await tx.insert(acmeAccounts).values({
      directory: world.pebble.directory,
      url: `${new URL(world.pebble.directory).origin}/my-account/gone`,
      sealedKey: Buffer.from(seal(ctx.secret, "acme account", await makeAccountKey())),
      createdAt: ctx.now(),
    });
  });
  await world.verified(SHOP);
  expect(await (await world.restart()).find(SHOP)).toBeDefined();
  expect(world.pebble.log()).toContain("There are now 1 accounts");
});

test("challenges are answered for their own host alone", async () => {
  await using world = await acmeWorld();
  const source = await world.restart();
  const token = "t".repeat(43);
  await openChallenge(world.ctx, { host: SHOP, token, authorization: `${token}.print` });
  const ask = async (host: string, path = `/.well-known/acme-challenge/${token}`) => {
    const request = new Request(`http://x${path}`, { headers: { host } });
    const answer = await source.answerChallenge(request);
    return answer && `${answer.status} ${await answer.text()}`.trim();
  };
  expect(await ask(SHOP)).toBe(`200 ${token}.print`);
  expect(await ask(`${SHOP.toUpperCase()}.:80`)).toBe(`200 ${token}.print`);
  expect(await ask("other.example.org")).toBeUndefined();
  expect(await ask(SHOP, "/")).toBeUndefined();
  expect(await ask(SHOP, `/.well-known/acme-challenge/${token}x`)).toBeUndefined();
  expect(await ask(SHOP, "/.well-known/acme-challenge/..%2f..%2fx")).toBeUndefined();
  expect(await ask("a b")).toBeUndefined();
  // A site's own file must not prove a name of ours to anybody.
  expect(await ask("blog.land.example")).toBe("404 there is no such challenge");
  world.pass(2 * 86_400_000);
  await source.renewDue();
  expect(await ask(SHOP)).toBeUndefined();
});

test("secrets are in no line of the log", async () => {
  await using world = await acmeWorld();
  await world.verified(SHOP);
  await (await world.restart()).find(SHOP);
  const lines = world.ctx.logged.map(parseObject);
  expect(lines).toMatchObject([
    { level: "warn", event: "one certificate for each site", domain: "land.example" },
    { event: "certificate issued", name: SHOP },
  ]);
  expect(Object.keys(lines[1] ?? {})).toEqual(["at", "level", "event", "name", "until"]);
});
