/**
 * `src/runtime/process` runs the programs of sites: one process per running deploy, started, watched, limited and ended.
 * What answers visitors, schedules and sockets asks it. It must never let one program slow another, nor end without telling why.
 */
import type { DeployId } from "#base/names.ts";
import type { GuestCalls } from "#bridge/calls.ts";
import type { Body, Handlers, LinkResponse, RequestHead } from "#bridge/model.ts";

import type { ProcessInfo } from "../model.ts";
import type { ProgramRef } from "../tenant.ts";
import { buildHouse } from "./build.ts";
import { createChanges } from "./changes.ts";
import { measureFolder } from "./disk.ts";
import { clearSite, endSite, forgetSite } from "./endings.ts";
import { createEntry, type Entry } from "./entry.ts";
import { sendCall, sendRequest, type Work } from "./exchange.ts";
import { keepDeploys, keepHouse } from "./housekeeping.ts";
import type { Instance } from "./instance.ts";
import type { ProgramLine, SupervisorParts } from "./parts.ts";

/** Asks a program something; resolves when its handler is done. Rejects with BridgeError; `wall_limit`: it is not done in time. */
export type CallProgram = <N extends keyof GuestCalls>(
  ref: ProgramRef,
  name: N,
  params: GuestCalls[N],
  bytes?: Uint8Array,
) => Promise<void>;

/** Runs programs. What it rejects with is a BridgeError whose code is a `RefusalCode`, or what the program's own side refused. */
export type Supervisor = {
  /** The answer of a program, started if need be. It counts as open until its body is read to the end or given up. */
  request: (
    ref: ProgramRef,
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
  ) => Promise<LinkResponse>;
  call: CallProgram;
  /** Which handlers a program has; starts it where that is not known yet. */
  handlersOf: (ref: ProgramRef) => Promise<Handlers>;
  /** Starts a program that does not run. */
  start: (ref: ProgramRef) => Promise<void>;
  /** Why the last start of a program came to nothing, in one line; undefined: it did not, or none is known of. */
  problemOf: (ref: ProgramRef) => string | undefined;
  /** Only these deploys of a site go on; processes of others finish what they have, then end. */
  keep: (siteId: number, deploys: readonly DeployId[]) => void;
  /** Requests that come after this see the variables that are stored now. */
  envChanged: (siteId: number) => void;
  quotasChanged: (siteId: number) => void;
  /** Ends what runs of a removed site and removes its folder. */
  forget: (siteId: number) => Promise<void>;
  /** Removes all that is in the folder of a site, its database; its program starts anew with an empty one. */
  removeDatabase: (siteId: number) => Promise<void>;
  /** Writes a line of the server's into the log of a program's site. */
  tell: (ref: ProgramRef, line: ProgramLine) => void;
  processesOf: (siteId: number) => ProcessInfo[];
  /** Bytes on disk of its folder; null: a program made it such that it cannot be measured. */
  databaseBytes: (siteId: number) => Promise<number | null>;
  /** Requests and calls under way. */
  busy: () => number;
  /** Starts the processes that wait for a program; else the first request does. */
  warm: () => void;
  /** Lets programs finish for that long, `drainSeconds` where nothing is said. No process is left after it. */
  stop: (graceMs?: number) => Promise<void>;
};

/** Makes the supervisor of a server. Nothing is started yet. */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const house = buildHouse(parts);
  const { world, starter, work, siteOf } = house;
  const entry = createEntry(house);
  const { runnerOf, enter, close } = entry;
  const changes = createChanges(parts, world);
  const wallMs = parts.config["functions.wallSeconds"] * 1000;
  const cronMs = parts.config["functions.cronSeconds"] * 1000;
  const endHousekeeping = keepHouse(world);
  return {
    request: createRequest(entry, work, wallMs),
    async call(ref, name, params, bytes) {
      const runner = runnerOf(ref);
      const { calls } = runner;
      const limitMs = name === "scheduled" ? cronMs : wallMs;
      const requestId = "requestId" in params ? params.requestId : "";
      const call = { name, params, bytes, requestId, limitMs, onFinish: calls.leave };
      await enter(runner, calls, (instance) => sendCall(work, instance, call));
    },
    async handlersOf(ref) {
      const runner = runnerOf(ref);
      return runner.handlers() ?? (await runner.ready()).handlers;
    },
    start: async (ref) => void (await runnerOf(ref).ready()),
    problemOf: ({ siteId, deploy }) => world.sites.get(siteId)?.runners.get(deploy)?.problem(),
    keep: (siteId, deploys) => keepDeploys(siteOf(siteId), deploys),
    ...changes,
    forget: (siteId) =>
      forgetSite(world, { folderOf: starter.launcher.folderOf, random: parts.random }, siteId),
    removeDatabase: (siteId) =>
      clearSite(
        world,
        { folderOf: starter.launcher.folderOf, random: parts.random },
        siteOf(siteId),
      ),
    tell: (ref, line) => siteOf(ref.siteId).tell(ref, line),
    processesOf: (siteId) =>
      [...world.instances].filter(({ ref }) => ref.siteId === siteId).flatMap(describe),
    async databaseBytes(siteId) {
      const bytes = await measureFolder(starter.launcher.folderOf(siteId));
      return Number.isFinite(bytes) ? bytes : null;
    },
    busy: () => world.instances.values().reduce((sum, { open }) => sum + open, 0),
    warm: world.pool.fill,
    async stop(graceMs = parts.config.drainSeconds * 1000) {
      close();
      endHousekeeping();
      await Promise.all([
        world.pool.stop(),
        ...[...world.sites.values()].map((site) => endSite(world, site, graceMs)),
      ]);
    },
  };
}

function createRequest(
  { runnerOf, enter }: Entry,
  work: Work,
  limitMs: number,
): Supervisor["request"] {
  return (ref, head, body, signal) => {
    const isRepeatable = body === null && (head.method === "GET" || head.method === "HEAD");
    try {
      return ask(isRepeatable ? async () => ask(undefined) : undefined);
    } catch (error) {
      return refused(error);
    }
    function ask(again: (() => Promise<LinkResponse>) | undefined): Promise<LinkResponse> {
      const runner = runnerOf(ref);
      const { lane } = runner;
      const request = { head, body, signal, limitMs, onFinish: lane.leave, again };
      return enter(runner, lane, (instance) => sendRequest(work, instance, request), signal);
    }
  };
}

async function refused(error: unknown): Promise<never> {
  throw error;
}

function describe(instance: Instance): ProcessInfo[] {
  const { ref, pid, state, startedAt, requests, open, memoryBytes, cpuMs } = instance;
  if (state === "ended") return [];
  const info = { deploy: ref.deploy, pid, state, startedAt: startedAt.toISOString() };
  return [{ ...info, requests, open, memoryBytes, cpuMs }];
}
