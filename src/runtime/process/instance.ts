import type { BridgeError, Handlers, Link, Shape } from "#bridge/model.ts";

import type { ProgramRef } from "../tenant.ts";
import type { RefusalCode } from "./refusals.ts";
import type { Site } from "./site.ts";

/** Why we ended a process: what those get whom it was answering, and what its owner reads. */
export type Why = {
  code: RefusalCode;
  /** For the owner, with the figure and the limit. */
  message: string;
  /** The same as numbers. */
  data?: Readonly<Record<string, unknown>>;
  retryAfterSeconds?: number;
};

/** A request or call that is not finished. */
export type Pending = {
  requestId: string;
  sentMs: number;
  /** Time in which its answer must begin; without end once it did. */
  limitMs: number;
  expire: (error: BridgeError) => void;
};

/** `ended`: no use any more, though it may take a moment to be gone. */
export type InstanceState = "starting" | "ready" | "draining" | "stopping" | "ended";

/** How a process ended; `was` is what it did before that. */
export type Exit = {
  was: InstanceState;
  code: number | null;
  signal: string | null;
  stderr: string;
  /** What it did against the protocol. */
  problem: string | undefined;
};

/** A process that runs a program, or is about to. */
export type Instance = {
  readonly ref: ProgramRef;
  readonly site: Site;
  readonly pid: number;
  readonly link: Link;
  readonly startedAt: Date;
  readonly hasDatabase: boolean;
  /** Whether it was given its folder to look at alone, since there is too much in it. */
  readonly isReadOnly: boolean;
  state: InstanceState;
  /** When it ends although it still answers, in milliseconds; a drain does not wait for ever. */
  drainUntilMs: number;
  shape: Shape;
  handlers: Handlers;
  /** Requests and calls so far, and those not finished. */
  requests: number;
  open: number;
  /** Promises of `waitUntil` that are open. */
  waiting: number;
  /** When it was last given work or finished some. */
  lastWorkMs: number;
  readonly pending: Set<Pending>;
  /** Last ping that it was sent, and the last that it answered. */
  pinged: number;
  ponged: number;
  cpuMs: number;
  memoryBytes: number;
  /** It was made less urgent for ever; a new process is better as soon as nobody waits for this one. */
  isSpent: boolean;
  /** It ended by itself, and one of those that it was answering was asked anew. */
  isRepeated: boolean;
  /** Why we ended it; undefined where it ends by itself. */
  why: Why | undefined;
  /** SIGKILL; those it was answering get `why`, and its owner is told. The first reason counts. */
  kill: (why?: Why) => void;
  /** Asks it to end; it is killed after `graceMs`. */
  stop: (graceMs: number) => void;
  /** Settles when it is gone. */
  readonly ended: Promise<Exit>;
};

/** Whether somebody waits for it, or it does what it was asked to do after an answer. */
export function isWorking(instance: Instance, nowMs: number, afterMs: number): boolean {
  if (instance.state === "starting" || instance.open > 0) return true;
  return instance.waiting > 0 && nowMs - instance.lastWorkMs < afterMs;
}

/** Whoever had something to do within this time is asked. */
const RECENT_MS = 1000;

/** Whether a process, but for those of one site, was asked this often and had something to do just now. */
export function isAsked(
  instances: Iterable<Instance>,
  nowMs: number,
  { except, times }: { except?: Site; times: number },
): boolean {
  for (const { site, requests, lastWorkMs } of instances)
    if (site !== except && requests >= times && nowMs - lastWorkMs < RECENT_MS) return true;
  return false;
}
