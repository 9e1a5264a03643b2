import type { ProgramRef } from "../tenant.ts";
import type { House } from "./build.ts";
import { drain } from "./housekeeping.ts";
import type { Instance } from "./instance.ts";
import type { Lane } from "./lane.ts";
import { refuse } from "./refusals.ts";
import { createRunner, type Runner } from "./runner.ts";
import type { Site } from "./site.ts";

/** The way into a program. */
export type Entry = {
  /** Throws `functions_unavailable`, `stopping` or `cpu_budget`. */
  runnerOf: (ref: ProgramRef) => Runner;
  /**
   * Has a process do one piece of work, which gives back its place in `lane`. `use` takes the process at once: a moment later it
   * may have been told to end.
   */
  enter: <T>(
    runner: Runner,
    lane: Lane,
    use: (instance: Instance) => Promise<T>,
    signal?: AbortSignal,
  ) => Promise<T>;
  /** Nobody gets in any more. */
  close: () => void;
};

/** Starts for one request. */
const MAX_TRIES = 2;

/** Has a process work for who is in a lane already, once there is one. */
async function enterLater<T>(
  runner: Runner,
  lane: Lane,
  site: Site,
  use: (instance: Instance) => Promise<T>,
): Promise<T> {
  let instance: Instance | undefined;
  try {
    if (site.telling) await site.telling;
    instance = runner.usable();
    // What is ready may have ended again before it is our turn.
    for (let tries = 0; !instance && tries < MAX_TRIES; tries += 1) {
      await runner.ready();
      instance = runner.usable();
    }
    if (!instance) throw refuse("crashed", "The program ended before it was asked");
  } catch (error) {
    lane.leave();
    throw error;
  }
  return use(instance);
}

/** Makes it for all programs of a server. */
export function createEntry({ world, starter, siteOf }: House): Entry {
  const { config, spawner } = starter.parts;
  const maxWaitMs = config["functions.wallSeconds"] * 1000;
  let isClosed = false;
  return {
    runnerOf(ref) {
      if (isClosed) throw refuse("stopping", "The server ends");
      const site = siteOf(ref.siteId);
      let runner = site.runners.get(ref.deploy);
      if (!runner) {
        const problem = spawner.problem();
        if (problem !== undefined) throw refuse("functions_unavailable", problem);
        runner = createRunner(starter, site, ref, (instance) => drain(world, instance));
        site.runners.set(ref.deploy, runner);
      }
      const wait = site.budget.waitSeconds(world.nowMs());
      if (wait > 0)
        throw refuse("cpu_budget", "The site computed for too long within a minute", wait);
      return runner;
    },
    enter(runner, lane, use, signal) {
      const site = siteOf(runner.ref.siteId);
      if (!lane.tryEnter()) {
        return lane.enter(signal, maxWaitMs).then(() => enterLater(runner, lane, site, use));
      }
      const instance = site.telling ? undefined : runner.usable();
      if (instance) return use(instance);
      return enterLater(runner, lane, site, use);
    },
    close: () => (isClosed = true),
  };
}
