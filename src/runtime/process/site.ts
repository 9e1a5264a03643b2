import type { DeployId } from "#base/names.ts";

import type { Tenant } from "../tenant.ts";
import { type CpuBudget, createCpuBudget } from "./budget.ts";
import { type Crashes, createCrashes } from "./crashes.ts";
import { createLane, type Lane } from "./lane.ts";
import { createLogGate } from "./log-gate.ts";
import type { ProcessQuotas, ProgramLine, SupervisorParts } from "./parts.ts";
import type { Runner } from "./runner.ts";

/** What all processes of a site share. */
export type Site = {
  readonly id: number;
  readonly runners: Map<DeployId, Runner>;
  readonly budget: CpuBudget;
  readonly crashes: Crashes;
  /** Places for its processes. */
  readonly room: Lane;
  quotas: ProcessQuotas;
  /** Its folder is being removed: starts wait for it. */
  clearing: Promise<void> | undefined;
  /** More is in its folder than it may hold. */
  isFull: boolean;
  /** Other variables are on their way to its processes: requests wait for it. */
  telling: Promise<void> | undefined;
  /** Grows when variables change. */
  envVersion: number;
  /** Deploys that may go on, where that was told. */
  kept: ReadonlySet<DeployId> | undefined;
  isGone: boolean;
  /** Until when its streams have sent what they may in that time; see `pacing.ts`. */
  sentUntilMs: number;
  /** Writes a line of ours into its log; floods are counted. */
  tell: (tenant: Tenant, line: ProgramLine) => void;
  /** Writes a line of a program into its log; what is too much in a second is counted. */
  log: (tenant: Tenant, line: ProgramLine) => void;
  /** Tells how many lines were not kept, if any. */
  flush: (nowMs: number) => void;
};

/** Lines of ours per second; each tells of a process or a request. */
const OWN_LINES = 20;

/** Makes what is known of a site, with quotas of the server until its own are read. */
export function createSite(parts: SupervisorParts, id: number, nowMs: () => number): Site {
  const { config } = parts;
  const linesPerSecond = config["functions.logLinesPerSecond"];
  const gate = createLogGate(linesPerSecond);
  const own = createLogGate(OWN_LINES);
  let last: Tenant | undefined;
  const drop = (lines: number, limit: number): void => {
    if (lines === 0 || !last) return;
    parts.noteLog(last, {
      level: "warn",
      message: `${lines} more lines were not kept: the limit is ${limit} per second`,
      data: { code: "log_limit", lines, limit },
    });
  };
  return {
    id,
    runners: new Map(),
    budget: createCpuBudget(config["functions.cpuSecondsPerMinute"] * 1000),
    crashes: createCrashes(),
    room: createLane(config["functions.processesPerSite"], config["functions.queue"], () => {}),
    quotas: {
      memoryBytes: config["functions.memoryBytes"],
      diskBytes: config["functions.diskBytes"],
    },
    clearing: undefined,
    isFull: false,
    telling: undefined,
    envVersion: 0,
    kept: undefined,
    isGone: false,
    sentUntilMs: Number.NEGATIVE_INFINITY,
    tell(tenant, line) {
      last = tenant;
      if (own.admit(nowMs())) parts.noteLog(tenant, line);
    },
    log(tenant, line) {
      last = tenant;
      if (gate.admit(nowMs())) parts.noteLog(tenant, line);
    },
    flush(at) {
      drop(gate.takeDropped(at), linesPerSecond);
      drop(own.takeDropped(at), OWN_LINES);
    },
  };
}

/** A site whose processes ended so often of late, by a crash or a limit, has the next one begin below all others. */
const CRASHING = 2;

/** Whether what a site starts may wait until nobody else computes. */
export function isSuspect({ crashes }: Site, nowMs: number): boolean {
  return crashes.count(nowMs) >= CRASHING;
}
