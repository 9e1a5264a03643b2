import type { Actor } from "#accounts/actor.ts";
import type { ServerConfig } from "#base/config.ts";
import { requireSite } from "#sites/rights.ts";
import { createSite } from "#sites/site/sites-create.ts";
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

/** Makes a site of `owner`; answers its id. */
export async function makeSite(ctx: Ctx, owner: Actor, name: string): Promise<number> {
  await createSite(ctx, owner, { name });
  const need = { action: "look at", role: "owner", scope: "any" } as const;
  return (await requireSite(ctx, owner, name, need)).site.id;
}
