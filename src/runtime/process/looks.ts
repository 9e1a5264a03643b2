import { availableParallelism } from "node:os";

import type { Meter } from "../link/meter.ts";
import type { Instance } from "./instance.ts";
import type { SupervisorParts } from "./parts.ts";
import { openProc, type ProcReader } from "./proc.ts";
import { refuse } from "./refusals.ts";
import { type Crowd, moveTo, type Standing } from "./standing.ts";
import type { Urgency } from "./urgency.ts";
import { overBudget, overCpu, overMemory, overThreads, overWall } from "./verdicts.ts";

/** Usual pace. */
export const TICK_MS = 50;
/** Pace while one does not answer. */
const SOON_MS = 20;
/** Pace while one is near its limit of memory. */
const NEAR_MS = 10;
const NEAR = 0.7;
/** Processor time without an answer after which a process becomes less urgent. */
const LOWER_AFTER_MS = 15;
/** How fast older use is forgotten. */
const RATE_MEMORY_MS = 500;
/** Time in which a process must react after a request took too long. */
const REACT_MS = 5000;
/** Without figures of the kernel, a process may use all the time that goes by, and this much is not its fault. */
const BLIND_FACTOR = 5;
/** Threads beyond those that Bun starts for each core. */
const MAX_THREADS = 64;
const MAX_ALL_THREADS = MAX_THREADS + 2 * availableParallelism();
/** A part of the disk quota written since the folder was last measured: time to measure again. */
const WRITTEN_PART = 8;

/** What is known of a process that is looked at. */
export type Watch = Standing & {
  reader: ProcReader;
  atMs: number;
  /** When it is to be looked at again. */
  dueMs: number;
  cpuMs: number;
  ping: { n: number; atMs: number; cpuMs: number } | undefined;
  pings: number;
  /** It was over its limit when last looked at; it gets one more look, since the pong may have been on its way. */
  isSuspect: boolean;
  /** When it must have answered a ping; a request took too long. */
  reactByMs: number | undefined;
  writtenBytes: number;
  /** When its memory was looked at, and whether it is near its limit. */
  memoryAtMs: number;
  isNear: boolean;
};

/** What looks need. */
export type LookParts = Pick<SupervisorParts, "config"> & {
  nowMs: () => number;
  urgency: Urgency;
  /** Tells whether we do not listen to a site for now. */
  meter: Meter;
  /** Asks how much is in the folder of its site. */
  measureDisk: (instance: Instance) => void;
  /** Whether sites are asked, all or all but one. */
  isAsked: (except?: Instance["site"]) => boolean;
};

/** Begins to look at a process. */
export function newWatch(pid: number, nowMs: number): Watch {
  return {
    reader: openProc(pid),
    atMs: nowMs,
    dueMs: nowMs,
    cpuMs: 0,
    rate: 0,
    used: 0,
    restlessMs: Number.NEGATIVE_INFINITY,
    begunMs: Number.NEGATIVE_INFINITY,
    ping: undefined,
    pings: 0,
    isSuspect: false,
    stand: "begun",
    raises: 0,
    reactByMs: undefined,
    writtenBytes: 0,
    memoryAtMs: Number.NEGATIVE_INFINITY,
    isNear: false,
  };
}

/** Takes the figures of one process and does what they call for. Answers after how many milliseconds to look again. */
export function lookAt(parts: LookParts, instance: Instance, watch: Watch, crowd: Crowd): number {
  const at = parts.nowMs();
  const cpu = watch.reader.cpu();
  const used = cpu ? Math.max(0, cpu.cpuMs - watch.cpuMs) : 0;
  if (cpu) {
    instance.cpuMs = watch.cpuMs = cpu.cpuMs;
    const elapsedMs = Math.max(1, at - watch.atMs);
    const weight = 1 - Math.exp(-elapsedMs / RATE_MEMORY_MS);
    watch.used = used / elapsedMs;
    watch.rate += (watch.used - watch.rate) * weight;
    instance.site.budget.add(at, used);
    if (cpu.threads > MAX_ALL_THREADS) instance.kill(overThreads(cpu.threads, MAX_ALL_THREADS));
  }
  watch.atMs = at;
  checkBudget(parts, instance, at);
  // Looked at sooner for another reason, its memory need not be: the kernel counts it anew each time.
  if (watch.isNear || at - watch.memoryAtMs > TICK_MS - NEAR_MS) {
    watch.isNear = checkMemory(instance, watch);
    watch.memoryAtMs = at;
  }
  checkDisk(parts, instance, watch);
  checkWall(parts, instance, watch, at);
  const isSilent = checkAnswers(parts, instance, watch, at, used);
  const isBlocking = burnedMs(watch, at) >= LOWER_AFTER_MS;
  const isAsked = watch.ping !== undefined;
  moveTo(parts.urgency, instance, watch, { ...crowd, at, isBlocking, isSilent: isAsked });
  // One that stands low already can wait for the next look.
  return watch.isNear ? NEAR_MS : isSilent && watch.stand !== "low" ? SOON_MS : TICK_MS;
}

