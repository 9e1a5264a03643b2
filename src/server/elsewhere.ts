import { fail } from "#base/errors.ts";
import type { Peer } from "#http/peer.ts";
import { problemResponse } from "#http/problems.ts";
import { type SiteAnswer, UPGRADED } from "#sites/serving/program.ts";
import type { SiteServer } from "#sites/serving/serve.ts";
import type { Ctx } from "#store/ctx.ts";
import { unknownHostPage } from "#web/unknown-host.tsx";

import { type Destination, destinationOf } from "./edge.ts";

/** Who answers what is not for our own host. */
export type ElsewhereParts = {
  sites: Pick<SiteServer, "answer">;
  /** What https has to say to a request that came by http: the proof for an authority, or the way to https. */
  toHttps: (request: Request, peer: Peer) => Promise<Response | undefined> | undefined;
};

/** The answer to a request that is not for our own host, or not by this way; undefined: it is ours, as a rule at once. Never throws. */
export type Elsewhere = (
  request: Request,
  peer: Peer,
  requestId: string,
) => Promise<SiteAnswer | undefined> | undefined;

/** Sends visitors to sites, to https and away, before anything of our own is asked. */
export function createElsewhere(ctx: Ctx, { sites, toHttps }: ElsewhereParts): Elsewhere {
  const destinations = rememberDestinations(ctx);
  function answer(request: Request, peer: Peer): Promise<SiteAnswer | undefined> | undefined {
    const destination = destinations(request.headers.get("host"));
    if (destination.kind === "malformed") return undefined;
    const { host } = destination;
    if (peer.covers && !peer.covers(host))
      return Promise.resolve(problemResponse(fail("misdirected", { host }), {}));
    const first = peer.secure ? undefined : toHttps(request, peer);
    if (!first) return behind(request, peer, destination);
    return first.then((response) => response ?? behind(request, peer, destination));
  }
  function behind(
    request: Request,
    peer: Peer,
    destination: Exclude<Destination, { kind: "malformed" }>,
  ): Promise<SiteAnswer | undefined> | undefined {
    const { kind, host } = destination;
    if (kind === "own") return undefined;
    if (kind === "unknown") return Promise.resolve(unknownHostPage(host, request));
    return sites
      .answer(request, destination, peer)
      .then((response) => response ?? unknownHostPage(host, request));
  }
  return (request, peer, requestId) => {
    const failed = (cause: unknown): Response => {
      ctx.log.error("request failed", { requestId, cause });
      return problemResponse(fail("internal", {}), { requestId });
    };
    const named = (response: SiteAnswer | undefined): SiteAnswer | undefined => {
      if (response !== undefined && response !== UPGRADED)
        response.headers.set("x-request-id", requestId);
      return response;
    };
    try {
      return answer(request, peer)?.then(named, (cause: unknown) => named(failed(cause)));
    } catch (cause) {
      return Promise.resolve(named(failed(cause)));
    }
  };
}

/** Hosts that are remembered. */
const MAX_HOSTS = 1000;

/** What the last Host headers lead to: to read one costs as much as to answer it. */
function rememberDestinations({ config }: Pick<Ctx, "config">) {
  const known = new Map<string, Destination>();
  return (header: string | null): Destination => {
    const before = header === null ? undefined : known.get(header);
    if (before) return before;
    const found = destinationOf(header, config);
    if (header === null || found.kind === "malformed") return found;
    if (known.size >= MAX_HOSTS) known.clear();
    known.set(header, found);
    return found;
  };
}
