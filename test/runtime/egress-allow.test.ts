import { expect, test } from "bun:test";

import { Elysia } from "elysia";
import * as fc from "fast-check";

import { problems } from "#http/problems.ts";
import { createAllowLists } from "#runtime/egress/allow-lists.ts";
import { isAllowed, parseAllow } from "#runtime/egress/allow.ts";
import { egressRoutes } from "#runtime/egress/egress-routes.ts";
import { dropOldEgress } from "#runtime/egress/ledger.ts";
import { parseTarget } from "#runtime/egress/target.ts";
import type { EgressLedger } from "#runtime/model.ts";
import { siteFunctions } from "#runtime/tables.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { codeOf } from "#test/support/people.ts";

import { egressWorld, refusalOf, textOf } from "./egress-world.ts";

const DAY_MS = 86_400_000;

test.each([
  ["api.example.com", "https://api.example.com/", true],
  ["api.example.com", "http://API.example.com./x", true],
  ["api.example.com", "https://api.example.com:8443/", false],
  ["api.example.com", "http://api.example.com:443/", false],
  ["api.example.com", "https://evil-api.example.com/", false],
  ["api.example.com", "https://x.api.example.com/", false],
  ["API.Example.com:8443", "https://api.example.com:8443/", true],
  ["api.example.com:8443", "https://api.example.com/", false],
  ["api.example.com:443", "https://api.example.com/", true],
  ["*.example.com", "https://a.example.com/", true],
  ["*.example.com", "https://a.b.example.com/", true],
  ["*.example.com", "https://example.com/", false],
  ["*.example.com", "https://evilexample.com/", false],
  ["*.example.com:81", "http://a.example.com:81/", true],
  ["bücher.example", "https://xn--bcher-kva.example/", true],
  ["203.0.113.5", "http://203.0.113.5/", true],
  ["203.0.113.5", "http://0xcb.0.0x7105/", true],
  ["[2001:DB8::1]:8080", "http://[2001:db8:0::1]:8080/", true],
  ["[2001:db8::1]", "http://[2001:db8::2]/", false],
])("the entry %s and %s: %p", (entry, url, expected) => {
  expect(isAllowed(parseAllow([entry]), parseTarget(url))).toBe(expected);
});

test.each([
  "*",
  "",
  "*.",
  "a.*.com",
  "http://example.com",
  "example.com/",
  "example.com:0",
  "example.com:99999",
  "*.1.2.3.4",
  "*.[::1]",
  "[::1",
  "a b",
  "-a.com",
  "ex\u0000ample.com",
])("%j is no entry", async (entry) => {
  expect(await codeOf(() => parseAllow([entry]))).toBe("egress_invalid");
});

test("no text makes the parser of entries throw anything else, and what it gives it takes again", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.domain(), fc.webAuthority()), (text) => {
      try {
        const once = parseAllow([text]);
        expect(parseAllow(once)).toEqual(once);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("egress_invalid");
      }
    }),
  );
});

