import type { BridgeError, Handlers } from "#bridge/model.ts";

import type { ProgramRef } from "../tenant.ts";
import { createHealth, type Health } from "./health.ts";
import type { Instance } from "./instance.ts";
import { createLane, type Lane } from "./lane.ts";
import { refuse } from "./refusals.ts";
import { problemOf, tellBroken, tellFailed, tellRefused } from "./runner-lines.ts";
import type { Site } from "./site.ts";
import { type Started, type Starter, startProgram } from "./start.ts";

/** A deploy whose program runs, or may. */
export type Runner = {
  readonly ref: ProgramRef;
  /** Requests at a time. */
  readonly lane: Lane;
  /** Calls at a time: messages of sockets and schedules. */
  readonly calls: Lane;
  /** The process that takes requests now, if there is one. */
  usable: () => Instance | undefined;
  /** The same, started if need be; who asks at the same time shares one start. Rejects with a BridgeError. */
  ready: () => Promise<Instance>;
  /** Its process finishes what it has, then ends. */
  drain: () => void;
  /** What it failed of may be mended. */
  retry: () => void;
  /** Settles when no start is under way. */
  settled: () => Promise<void>;
  /** Whether it has no process. */
  isIdle: () => boolean;
  /** Which handlers the program has; undefined: it never ran. */
  handlers: () => Handlers | undefined;
  /** Why its last start came to nothing, in one line; undefined: it did not, or there was none. */
  problem: () => string | undefined;
};

/** Messages of sockets come in bursts; each is small. */
const QUEUED_CALLS = 10_000;

/** Makes the runner of a deploy. `onDrain` is told of a process that is to end when it has no work. */
export function createRunner(
  starter: Starter,
  site: Site,
  ref: ProgramRef,
  onDrain: (instance: Instance) => void,
): Runner {
  const { config, random } = starter.parts;
  const { nowMs } = starter.watcher;
  const health = createHealth(random);
  let current: Instance | undefined;
  let starting: Promise<Instance> | undefined;
  let isDrained = false;
  let handlers: Handlers | undefined;
  let problem: string | undefined;

  function usable(): Instance | undefined {
    if (current?.state === "draining" && !isDrained && !current.isSpent) current.state = "ready";
    return current?.state === "ready" ? current : undefined;
  }

  async function start(): Promise<Instance> {
    health.check(nowMs());
    checkCrashes(site, nowMs());
    const started = await startProgram(starter, site, ref);
    starter.pool.fill();
    problem = started.kind === "ready" ? undefined : problemOf(started);
    if (started.kind === "ready") {
      health.noteReady();
      handlers = started.instance.handlers;
      current = started.instance;
      if (site.isGone) current.kill();
      return current;
    }
    throw refuseStart(started, { site, ref, health, atMs: nowMs() });
  }

  const refused = (): void => tellRefused(site, ref, config);
  return {
    ref,
    lane: createLane(config["functions.concurrency"], config["functions.queue"], refused),
    calls: createLane(config["functions.concurrency"], QUEUED_CALLS, refused),
    usable,
    ready() {
      isDrained = false;
      const instance = usable();
      if (instance) return Promise.resolve(instance);
      starting ??= start().finally(() => (starting = undefined));
      return starting;
    },
    drain() {
      isDrained = true;
      if (current?.state !== "ready") return;
      current.state = "draining";
      onDrain(current);
    },
    retry: health.retry,
    settled: async () => void (await starting?.catch(() => undefined)),
    handlers: () => handlers,
    problem: () => problem,
    isIdle: () => !starting && (!current || current.state === "ended"),
  };
}

/** Throws `crashed` where processes of the site ended so often of late that the next one waits. */
function checkCrashes({ crashes }: Site, atMs: number): void {
  const wait = crashes.waitSeconds(atMs);
  if (wait > 0) throw refuse("crashed", "The program ended again and again", wait);
}

/** Notes why a start came to nothing, and answers what those get who waited for it. */
function refuseStart(
  started: Exclude<Started, { kind: "ready" }>,
  { site, ref, health, atMs }: { site: Site; ref: ProgramRef; health: Health; atMs: number },
): BridgeError {
  if (started.kind === "broken") {
    if (health.noteBroken(started.error, atMs)) tellBroken(site, ref, started.error);
    return refuse("program_broken", "The program cannot be loaded");
  }
  const seconds = health.noteFailed(atMs);
  if (started.kind === "ended")
    return refuse(started.why.code, "The program was ended while it started", seconds);
  tellFailed(site, ref, started.problem, seconds);
  return refuse("start_failed", "The program's process did not start", seconds);
}
