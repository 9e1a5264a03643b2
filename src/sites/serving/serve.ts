/**
 * `src/sites/serving` answers visitors: from memory where it can, from disk where it must, whole from one deploy.
 * The server's edge calls it, before Elysia. It must never answer with a byte that is not in the deploy's manifest.
 */
import type { DeployId, SiteName } from "#base/names.ts";
import type { Peer } from "#http/peer.ts";
import type { Ctx } from "#store/ctx.ts";
import type { CountryOf } from "#traffic/countries.ts";
import type { Recorder } from "#traffic/visit.ts";

import { gateAnswer } from "../gate/gate.ts";
import { answerSite, type Parts } from "./answer.ts";
import { createSiteLoader, type LoadedSite } from "./load.ts";
import type { Programs, SiteAnswer } from "./program.ts";
import { createBodies } from "./serve-bodies.ts";
import { createDirect } from "./serve-direct.ts";
import { createPreferences } from "./serve-encoding.ts";
import { createHot } from "./serve-hot.ts";
import { createVisitorLimits } from "./serve-limits.ts";
import { plainResponse } from "./serve-pages.tsx";
import { answerQuickly } from "./serve-quick.ts";
import { startVariantMaker } from "./variants-maker.ts";
import { createVariantIndex } from "./variants.ts";

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
  ) => Promise<SiteAnswer | undefined>;
  /** Resolves when all variants that are due are made. */
  settled: () => Promise<void>;
  stop: () => Promise<void>;
};

/** Makes the server of static sites. It never enters Elysia; it notes each answer with `recorder` once. */
export function createSiteServer(
  ctx: Ctx,
  {
    recorder,
    countryOf,
    programs,
  }: { recorder: Recorder; countryOf?: CountryOf; programs?: Programs | undefined },
): SiteServer {
  const parts = { ...createParts(ctx, recorder), countryOf, programs };
  const { bodies, loader } = parts;
  const quick = { ...parts, direct: createDirect(parts) };
  const maker = startVariantMaker(ctx, (digest) => bodies.forget(digest));

  function failed(request: Request, { host }: SiteDestination, cause: unknown): Response {
    ctx.log.error("site failed", { host, cause });
    return plainResponse(request, 500);
  }

  async function answerSlowly(
    request: Request,
    destination: SiteDestination,
    peer: Peer,
  ): Promise<SiteAnswer | undefined> {
    try {
      const loaded = await locate(destination);
      return loaded && (await answerSite(parts, { request, loaded, destination, peer }));
    } catch (cause) {
      return failed(request, destination, cause);
    }
  }

  async function locate(destination: SiteDestination): Promise<LoadedSite | undefined> {
    if (destination.kind === "site") return loader.find(destination.site, destination.deploy);
    const site = await loader.findHost(destination.host);
    return site === undefined ? undefined : loader.find(site, undefined);
  }

  return {
    quick: (request, peer) => answerQuickly(quick, request, peer),
    answer(request, destination, peer) {
      const loaded = loader.at(destination);
      if (!loaded) return answerSlowly(request, destination, peer);
      return answerSite(parts, { request, loaded, destination, peer }).catch((cause: unknown) =>
        failed(request, destination, cause),
      );
    },
    settled: () => maker.settled(),
    async stop() {
      loader.stop();
      await maker.stop();
    },
  };
}

/** What of the memory for files their bytes may take; the rest is for answers that are ready. */
const BODY_SHARE = 0.75;

function createParts(ctx: Ctx, recorder: Recorder) {
  const maxBytes = ctx.config["sites.cacheBytes"];
  const bodies = createBodies(ctx, maxBytes * BODY_SHARE, {
    find: (digest) => ctx.blobs.find(digest),
    read: (digest) => ctx.blobs.read(digest),
    readNow: (digest, sizeBytes) => ctx.blobs.readNow(digest, sizeBytes),
    index: createVariantIndex(ctx),
  });
  const hot = createHot(maxBytes * (1 - BODY_SHARE));
  return {
    ctx,
    gate: (site, request, peer) => gateAnswer(ctx, site, request, peer),
    bodies,
    hot,
    preferences: createPreferences(),
    limits: createVisitorLimits(ctx),
    recorder,
    loader: createSiteLoader(ctx, (site) => hot.forget(site)),
  } satisfies Parts;
}
