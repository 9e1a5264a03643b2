import { eq } from "drizzle-orm";

import type { ServerConfig } from "#base/config.ts";
import { domains } from "#sites/tables.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type DnsServer, startDns } from "#test/support/dns.ts";
import { type Pebble, startPebble } from "#test/support/pebble.ts";
import { type Person, signUp } from "#test/support/people.ts";
import { createAcmeSource } from "#tls/acme.ts";
import type { AcmeSource } from "#tls/certificate.ts";

/** A data folder, an authority, DNS, and a server for HTTP-01 that asks the newest source. */
export type AcmeWorld = AsyncDisposable & {
  ctx: TestCtx;
  pebble: Pebble;
  dns: DnsServer;
  ada: Person;
  /** Paths that were asked for over http, as `host path`. */
  visits: string[];
  /** A new source over the same data folder, as after a restart. */
  restart: () => Promise<AcmeSource>;
  /** Makes a verified custom domain of the site `blog`. */
  verified: (host: string) => Promise<void>;
  unverify: (host: string) => Promise<void>;
  /** Moves the clock. */
  pass: (ms: number) => void;
};

/** Starts it all. The clock is the real one, since the authority's is. */
export async function acmeWorld(
  config: Partial<ServerConfig> = {},
  { rejects = 5, answers = true }: { rejects?: number; answers?: boolean } = {},
): Promise<AcmeWorld> {
  let ahead = 0;
  let source: AcmeSource | undefined;
  const visits: string[] = [];
  const dns = await startDns();
  const http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      visits.push(`${request.headers.get("host")} ${new URL(request.url).pathname}`);
      const answer = answers ? await source?.answerChallenge(request) : undefined;
      return answer ?? new Response("nothing", { status: 404 });
    },
  });
  const pebble = await startPebble({ httpPort: http.port ?? 0, dnsServer: dns.address, rejects });
  const ctx = await testCtx({
    now: () => new Date(Date.now() + ahead),
    config: {
      tls: "acme",
      domain: "land.example",
      registration: "open",
      "dns.servers": [dns.address],
      "acme.directory": pebble.directory,
      "acme.caFile": pebble.caFile,
      "acme.email": "root@example.org",
      ...config,
    },
  });
  const ada = await signUp(ctx, "ada");
  const siteId = await makeSite(ctx, ada.actor, "blog");
  return {
    ctx,
    pebble,
    dns,
    ada,
    visits,
    async restart() {
      await source?.stop();
      source = createAcmeSource(ctx);
      return source;
    },
    verified: (host) =>
      ctx.db.transaction(async (tx) => {
        const values = { host, siteId, userId: ada.actor.userId, proof: "x" };
        await tx.insert(domains).values({ ...values, state: "verified", createdAt: ctx.now() });
      }),
    unverify: (host) =>
      ctx.db.transaction(async (tx) => {
        await tx.delete(domains).where(eq(domains.host, host));
      }),
    pass: (ms) => void (ahead += ms),
    async [Symbol.asyncDispose]() {
      await source?.stop();
      await ctx.close();
      await http.stop(true);
      await pebble[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
    },
  };
}
