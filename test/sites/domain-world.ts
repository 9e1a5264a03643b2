import type { Actor } from "#accounts/actor.ts";
import type { ServerConfig } from "#base/config.ts";
import { parseSiteName } from "#base/names.ts";
import { siteMembers, sites } from "#sites/tables.ts";
import type { Ctx } from "#store/ctx.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type DnsServer, startDns } from "#test/support/dns.ts";
import { type Person, signUp } from "#test/support/people.ts";

/** A data folder with two people who have a site each, and a DNS server. `ada`, who is first, is admin. */
export type World = AsyncDisposable & {
  ctx: TestCtx;
  dns: DnsServer;
  root: Person;
  ada: Person;
  eve: Person;
  /** Events of domains and sites so far, as `domain.verified shop.example.org blog`. */
  told: string[];
};

/** Makes it: ada has the site `blog`, eve has `evil`. */
export async function domainWorld(config: Partial<ServerConfig> = {}): Promise<World> {
  const dns = await startDns();
  const settings = { domain: "land.example", registration: "open" as const, ...config };
  const ctx = await testCtx({ config: { "dns.servers": [dns.address], ...settings } });
  const told: string[] = [];
  for (const event of ["domain.verified", "domain.removed"] as const)
    ctx.hooks.on(event, ({ host, site }) => void told.push(`${event} ${host} ${site}`));
  ctx.hooks.on("site.changed", ({ site }) => void told.push(`site.changed ${site}`));
  const [root, ada, eve] = [
    await signUp(ctx, "root"),
    await signUp(ctx, "ada"),
    await signUp(ctx, "eve"),
  ];
  await makeSite(ctx, ada.actor, "blog");
  await makeSite(ctx, eve.actor, "evil");
  return {
    ctx,
    dns,
    root,
    ada,
    eve,
    told,
    async [Symbol.asyncDispose]() {
      await ctx.close();
      await dns[Symbol.asyncDispose]();
    },
  };
}

/** Puts a site of `owner` into the database. */
export async function makeSite(ctx: Ctx, owner: Actor, name: string): Promise<number> {
  return ctx.db.transaction(async (tx) => {
    const at = ctx.now();
    const [site] = await tx
      .insert(sites)
      .values({
        name: parseSiteName(name),
        createdBy: owner.userId,
        createdAt: at,
        updatedAt: at,
      })
      .returning();
    const siteId = site?.id ?? 0;
    await tx
      .insert(siteMembers)
      .values({ siteId, userId: owner.userId, role: "owner", addedAt: at });
    return siteId;
  });
}
