import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { DeployId } from "#base/names.ts";
import { startCrons } from "#runtime/crons/scheduler.ts";
import { createEgress } from "#runtime/egress/egress.ts";
import { dropOldEgress } from "#runtime/egress/ledger.ts";
import { envOf } from "#runtime/env/env.ts";
import { kvBinding } from "#runtime/kv/kv-binding.ts";
import { removeLostKv } from "#runtime/kv/kv-lost.ts";
import { startKvQuotas } from "#runtime/kv/kv-quotas.ts";
import { createKv, type Kv } from "#runtime/kv/kv.ts";
import { createPrograms } from "#runtime/link/visitor.ts";
import type { ProgramCode } from "#runtime/process/parts.ts";
import { createSupervisor, type Supervisor } from "#runtime/process/supervisor.ts";
import type { Runtime } from "#runtime/runtime.ts";
import { createSpawner } from "#runtime/sandbox/spawn.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { createSockets, type Sockets } from "#runtime/sockets/sockets.ts";
import { quotasOf } from "#runtime/status/quotas.ts";
import type { ProgramRef } from "#runtime/tenant.ts";
import { siteUrl } from "#sites/addresses.ts";
import { findSiteAt } from "#sites/domains/domain-served.ts";
import type { SiteLogs } from "#sites/logs/logs.ts";
import {
  listDrafts,
  liveProgramOf,
  programOfDeploy,
  type SiteProgram,
} from "#sites/serving/load-program.ts";
import type { LoadedProgram, Programs } from "#sites/serving/program.ts";
import { findSiteId } from "#sites/site/sites-ids.ts";
import { listSiteIds } from "#sites/site/sites-purge.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Job } from "./jobs.ts";
import { ownAddresses } from "./own-addresses.ts";

/** What runs the programs of sites, put together. */
export type Functions = {
  /** Answers visitors. */
  programs: Programs;
  /** For routes and pages. */
  runtime: Runtime;
  websocket: Bun.WebSocketHandler<SocketData>;
  jobs: readonly Job[];
  /** Closes sockets, which would never end by themselves. */
  endStreams: () => void;
  /** Ends all programs, which get `graceMs` to finish what they do. */
  stop: (graceMs?: number) => Promise<void>;
};

const SOON_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Starts what runs programs. */
export function startFunctions(ctx: Ctx, logs: Pick<SiteLogs, "note">): Functions {
  const { config, log, now, random } = ctx;
  const spawner = createSpawner({ config, log });
  const problem = (): string | undefined =>
    config.functions === "off"
      ? 'its operator turned them off (functions = "off")'
      : spawner.problem();
  const dir = join(config.data, "functions");
  const kvQuotas = startKvQuotas(ctx);
  const kv = createKv({ config, now, log, random, quotaBytesOf: kvQuotas.of });
  const egress = createEgress(ctx, { ownAddresses });
  const sockets = createSockets({
    ...{ config, log, now, random, hooks: ctx.hooks },
    handlersOf: (ref) => supervisor.handlersOf(ref),
    call: (ref, ...call) => supervisor.call(ref, ...call),
    currentProgram: (siteId, deploy, isLive) => findRef(ctx, siteId, isLive ? undefined : deploy),
    siteAt: (host) => findSiteAt(ctx, host),
    tell: (site, _name, message) => logs.note({ site, level: "warn", kind: "program", message }),
  });
  const supervisor: Supervisor = createSupervisor({
    ...{ config, log, now, random },
    dir,
    bindings: [kvBinding(kv), egress.binding, sockets.binding],
    spawner: { ...spawner, problem },
    codeOf: (ref) => readCode(ctx, ref),
    envOf: (siteId) => envOf(ctx, siteId),
    urlOf: ({ site }) => siteUrl(ctx, site),
    quotasOf: (siteId) => quotasOf(ctx, siteId),
    noteLog: ({ siteId: site }, line) => logs.note({ site, kind: "program", ...line }),
  });
  const crons = startCrons({
    ctx,
    liveProgramOf: async (siteId) => {
      if (problem() !== undefined) return undefined;
      const found = await liveProgramOf(ctx, siteId);
      return found && { ...toRef(found), crons: found.program.crons };
    },
    run: async (ref, cron, scheduledTime) => {
      await supervisor.call(ref, "scheduled", { cron, scheduledTime });
      return { noRetry: false };
    },
  });
  const unfollow = followChanges(ctx, supervisor, kv, sockets);
  const programs = createPrograms({
    ctx,
    supervisor,
    mayRun: (program) => mayRun(ctx, program),
    answerUpgrade: sockets.answerUpgrade,
  });
  return {
    programs,
    runtime: {
      problem,
      sandboxed: spawner.sandboxed,
      kv,
      crons,
      quotasOf: (siteId) => quotasOf(ctx, siteId),
      processesOf: supervisor.processesOf,
      databaseBytes: supervisor.databaseBytes,
      socketCount: sockets.count,
    },
    websocket: sockets.websocket,
    jobs: [
      { name: "egress", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => dropOldEgress(ctx) },
      { name: "stores", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => removeLostKv(ctx, kv) },
      {
        name: "databases",
        everyMs: HOUR_MS,
        firstMs: SOON_MS,
        run: () => removeLostFolders(ctx, dir, supervisor),
      },
    ],
    endStreams: sockets.endAll,
    async stop(graceMs) {
      unfollow();
      await crons.stop();
      await sockets.stop();
      await supervisor.stop(graceMs);
      await egress.stop();
      kvQuotas.stop();
      await kv.stop();
    },
  };
}

