import type { DeployId } from "#base/names.ts";

import type { Disk } from "./disk-watch.ts";
import { type Instance, isWorking } from "./instance.ts";
import type { Lane } from "./lane.ts";
import type { SupervisorParts } from "./parts.ts";
import type { Pool } from "./pool.ts";
import type { Site } from "./site.ts";
import type { Watchdog } from "./watchdog.ts";

/** All that runs, for those who look after it. */
export type World = {
  parts: Pick<SupervisorParts, "config">;
  nowMs: () => number;
  sites: Map<number, Site>;
  instances: Set<Instance>;
  pool: Pool;
  room: Lane;
  watchdog: Watchdog;
  disk: Disk;
};

/** A process without work that nobody needs gets this long to end by itself. */
const END_MS = 2000;
/** A drain waits this many times `functions.wallSeconds`: some answers never end. */
const DRAIN_FACTOR = 10;
const EVERY_MS = 1000;
/** Folders of databases are measured every so many rounds. */
const DISK_ROUNDS = 5;

/** Looks after idle processes once a second. Returns the way to stop. */
export function keepHouse(world: World): () => void {
  let round = 0;
  const timer = setInterval(() => {
    round += 1;
    for (const instance of world.instances) {
      if (instance.state === "starting" || instance.state === "ended") continue;
      world.watchdog.look(instance);
      if (round % DISK_ROUNDS === 0 && instance.hasDatabase) world.disk.check(instance);
      endIdle(world, instance);
    }
    for (const site of world.sites.values()) site.flush(world.nowMs());
    if (world.pool.isWanted()) world.pool.fill();
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function endIdle({ parts, nowMs }: World, instance: Instance): void {
  const { config } = parts;
  const at = nowMs();
  const isWorkless = !isWorking(instance, at, config["functions.wallSeconds"] * 1000);
  const idleMs = at - instance.lastWorkMs;
  if (at >= instance.drainUntilMs) instance.stop(END_MS);
  else if (!isWorkless) return;
  else if (instance.state === "draining" || instance.isSpent) instance.stop(END_MS);
  else if (idleMs >= config["functions.idleSeconds"] * 1000) instance.stop(END_MS);
}

/** Ends a process that is to end, or whose place others need, if it has nothing to do any more. */
export function endIfCalm(world: World, instance: Instance): void {
  if (instance.open > 0 || instance.waiting > 0) return;
  const isWanted = instance.state === "ready" && !instance.isSpent && world.room.waiting() === 0;
  if (instance.state !== "starting" && !isWanted) instance.stop(END_MS);
}

/** Lets a process finish its work and take no more. */
export function drain(world: World, instance: Instance): void {
  const { "functions.wallSeconds": wall } = world.parts.config;
  instance.drainUntilMs = world.nowMs() + wall * DRAIN_FACTOR * 1000;
  endIfCalm(world, instance);
}

/** Makes room for a process: one of the pool goes, else the one that is idle for the longest. */
export function makeRoom({ instances, pool }: World): void {
  if (!pool.drop()) longestIdle(instances)?.stop(END_MS);
}

/** Whether a process of a site is about to end for one more that waits; the one that is idle for the longest is ended for it. */
export function endsOne({ instances }: World, site: Site): boolean {
  const own = [...instances].filter((instance) => instance.site === site);
  const ending = own.filter(({ state }) => state === "stopping" || state === "ended").length;
  if (ending > site.room.waiting()) return true;
  const idle = longestIdle(own);
  idle?.stop(END_MS);
  return idle !== undefined;
}

function longestIdle(instances: Iterable<Instance>): Instance | undefined {
  let longest: Instance | undefined;
  for (const instance of instances) {
    if (instance.state !== "ready" || instance.open > 0 || instance.waiting > 0) continue;
    if (!longest || instance.lastWorkMs < longest.lastWorkMs) longest = instance;
  }
  return longest;
}

/** Lets only some deploys of a site go on. */
export function keepDeploys(site: Site, deploys: readonly DeployId[]): void {
  const kept = (site.kept = new Set(deploys));
  for (const [deploy, runner] of site.runners) {
    if (kept.has(deploy)) continue;
    runner.drain();
    if (runner.isIdle()) site.runners.delete(deploy);
  }
}
