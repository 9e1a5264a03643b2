import { availableParallelism } from "node:os";

import { createTurns } from "#base/turns.ts";

import { createMeter } from "../link/meter.ts";
import { createCodes } from "./codes.ts";
import { createDisk } from "./disk-watch.ts";
import type { Work } from "./exchange.ts";
import { endIfCalm, endsOne, makeRoom, type World } from "./housekeeping.ts";
import { type Exit, type Instance, isAsked, type Why } from "./instance.ts";
import { createLane } from "./lane.ts";
import { createLauncher } from "./launch.ts";
import type { Watcher } from "./open.ts";
import { createPace } from "./pacing.ts";
import type { SupervisorParts } from "./parts.ts";
import { createPool } from "./pool.ts";
import { programsBinding } from "./programs-binding.ts";
import { tellPaused } from "./runner-lines.ts";
import { createSite, type Site } from "./site.ts";
import { describeExit, type Starter } from "./start.ts";
import { createUrgency, type Urgency } from "./urgency.ts";
import { createWatchdog } from "./watchdog.ts";

/** Part of all cores from which on nothing is started ahead of need. */
const LOADED = 0.8;
/** A program that was asked so often has visitors who would notice. */
const OFTEN = 8;

/** What the supervisor works with. */
export type House = {
  world: World;
  starter: Starter;
  work: Work;
  /** What is known of a site, from now on. */
  siteOf: (id: number) => Site;
};

/** Puts the parts together. */
export function buildHouse(parts: SupervisorParts): House {
  const { config, log } = parts;
  const nowMs = parts.nowMs ?? (() => performance.now());
  const sites = new Map<number, Site>();
  const instances = new Set<Instance>();
  const urgency = createUrgency();
  const isBusy = (except?: Site): boolean =>
    isAsked(instances, nowMs(), { ...(except && { except }), times: OFTEN });
  const launcher = createLauncher(parts, {
    begin: (pid, isAwaited) => begin(urgency, pid, isAwaited && !isStarting(instances), isBusy()),
  });
  const room = createLane(config["functions.processes"], config["functions.queue"], () => {});
  const disk = createDisk(launcher.folderOf, nowMs);
  const meter = createMeter(nowMs);
  const measureDisk = disk.check;
  const watchdog = createWatchdog({ config, nowMs, urgency, meter, measureDisk, isAsked: isBusy });
  const isCalm = (): boolean => watchdog.load() < LOADED && !isStarting(instances);
  const [size, { random }] = [config["functions.pool"], parts];
  const pool = createPool({ size, launcher, room, log, nowMs, isCalm, random });
  const world: World = { parts, nowMs, sites, instances, pool, room, watchdog, disk };
  const codeOf = createCodes(parts.codeOf);
  const work: Work = {
    nowMs,
    begun: watchdog.watch,
    finished: (instance) => endIfCalm(world, instance),
    pace: createPace({ nowMs, isCrowded: watchdog.isCrowded, instances }),
  };

  const siteOf = (id: number): Site => siteIn(sites, id, parts, nowMs);
  const messageBytes = config["functions.kvValueBytes"];
  const own = programsBinding({
    log: (tenant, line) => siteOf(tenant.siteId).log(tenant, line),
    refOf: ({ siteId, deploy }) => sites.get(siteId)?.runners.get(deploy)?.ref,
    codeOf,
  });
  const starter: Starter = {
    parts,
    launcher,
    pool,
    room,
    disk,
    codeOf,
    makeRoom: () => makeRoom(world),
    makeRoomOf: (site) => endsOne(world, site),
    turns: createTurns(Math.max(2, availableParallelism())),
    wiring: { bindings: [...parts.bindings, own], meter, messageBytes },
    onInstance(instance) {
      instances.add(instance);
      watchdog.watch(instance);
    },
    onHello: watchdog.begin,
    watcher: createWatcher(world, log),
  };
  return { world, starter, work, siteOf };
}

function siteIn(
  sites: Map<number, Site>,
  id: number,
  parts: SupervisorParts,
  nowMs: () => number,
): Site {
  let site = sites.get(id);
  if (!site) sites.set(id, (site = createSite(parts, id, nowMs)));
  return site;
}

/** The first to start has all cores where nobody is asked, others those that are left to them: neither slows what runs. */
function begin(urgency: Urgency, pid: number, isFirst: boolean, isBusy: boolean): void {
  urgency.begin(pid, isFirst && !isBusy);
  if (isBusy) urgency.shelter();
}

function isStarting(instances: ReadonlySet<Instance>): boolean {
  for (const { state } of instances) if (state === "starting") return true;
  return false;
}

function createWatcher(world: World, log: SupervisorParts["log"]): Watcher {
  return {
    nowMs: world.nowMs,
    onKill: ({ site, ref }, { message, data }) =>
      site.tell(ref, { level: "error", message, data: { deploy: ref.deploy, ...data } }),
    onEnd: (instance, exit) => noteEnd(world, log, instance, exit),
    onWaiting(instance) {
      if (instance.waiting > 0) world.watchdog.watch(instance);
      else endIfCalm(world, instance);
    },
  };
}

/** A process is gone: whoever it was for is told, and its place is free. */
function noteEnd(
  { watchdog, instances, room, pool, nowMs }: World,
  log: SupervisorParts["log"],
  instance: Instance,
  exit: Exit,
): void {
  const { site, ref, why } = instance;
  watchdog.forget(instance);
  instances.delete(instance);
  room.leave();
  site.room.leave();
  pool.fill();
  const runner = site.runners.get(ref.deploy);
  if (site.kept && !site.kept.has(ref.deploy) && runner?.isIdle()) site.runners.delete(ref.deploy);
  if (why && !isFault(why)) return;
  if (!why && exit.was !== "ready" && exit.was !== "draining") return;
  const seconds = site.crashes.note(nowMs());
  if (why) {
    if (seconds > 0) tellPaused(site, ref, seconds);
    return;
  }
  const how = describeExit(exit);
  const next =
    seconds > 0
      ? `as that was so too often, it starts again in ${seconds} s at the earliest`
      : "the next request starts it again";
  site.tell(ref, {
    level: "error",
    message: `The program's process ended by itself: ${how}; ${next}`,
    data: { code: "crashed", deploy: ref.deploy, exitCode: exit.code, signal: exit.signal },
  });
  log.warn("functions.crashed", { site: ref.site, deploy: ref.deploy, how, stderr: exit.stderr });
}

/** Whether a process was ended for what its program did; a site that computed too much has a wait of its own, and one that is gone needs none. */
function isFault({ code }: Why): boolean {
  return code !== "cpu_budget" && code !== "program_gone" && code !== "stopping";
}
