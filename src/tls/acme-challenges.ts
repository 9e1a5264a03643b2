import { and, eq, lt } from "drizzle-orm";

import { parseHost } from "#http/host.ts";
import { isOwnHost } from "#sites/domains/domain-host.ts";
import type { Ctx } from "#store/ctx.ts";

import { acmeChallenges } from "./tables.ts";

const PATH = "/.well-known/acme-challenge/";
const TOKEN = /^[A-Za-z0-9_-]{16,512}$/;
const DAY_MS = 86_400_000;

/** An HTTP-01 challenge to be answered. */
export type HttpChallenge = { host: string; token: string; authorization: string };

/**
 * The answer to an authority that checks a challenge, for exactly the host it is about; undefined: the request is not for this
 * server's authority. Names of our own never fall through to a site: with such a file, a site's owner could get a certificate
 * for a name that is ours.
 *
 * @see RFC 8555 section 8.3
 */
export async function answerChallenge(ctx: Ctx, request: Request): Promise<Response | undefined> {
  const path = URL.parse(request.url)?.pathname ?? "";
  if (!path.startsWith(PATH)) return undefined;
  const host = parseHost(request.headers.get("host"));
  if (host === undefined) return undefined;
  const token = path.slice(PATH.length);
  const [challenge] = TOKEN.test(token) ? await find(ctx, token, host) : [];
  const headers = { "content-type": "application/octet-stream", "cache-control": "no-store" };
  if (challenge) return new Response(challenge.authorization, { headers });
  if (!isOwnHost(ctx.config, host)) return undefined;
  return new Response("there is no such challenge\n", { status: 404, headers });
}

function find(ctx: Ctx, token: string, host: string) {
  return ctx.db.read
    .select()
    .from(acmeChallenges)
    .where(and(eq(acmeChallenges.token, token), eq(acmeChallenges.host, host)));
}

/** Opens a challenge. Resolves when it would be answered. */
export async function openChallenge(ctx: Ctx, challenge: HttpChallenge): Promise<void> {
  const row = { ...challenge, createdAt: ctx.now() };
  await ctx.db.transaction((tx) =>
    tx
      .insert(acmeChallenges)
      .values(row)
      .onConflictDoUpdate({ target: acmeChallenges.token, set: row }),
  );
}

/** Ends a challenge. */
export async function closeChallenge(ctx: Ctx, token: string): Promise<void> {
  await ctx.db.transaction((tx) =>
    tx.delete(acmeChallenges).where(eq(acmeChallenges.token, token)),
  );
}

/** Removes challenges that a crash left open. */
export async function forgetOldChallenges(ctx: Ctx): Promise<void> {
  const before = new Date(ctx.now().getTime() - DAY_MS);
  await ctx.db.transaction((tx) =>
    tx.delete(acmeChallenges).where(lt(acmeChallenges.createdAt, before)),
  );
}
