import { expect, test } from "bun:test";

import { addDomain } from "#sites/domains/domain-add.ts";
import { findSiteAt } from "#sites/domains/domain-served.ts";
import { verifyDomain } from "#sites/domains/domain-verify.ts";

import { domainWorld } from "./domain-world.ts";

test("a host leads to a site by its name, or by a domain that was proven", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada } = world;
  const host = "shop.example.org";
  expect(await findSiteAt(ctx, "blog.land.example")).toBe("blog");
  const { record, value } = await addDomain(ctx, ada.actor, "blog", { host });
  expect(await findSiteAt(ctx, host)).toBeUndefined();
  dns.txt.set(record, [[value]]);
  await verifyDomain(ctx, ada.actor, { site: "blog", host });
  expect(await findSiteAt(ctx, host)).toBe("blog");
  for (const other of [
    "land.example",
    "nosuch.land.example",
    "aaaaaaaaaa--blog.land.example",
    "a.blog.land.example",
    "www.shop.example.org",
    "127.0.0.1",
  ])
    expect([other, await findSiteAt(ctx, other)]).toEqual([other, undefined]);
});