/** Tells what runs programs of what changed. Answers the way to stop. */
function followChanges(ctx: Ctx, supervisor: Supervisor, kv: Kv, sockets: Sockets): () => void {
  const withId =
    (act: (siteId: number) => Promise<void> | void) =>
    async ({ site }: { site: string }): Promise<void> => {
      const siteId = await findSiteId(ctx, site);
      if (siteId !== undefined) await act(siteId);
    };
  const keep = withId(async (siteId) => {
    const live = await liveProgramOf(ctx, siteId);
    const drafts = await listDrafts(ctx, siteId, draftsSince(ctx));
    supervisor.keep(siteId, live ? [live.program.deploy, ...drafts] : drafts);
  });
  const offs = [
    ctx.hooks.on("deploy.released", keep),
    ctx.hooks.on("site.env", withId(supervisor.envChanged)),
    ctx.hooks.on("site.functions", withId(supervisor.quotasChanged)),
    ctx.hooks.on("site.gated", ({ id }) =>
      sockets.closeSite(id, 1008, "who may look at the site changed"),
    ),
    ctx.hooks.on("site.deleted", async ({ id }) => {
      sockets.closeSite(id, 1001, "the site is gone");
      await supervisor.forget(id);
      await kv.remove(id);
    }),
  ];
  return () => {
    for (const off of offs) off();
  };
}

/** Removes folders of sites that are gone, which a crash left. */
async function removeLostFolders(ctx: Ctx, dir: string, supervisor: Supervisor): Promise<void> {
  // Where no program ever had a database there is no folder.
  const folders = await readdir(dir).catch(() => []);
  if (folders.length === 0) return;
  const there = await listSiteIds(ctx);
  for (const folder of folders)
    if (/^\d+$/.test(folder) && !there.has(Number(folder))) await supervisor.forget(Number(folder));
}

/** Drafts that were made before have no program any more. */
function draftsSince({ config, now }: Ctx): Date {
  return new Date(now().getTime() - config["functions.draftDays"] * DAY_MS);
}

/** Whether a program may run: that of the live deploy, and those of young drafts. */
function mayRun(ctx: Ctx, { isLive, isDraft, createdAtMs }: LoadedProgram): boolean {
  return isLive || (isDraft && createdAtMs >= draftsSince(ctx).getTime());
}

/** The program of the live deploy, or of one that is named, as far as it may run. */
async function findRef(
  ctx: Ctx,
  siteId: number,
  deploy: DeployId | undefined,
): Promise<ProgramRef | undefined> {
  const found =
    deploy === undefined
      ? await liveProgramOf(ctx, siteId)
      : await programOfDeploy(ctx, siteId, deploy);
  return found && mayRun(ctx, found.program) ? toRef(found) : undefined;
}

function toRef({ siteId, site, program }: SiteProgram): ProgramRef {
  const { deploy, digest, mapDigest, name, language, database } = program;
  return { siteId, site, deploy, digest, mapDigest, name, language, database };
}

async function readCode({ blobs }: Ctx, { digest, mapDigest }: ProgramRef): Promise<ProgramCode> {
  const read = async (of: ProgramRef["digest"]): Promise<Uint8Array> => {
    const blob = await blobs.find(of);
    if (!blob) throw new Error(`the bytes of ${of} are not on disk`);
    return blob.bytes();
  };
  return { code: await read(digest), map: mapDigest && (await read(mapDigest)) };
}
