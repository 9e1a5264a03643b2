import { referencedDigests } from "#registry/references.ts";
import type { Runtime } from "#runtime/runtime.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { siteDigests } from "#sites/deploys/references.ts";
import { keepRecent } from "#sites/deploys/retention.ts";
import { recheckDomains } from "#sites/domains/domain-recheck.ts";
import { dropOldLines } from "#sites/logs/logs-write.ts";
import { startSiteLogs } from "#sites/logs/logs.ts";
import { createSiteServer, type SiteServer } from "#sites/serving/serve.ts";
import { finishRemovals } from "#sites/site/sites-purge.ts";
import type { Ctx } from "#store/ctx.ts";
import { sweepBlobs } from "#store/sweep.ts";
import { type CountryOf, openCountries } from "#traffic/countries.ts";
import { startTraffic } from "#traffic/record.ts";
import { dropOldTraffic } from "#traffic/retention.ts";

import { startFunctions } from "./functions.ts";
import { type Job, startJobs } from "./jobs.ts";

/** What runs beside the request path as long as the server does. */
export type Hosting = {
  sites: SiteServer;
  /** What listeners do with WebSockets. */
  websocket: Bun.WebSocketHandler<SocketData>;
  /** What runs programs, for routes and pages. */
  runtime: Runtime;
  /** Ends answers that would never end by themselves. */
  endStreams: () => void;
  /** Writes down what is buffered and waits for work under way; programs get `graceMs` for theirs. */
  stop: (graceMs: number) => Promise<void>;
};

const SOON_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Starts the server of sites, what counts and logs their visits, and the jobs of the data folder. */
export function startHosting(ctx: Ctx, jobs: readonly Job[]): Hosting {
  const countries = openCountries(ctx);
  let known: CountryOf | undefined;
  void countries.then((found) => (known = found));
  const traffic = startTraffic(ctx, countries);
  const logs = startSiteLogs(ctx);
  const functions = startFunctions(ctx, logs);
  const sites = createSiteServer(ctx, {
    programs: functions.programs,
    countryOf: (address) => known?.(address),
    recorder: {
      note(visit) {
        traffic.note(visit);
        logs.noteRequest(visit, visit.requestId);
      },
    },
  });
  const running = startJobs(ctx, [
    { name: "removals", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => finishRemovals(ctx) },
    { name: "sweep", everyMs: HOUR_MS, firstMs: MINUTE_MS, run: () => sweep(ctx) },
    { name: "traffic", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => dropOldTraffic(ctx) },
    { name: "logs", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => dropOldLines(ctx) },
    { name: "domains", everyMs: MINUTE_MS, firstMs: MINUTE_MS, run: () => recheckDomains(ctx) },
    ...functions.jobs,
    ...jobs,
  ]);
  return {
    sites,
    websocket: functions.websocket,
    runtime: functions.runtime,
    endStreams() {
      logs.endFollowers();
      functions.endStreams();
    },
    async stop(graceMs) {
      await running.stop();
      await functions.stop(graceMs);
      await sites.stop();
      await traffic.stop();
      await logs.stop();
    },
  };
}

/** Old deploys go first, so that their blobs can follow. */
async function sweep(ctx: Ctx): Promise<void> {
  await keepRecent(ctx);
  const swept = await sweepBlobs(ctx, [referencedDigests, siteDigests]);
  if (swept.removed > 0) ctx.log.info("swept blobs", swept);
}
