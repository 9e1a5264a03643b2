/**
 * `src/runtime/sandbox` starts processes that the kernel confines: a program of a site is treated as hostile native code.
 * The supervisor calls `createSpawner`; `land __sandbox` and `land __guest` run the rest inside the new process, and `land doctor` probes it.
 * It must never start a program where a step failed, nor give a process anything but its descriptors and its folder.
 */
import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";

import { createDirect } from "./direct.ts";
import { createGrouping } from "./grouped.ts";
import { EXIT, type GuestMode, type LaunchPlan } from "./plan.ts";
import { programCommand } from "./program.ts";
import { findSandboxProblem, mayChangeUser } from "./support.ts";
import { keepTail } from "./tail.ts";

/** What a process is started for. */
export type GuestPlan = {
  /** A memfd of the host that becomes descriptor 5; -1: none. */
  ring: number;
  /** Absolute path of the site's folder: the working folder, may be written, nothing in it may be executed. */
  writable?: string;
  /** The folder can be read, and no longer written. */
  readOnly?: boolean;
  /** Added to `functions.uidBase`, below 200,000; counts only where the server runs as root. Two sites must never share one. */
  uid?: number;
};

/** A process that was started. It may end at any time, also before it said anything. */
export type GuestProcess = {
  pid: number;
  /** The host's raw ends of the socket pairs (the guest's 3 and 4). They belong to the caller, who closes them. */
  link: number;
  sync: number;
  exited: Promise<{ code: number | null; signal: string | null }>;
  /** SIGKILL, for all threads; nothing where it has ended. */
  kill: () => void;
  /** Last 2 kB of what it wrote to stderr, for the operator's log. */
  stderrTail: () => string;
  /** To be called once it has said something: from then on its exit code may be a program's. */
  heard: () => void;
  /** Whether it was. */
  wasHeard: () => boolean;
};

/** Starts processes. */
export type Spawner = {
  /** Throws the error of the system where no process can be started. */
  spawn: (plan: GuestPlan) => GuestProcess;
  /** Why no program can be confined here; undefined where it can, and where `functions.sandbox` is none. */
  problem: () => string | undefined;
  /** False only with `functions.sandbox = "none"`: then a program has all rights of the server. */
  sandboxed: boolean;
};

/** What a process is started with besides, for probes: what a guest must not be left with. */
export type Given = { env: Record<string, string>; descriptors: number[] };

type StartPlan = [launch: LaunchPlan, plan: Pick<GuestPlan, "ring" | "writable">, given?: Given];

/** Codes of a process that was not confined, or did not find its program and its libraries. */
const NEVER_STARTED: ReadonlySet<number | null> = new Set([EXIT.launch, 127]);

/** Offset of the uid for plans that name none. */
const LAST_UID = 199_999;

/** Makes the spawner of a server. `binary` is a compiled land to start in place of the running program. */
export function createSpawner(options: {
  config: Pick<
    ServerConfig,
    "functions.sandbox" | "functions.uidBase" | "functions.diskBytes" | "functions.memoryBytes"
  >;
  log: Log;
  binary?: string;
}): Spawner {
  const { config, log } = options;
  const sandboxed = config["functions.sandbox"] !== "none";
  if (!sandboxed) log.warn("sandbox.none", { setting: "functions.sandbox" });
  const command = programCommand(options.binary);
  const group = createGrouping(config["functions.memoryBytes"], log);
  const confined = createStart(command, log);
  let problem: { found: string | undefined } | undefined;
  const spawn = (plan: GuestPlan): GuestProcess => {
    const started = sandboxed
      ? confined(launchPlan(plan, config), plan)
      : start([...command, "__guest", "open"], plan);
    void tellFailure(started, log);
    return sandboxed ? group(started) : started;
  };
  return {
    spawn,
    problem() {
      problem ??= { found: sandboxed ? findSandboxProblem() : undefined };
      return problem.found;
    },
    sandboxed,
  };
}

