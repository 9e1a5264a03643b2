import type { ProgramRef } from "../tenant.ts";
import type { House } from "./build.ts";
import { drain } from "./housekeeping.ts";
import type { Instance } from "./instance.ts";
import type { Lane } from "./lane.ts";
import { refuse } from "./refusals.ts";
import { createRunner, type Runner } from "./runner.ts";

/** The way into a program. */
export type Entry = {
  /** Throws `functions_unavailable`, `stopping` or `cpu_budget`. */
  runnerOf: (ref: ProgramRef) => Runner;
  /** A process for one piece of work, whose place in `lane` the caller gives back; where it rejects, there is none to give back. */
  enter: (runner: Runner, lane: Lane, signal?: AbortSignal) => Promise<Instance>;
  /** Nobody gets in any more. */
  close: () => void;
};

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
    async enter(runner, lane, signal) {
      if (!lane.tryEnter()) await lane.enter(signal, maxWaitMs);
      try {
        const { telling } = siteOf(runner.ref.siteId);
        if (telling) await telling;
        return runner.usable() ?? (await runner.ready());
      } catch (error) {
        lane.leave();
        throw error;
      }
    },
    close: () => (isClosed = true),
  };
}
