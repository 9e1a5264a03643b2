import type { DeployId, SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Recorder } from "#traffic/visit.ts";

import { answerSite } from "./answer.ts";
import { createSiteLoader, type LoadedSite } from "./load.ts";
import { createBodies } from "./serve-bodies.ts";
import { createPreferences } from "./serve-encoding.ts";
import { createHot, type Prepared, type Ready } from "./serve-hot.ts";
import { createVisitorLimits } from "./serve-limits.ts";
import { plainResponse } from "./serve-pages.tsx";
import { startVariantMaker } from "./variants-maker.ts";

/** Where a request comes from, after trusted proxies were believed. `secure`: the visitor's browser came by https. */
export type Peer = { address: () => string; secure: boolean };

/** Whom a request is for, as the edge of the server read it from the Host header. */
export type SiteDestination =
  | { kind: "site"; host: string; site: SiteName; deploy: DeployId | undefined }
  | { kind: "other"; host: string };

/** The server of static sites. */
export type SiteServer = {
  /** An answer at once, where the same was asked before and nothing about this request needs thought. */
  quick: (request: Request, peer: Peer) => Response | undefined;
  /** The answer of a site; undefined where no site is known at that host. Never throws. */
  answer: (
    request: Request,
    destination: SiteDestination,
    peer: Peer,
  ) => Promise<Response | undefined>;
  /** Resolves when all variants that are due are made. */
  settled: () => Promise<void>;
  stop: () => Promise<void>;
};

/** Makes the server of static sites. It never enters Elysia; it notes each answer with `recorder` once. */
export function createSiteServer(ctx: Ctx, { recorder }: { recorder: Recorder }): SiteServer {
  const bodies = createBodies(ctx);
  const hot = createHot(bodies);
  const loader = createSiteLoader(ctx, (site) => hot.forget(site));
  const preferences = createPreferences();
  const limits = createVisitorLimits(ctx);
  const maker = startVariantMaker(ctx, (digest) => bodies.forget(digest));
  const parts = { ctx, bodies, hot, preferences, limits, recorder, loader };

  async function locate(destination: SiteDestination): Promise<LoadedSite | undefined> {
    if (destination.kind === "site") return loader.find(destination.site, destination.deploy);
    const site = await loader.findHost(destination.host);
    return site === undefined ? undefined : loader.find(site, undefined);
  }

  return {
    quick(request, peer) {
      const { headers } = request;
      const host = headers.get("host");
      const preference = preferences.known(headers.get("accept-encoding"));
      if (host === null || preference === undefined || request.method !== "GET") return undefined;
      const kind = preference.id * 2 + (peer.secure ? 1 : 0);
      const prepared = hot.find(host, kind, request.url);
      if (prepared === undefined || headers.get("range") !== null) return undefined;
      const ready = revalidate(headers, prepared);
      if (ready === undefined) return undefined;
      const address = peer.address();
      const { siteId, path, bytes, isPage, host: name } = prepared.visit;
      if (!limits.take(siteId, address, prepared.perMinute).ok) return undefined;
      prepared.body.used = true;
      const isWhole = ready === prepared.whole;
      recorder.note({
        siteId,
        method: "GET",
        path,
        status: ready.status,
        bytes: isWhole ? bytes : 0,
        isPage,
        address,
        userAgent: headers.get("user-agent"),
        referrer: headers.get("referer"),
        host: name,
      });
      return new Response(isWhole ? prepared.body.value.blob : null, ready);
    },
    async answer(request, destination, peer) {
      try {
        const loaded = await locate(destination);
        return loaded && (await answerSite(parts, { request, loaded, destination, peer }));
      } catch (cause) {
        ctx.log.error("site failed", { host: destination.host, cause });
        return plainResponse(request, 500);
      }
    },
    settled: () => maker.settled(),
    async stop() {
      loader.stop();
      await maker.stop();
    },
  };
}

/** What is right for the conditions of a request, as long as they are plain. */
function revalidate(headers: Headers, prepared: Prepared): Ready | undefined {
  if (headers.get("if-match") !== null || headers.get("if-unmodified-since") !== null)
    return undefined;
  const tag = headers.get("if-none-match");
  if (tag !== null) return tag === prepared.tag ? prepared.notModified : undefined;
  return headers.get("if-modified-since") === null ? prepared.whole : undefined;
}