/**
 * Starts processes that confine themselves: directly, until that has failed once, then by way of a whole `land __sandbox`, which takes 12 ms
 * longer and needs less of the machine.
 */
export function createStart(
  command: string[],
  log: Pick<Log, "warn">,
): (...of: StartPlan) => GuestProcess {
  let direct: ReturnType<typeof createDirect> | undefined = createDirect(command);
  const giveUp = (problem: unknown): void => {
    if (direct) log.warn("sandbox.slow", { problem });
    direct = undefined;
  };
  const learn = async ({ exited, wasHeard, stderrTail }: GuestProcess): Promise<void> => {
    const { code } = await exited;
    if (NEVER_STARTED.has(code) && !wasHeard()) giveUp(stderrTail().trim());
  };
  const startDirect = (...[launch, plan, given]: StartPlan): GuestProcess | undefined => {
    const made = direct?.(launch);
    if (!made) return undefined;
    try {
      const started = start([made.path], plan, given);
      void learn(started);
      return started;
    } finally {
      made.close();
    }
  };
  return (launch, plan, given) => {
    let problem: unknown;
    try {
      const started = startDirect(launch, plan, given);
      if (started) return started;
    } catch (cause) {
      problem = cause;
    }
    const started = start([...command, "__sandbox", JSON.stringify(launch)], plan, given);
    if (problem) giveUp(problem);
    return started;
  };
}

/** A process that could not confine itself is the operator's business. */
async function tellFailure(
  { exited, stderrTail, wasHeard }: GuestProcess,
  log: Log,
): Promise<void> {
  const { code } = await exited;
  if (wasHeard() || (code !== EXIT.launch && code !== EXIT.seal)) return;
  log.error("sandbox.failed", { problem: stderrTail().trim() });
}

/** What the new process is told about itself. */
export function launchPlan(
  plan: GuestPlan,
  config: Pick<ServerConfig, "functions.uidBase" | "functions.diskBytes">,
  guest: GuestMode = "sealed",
): LaunchPlan {
  return {
    parent: process.pid,
    ring: plan.ring >= 0,
    writable: plan.writable ?? null,
    readOnly: plan.readOnly ?? false,
    uid: mayChangeUser() ? config["functions.uidBase"] + (plan.uid ?? LAST_UID) : null,
    fileBytes: config["functions.diskBytes"],
    guest,
  };
}

/** Starts a command with the descriptors of a guest. */
export function start(
  command: string[],
  plan: Pick<GuestPlan, "ring" | "writable">,
  given: Given = { env: {}, descriptors: [] },
): GuestProcess {
  const child = Bun.spawn(command, {
    env: given.env,
    cwd: plan.writable ?? "/",
    // A session of its own from the start: what it computes before it is confined is not the server's either.
    detached: process.platform === "linux",
    stdio: [
      "ignore",
      "ignore",
      "pipe",
      "socket-fd",
      "socket-fd",
      ...(plan.ring < 0 ? [] : [plan.ring]),
      ...given.descriptors,
    ],
  });
  const [, , , link, sync] = child.stdio;
  if (typeof link !== "number" || typeof sync !== "number")
    throw new Error("no socket pairs with a new process");
  let wasHeard = false;
  const told = Promise.withResolvers<void>();
  return {
    pid: child.pid,
    link,
    sync,
    exited: endOf(child, told.promise),
    kill: () => child.kill("SIGKILL"),
    stderrTail: keepTail(child.stderr, told.resolve),
    heard: () => (wasHeard = true),
    wasHeard: () => wasHeard,
  };
}

/** `told` resolves once all is known that it wrote to stderr: why it never ran comes before that it did not. */
async function endOf(
  child: Bun.Subprocess,
  told: Promise<void>,
): Promise<{ code: number | null; signal: string | null }> {
  await child.exited;
  const { exitCode, signalCode } = child;
  if (exitCode === EXIT.seal || NEVER_STARTED.has(exitCode)) await told;
  return { code: exitCode, signal: signalCode === null ? null : String(signalCode) };
}