test("the list of a site is obeyed from the next fetch on, on redirects too", async () => {
  await using world = await egressWorld();
  const { ctx, ada, origin } = world;
  const app = new Elysia().use(problems({ ctx })).use(egressRoutes(ctx));
  const call = async (method: string, body?: unknown, query = "") => {
    const answer = await app.fetch(
      new Request(`http://127.0.0.1/sites/blog/egress${query}`, {
        method,
        headers: {
          authorization: `Bearer ${ada.token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    return { status: answer.status, value: (await answer.json()) as EgressLedger };
  };
  const told: string[] = [];
  ctx.hooks.on("site.functions", ({ site }) => void told.push(site));
  expect((await call("GET")).value).toEqual({ days: 7, allow: null, hosts: [] });
  const url = `http://${origin}/`;
  expect(await textOf(await world.fetch(url))).toBe("hello");

  expect(
    (await call("PUT", { allow: ["B.example", "*.a.example", "b.example"] })).value.allow,
  ).toEqual(["*.a.example", "b.example"]);
  expect(told).toEqual(["blog"]);
  expect(await refusalOf(world.fetch(url))).toBe(
    `egress_denied: Cannot fetch ${origin}: the site's list of allowed hosts does not name it`,
  );
  await call("PUT", { allow: [origin] });
  world.answer(
    (_, response) => void response.writeHead(302, { location: "http://b.example/" }).end(),
  );
  expect(await refusalOf(world.fetch(url))).toContain("Cannot fetch b.example: the site's list");
  await call("PUT", { allow: [] });
  expect(await refusalOf(world.fetch(url))).toStartWith("egress_denied");
  expect((await call("PUT", { allow: null })).value.allow).toBe(null);
  world.answer((_, response) => void response.end("back"));
  expect(await textOf(await world.fetch(url))).toBe("back");

  expect(await call("PUT", { allow: ["*"] })).toMatchObject({
    status: 422,
    value: { code: "egress_invalid" },
  });
  expect((await call("PUT", { allow: "x" })).status).toBe(422);
  expect((await call("GET", undefined, "?days=0")).status).toBe(422);

  await world.egress.flush();
  const { hosts } = (await call("GET")).value;
  expect(hosts).toEqual([
    {
      host: origin,
      requests: 3,
      refused: 2,
      bytesOut: 0,
      bytesIn: 9,
      lastAt: ctx.now().toISOString(),
      problem: `Cannot fetch ${origin}: the site's list of allowed hosts does not name it`,
    },
    {
      host: "b.example",
      requests: 0,
      refused: 1,
      bytesOut: 0,
      bytesIn: 0,
      lastAt: ctx.now().toISOString(),
      problem: "Cannot fetch b.example: the site's list of allowed hosts does not name it",
    },
  ]);
});

test("the ledger adds up days, keeps some, is bounded, and outlives a site that goes", async () => {
  await using world = await egressWorld({
    config: { "functions.egressDays": 3, "functions.subrequests": 10_000 },
  });
  const { ctx, ada, egress, tenant, origin } = world;
  const read = async (days: number): Promise<EgressLedger> => {
    const { readEgress } = await import("#runtime/egress/egress-verbs.ts");
    return readEgress(ctx, ada.actor, "blog", days);
  };
  for (let day = 0; day < 4; day += 1) {
    await textOf(
      await world.fetch(`http://${origin}/`, { method: "POST", body: new Uint8Array(10) }),
    );
    await egress.flush();
    if (day < 3) ctx.pass(DAY_MS);
  }
  expect((await read(1)).hosts[0]).toMatchObject({ requests: 1, bytesOut: 10, bytesIn: 5 });
  expect(await read(30)).toMatchObject({ days: 3, hosts: [{ requests: 3, bytesOut: 30 }] });
  await dropOldEgress(ctx);
  const kept = await ctx.db.search<{ n: number }>("SELECT count(*) AS n FROM site_egress", []);
  expect(kept).toEqual([{ n: 3 }]);

  for (const round of ["a", "b", "c"]) {
    const refusals = Array.from({ length: 300 }, (_, n) =>
      refusalOf(world.fetch(`http://${round}${n}.land.example/`)),
    );
    await Promise.all(refusals);
    if (round !== "a") await egress.flush();
  }
  const rows = await ctx.db.search<{ n: number; others: number }>(
    "SELECT count(*) AS n, sum(iif(host = '*', refused, 0)) AS others FROM site_egress WHERE site_id = ?",
    [tenant.siteId],
  );
  expect(rows[0]?.n).toBeLessThan(510);
  expect(rows[0]?.others).toBeGreaterThan(390);

  await textOf(await world.fetch(`http://${origin}/`));
  await deleteSite(ctx, ada.actor, "blog");
  await ctx.db.transaction(async (tx) => {
    await tx.run("DELETE FROM sites");
  });
  await egress.flush();
  expect(ctx.logged.filter((line) => line.includes("egress not recorded"))).toEqual([]);
});

test("a site made anew under the name of another has its own list, whatever is asked in the name of the old one", async () => {
  await using world = await egressWorld();
  const { ctx, tenant } = world;
  const lists = createAllowLists(ctx);
  const set = (siteId: number, egressAllow: string[]) =>
    ctx.db.transaction((tx) => tx.insert(siteFunctions).values({ siteId, egressAllow }));
  await set(tenant.siteId, ["old.example"]);
  expect(await lists.of(tenant)).toEqual(["old.example"]);
  await deleteSite(ctx, world.ada.actor, "blog");
  // A process of the old one may still be there for a moment.
  expect(await lists.of(tenant)).toBeNull();
  const siteId = await makeSite(ctx, world.ada.actor, "blog");
  await set(siteId, ["new.example"]);
  expect(await lists.of({ ...tenant, siteId })).toEqual(["new.example"]);
  lists.stop();
});
