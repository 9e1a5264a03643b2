import { fail } from "#base/errors.ts";
import type { Peer } from "#http/peer.ts";
import { problemResponse } from "#http/problems.ts";
import { type SiteAnswer, UPGRADED } from "#sites/serving/program.ts";
import type { SiteServer } from "#sites/serving/serve.ts";
import type { Ctx } from "#store/ctx.ts";
import { unknownHostPage } from "#web/unknown-host.tsx";

import { destinationOf } from "./edge.ts";

/** Who answers what is not for our own host. */
export type ElsewhereParts = {
  sites: Pick<SiteServer, "answer">;
  /** What https has to say to a request that came by http: the proof for an authority, or the way to https. */
  toHttps: (request: Request, peer: Peer) => Promise<Response | undefined>;
};

/** The answer to a request that is not for our own host, or not by this way; undefined: it is ours. Never throws. */
export type Elsewhere = (
  request: Request,
  peer: Peer,
  requestId: string,
) => Promise<SiteAnswer | undefined>;

/** Sends visitors to sites, to https and away, before anything of our own is asked. */
export function createElsewhere(ctx: Ctx, { sites, toHttps }: ElsewhereParts): Elsewhere {
  async function answer(request: Request, peer: Peer): Promise<SiteAnswer | undefined> {
    const destination = destinationOf(request.headers.get("host"), ctx.config);
    if (destination.kind === "malformed") return undefined;
    const { host } = destination;
    if (peer.covers && !peer.covers(host))
      return problemResponse(fail("misdirected", { host }), {});
    const first = peer.secure ? undefined : await toHttps(request, peer);
    if (first) return first;
    if (destination.kind === "own") return undefined;
    if (destination.kind === "unknown") return unknownHostPage(host, request);
    return (await sites.answer(request, destination, peer)) ?? unknownHostPage(host, request);
  }
  return async (request, peer, requestId) => {
    const response = await answer(request, peer).catch((cause: unknown) => {
      ctx.log.error("request failed", { requestId, cause });
      return problemResponse(fail("internal", {}), { requestId });
    });
    if (response !== undefined && response !== UPGRADED)
      response.headers.set("x-request-id", requestId);
    return response;
  };
}
