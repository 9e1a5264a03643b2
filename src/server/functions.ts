import { join } from "node:path";

import { BridgeError } from "#bridge/model.ts";
import { startCrons } from "#runtime/crons/scheduler.ts";
import { createEgress } from "#runtime/egress/egress.ts";
import { dropOldEgress } from "#runtime/egress/ledger.ts";
import { envOf } from "#runtime/env/env.ts";
import { kvBinding } from "#runtime/kv/kv-binding.ts";
import { removeLostKv } from "#runtime/kv/kv-lost.ts";
import { startKvQuotas } from "#runtime/kv/kv-quotas.ts";
import { createKv } from "#runtime/kv/kv.ts";
import { createPrograms } from "#runtime/link/visitor.ts";
import { createSupervisor, type Supervisor } from "#runtime/process/supervisor.ts";
import type { Runtime } from "#runtime/runtime.ts";
import { createSpawner } from "#runtime/sandbox/spawn.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { createSockets } from "#runtime/sockets/sockets.ts";
import { quotasOf } from "#runtime/status/quotas.ts";
import { refOf } from "#runtime/tenant.ts";
import { findSiteAt } from "#sites/domains/domain-served.ts";
import type { SiteLogs } from "#sites/logs/logs.ts";
import { hasPrograms, liveProgramOf } from "#sites/serving/load-program.ts";
import type { Programs } from "#sites/serving/program.ts";
import type { Ctx } from "#store/ctx.ts";

import { followChanges, removeLostFolders } from "./functions-changes.ts";
import { findRef, mayRun, readCode } from "./functions-refs.ts";
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

/** Starts what runs programs. */
export function startFunctions(ctx: Ctx, logs: Pick<SiteLogs, "note">): Functions {
  const parts = createParts(ctx, logs);
  const { problem, sandboxed, dir, kv, kvQuotas, egress, sockets, supervisor } = parts;
  const crons = startCrons({
    ctx,
    liveProgramOf: async (siteId) => {
      if (problem() !== undefined) return undefined;
      const found = await liveProgramOf(ctx, siteId);
      return found && { ...refOf(siteId, found.site, found.program), crons: found.program.crons };
    },
    run: (ref, event) => supervisor.call(ref, "scheduled", event),
  });
  const unfollow = followChanges(ctx, supervisor, kv, sockets);
  return {
    programs: createPrograms({
      ctx,
      supervisor,
      mayRun: (program) => mayRun(ctx, program),
      answerUpgrade: sockets.answerUpgrade,
    }),
    runtime: {
      problem,
      sandboxed,
      kv,
      crons,
      quotasOf: (siteId) => quotasOf(ctx, siteId),
      startProgram: (siteId) => startLive(ctx, supervisor, siteId),
      async programProblem(siteId) {
        const ref = await findRef(ctx, siteId, undefined);
        return ref && supervisor.problemOf(ref);
      },
      processesOf: supervisor.processesOf,
      databaseBytes: supervisor.databaseBytes,
      removeDatabase: supervisor.removeDatabase,
      socketCount: sockets.count,
    },
    websocket: sockets.websocket,
    jobs: [
      { name: "egress", run: () => dropOldEgress(ctx) },
      { name: "stores", run: () => removeLostKv(ctx, kv) },
      { name: "databases", run: () => removeLostFolders(ctx, dir, supervisor) },
      { name: "programs", run: () => warm(ctx, parts) },
    ].map(({ name, run }) => ({ name, run, everyMs: HOUR_MS, firstMs: SOON_MS })),
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

/** What knows of each other. */
type Parts = ReturnType<typeof createParts>;

function createParts(ctx: Ctx, logs: Pick<SiteLogs, "note">) {
  const { config, log, now, random, hooks } = ctx;
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
    config,
    log,
    now,
    random,
    hooks,
    handlersOf: (ref) => supervisor.handlersOf(ref),
    call: (ref, ...call) => supervisor.call(ref, ...call),
    currentProgram: (siteId, deploy, isLive) => findRef(ctx, siteId, isLive ? undefined : deploy),
    siteAt: (host) => findSiteAt(ctx, host),
    tell: (site, _name, message) => logs.note({ site, level: "warn", kind: "program", message }),
  });
  const supervisor: Supervisor = createSupervisor({
    config,
    log,
    now,
    random,
    dir,
    bindings: [kvBinding(kv), egress.binding, sockets.binding],
    spawner: { ...spawner, problem },
    codeOf: (ref) => readCode(ctx, ref),
    envOf: (siteId) => envOf(ctx, siteId),
    quotasOf: (siteId) => quotasOf(ctx, siteId),
    noteLog: ({ siteId: site }, line) => logs.note({ site, kind: "program", ...line }),
  });
  const { sandboxed } = spawner;
  return { problem, sandboxed, dir, kv, kvQuotas, egress, sockets, supervisor };
}

/** Starts the live program. What keeps it from starting is remembered where it is started, and was told to its owner. */
async function startLive(ctx: Ctx, supervisor: Supervisor, siteId: number): Promise<void> {
  const ref = await findRef(ctx, siteId, undefined);
  if (!ref) return;
  try {
    await supervisor.start(ref);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
  }
}

/** Starts the processes that wait for a program, where there are programs that may need them. */
async function warm(ctx: Ctx, { problem, supervisor }: Parts): Promise<void> {
  if (problem() === undefined && (await hasPrograms(ctx))) supervisor.warm();
}