function checkBudget({ config }: LookParts, instance: Instance, at: number): void {
  const { budget } = instance.site;
  const wait = budget.waitSeconds(at);
  if (wait > 0)
    instance.kill(
      overBudget(budget.usedMs(at), config["functions.cpuSecondsPerMinute"] * 1000, wait),
    );
}

function checkMemory(instance: Instance, watch: Watch): boolean {
  const bytes = watch.reader.memoryBytes();
  if (bytes === undefined) return false;
  instance.memoryBytes = bytes;
  const limit = instance.site.quotas.memoryBytes;
  if (bytes > limit) instance.kill(overMemory(bytes, limit));
  return bytes > limit * NEAR;
}

function checkDisk({ measureDisk }: LookParts, instance: Instance, watch: Watch): void {
  if (!instance.hasDatabase || instance.isReadOnly) return;
  const written = watch.reader.writtenBytes();
  // Where the kernel does not tell (root without CAP_SYS_PTRACE), it is measured as often as that pays.
  if (written === undefined) return measureDisk(instance);
  if (written - watch.writtenBytes < instance.site.quotas.diskBytes / WRITTEN_PART) return;
  watch.writtenBytes = written;
  measureDisk(instance);
}

/** Requests that were not begun to answer in time end; the process goes on where it still reacts. */
function checkWall({ config }: LookParts, instance: Instance, watch: Watch, at: number): void {
  for (const pending of instance.pending) {
    if (at - pending.sentMs < pending.limitMs) continue;
    instance.pending.delete(pending);
    const seconds = pending.limitMs / 1000;
    pending.expire(refuse("wall_limit", `The program did not begin to answer within ${seconds} s`));
    instance.site.tell(instance.ref, {
      level: "error",
      message: `It did not begin to answer within ${seconds} s`,
      requestId: pending.requestId,
      data: { code: "wall_limit", limitSeconds: seconds },
    });
    watch.reactByMs ??= at + REACT_MS;
  }
  if (watch.reactByMs !== undefined && at > watch.reactByMs)
    instance.kill(overWall(config["functions.wallSeconds"]));
}

/** Asks a process that computes whether it still reacts; ends it where it does not for too long. Answers whether it is silent. */
function checkAnswers(
  { config, meter }: LookParts,
  instance: Instance,
  watch: Watch,
  at: number,
  used: number,
): boolean {
  // What blocks while it is loaded has `functions.startSeconds` for it.
  if (instance.state === "starting" || instance.state === "ended") return false;
  if (watch.ping && instance.ponged >= watch.ping.n) {
    watch.ping = undefined;
    watch.reactByMs = undefined;
    watch.isSuspect = false;
  }
  if (!watch.ping) {
    if (used === 0 && watch.reactByMs === undefined) return false;
    watch.pings += 1;
    watch.ping = { n: watch.pings, atMs: at, cpuMs: watch.cpuMs };
    instance.pinged = watch.pings;
    instance.link.control({ kind: "ping", n: watch.pings });
    return used >= LOWER_AFTER_MS;
  }
  if (meter.account(instance.site.id).waitMs() > 0) {
    // Its answer may be there, unread: it told us too much else.
    watch.ping = { ...watch.ping, atMs: at, cpuMs: watch.cpuMs };
    return false;
  }
  const limit = config[instance.shape === "script" ? "functions.scriptCpuMs" : "functions.cpuMs"];
  const burned = burnedMs(watch, at);
  if (burned > limit) {
    if (watch.isSuspect) instance.kill(overCpu(burned, limit));
    watch.isSuspect = true;
  }
  return burned > 0;
}

/** Processor time since the ping that is not answered. */
function burnedMs({ ping, cpuMs, reader }: Watch, at: number): number {
  if (!ping) return 0;
  return process.platform === "linux" || reader.cpu()
    ? cpuMs - ping.cpuMs
    : (at - ping.atMs) / BLIND_FACTOR;
}
