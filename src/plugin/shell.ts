import type { HookEvents, HookName } from "#base/client-hooks.ts";

import { renderSeconds } from "./words.ts";

/** How a shell command is run. */
export type ShellOptions = {
  /** Where, absolute. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  limitMs: number;
  signal: AbortSignal;
  /** What it prints, as it comes. */
  onOutput: (piece: Uint8Array) => void;
};

/** How long a command may take to end itself once it was told to. */
const GRACE_MS = 1500;
/** What of its output is waited for once it has ended: something that it left behind may hold the pipe for ever. */
const DRAIN_MS = 200;
/** The system takes no longer variable. */
const MAX_VARIABLE = 100_000;
/** Variables of land that hold secrets, or may. */
const SECRET = /^LAND_.*(?:TOKEN|KEY|SECRET|PASSWORD|CODE)/i;
/** What would make a land, or a Bun, that the command starts another program. */
const RUNTIME = /^BUN_(?:BE_BUN|OPTIONS)$/i;

/**
 * Runs a command with the event as JSON on stdin and in variables. What it prints is handed on.
 *
 * Throws an Error that says how it ended, where not with 0 and in time; the reason of the signal
 */
export async function runShellHook<N extends HookName>(
  command: string,
  name: N,
  event: HookEvents[N],
  options: ShellOptions,
): Promise<void> {
  const { cwd, signal, limitMs, onOutput } = options;
  signal.throwIfAborted();
  const child = Bun.spawn(shellOf(command), {
    cwd,
    env: environmentOf(name, event, options.env),
    stdin: new TextEncoder().encode(`${JSON.stringify({ event: name, ...event })}\n`),
    stdout: "pipe",
    stderr: "pipe",
    detached: process.platform !== "win32",
    windowsVerbatimArguments: true,
  });
  const output = Promise.all([pour(child.stdout, onOutput), pour(child.stderr, onOutput)]);
  const stop = (kind: "SIGINT" | "SIGTERM"): void => {
    endGroup(child, kind);
    setTimeout(() => endGroup(child, "SIGKILL"), GRACE_MS).unref();
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop("SIGTERM");
  }, limitMs);
  const onAbort = (): void => stop("SIGINT");
  signal.addEventListener("abort", onAbort);
  try {
    await child.exited;
    await Promise.race([output, Bun.sleep(DRAIN_MS)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  signal.throwIfAborted();
  if (late) throw new Error(`it did not end within ${renderSeconds(limitMs)}`);
  const { exitCode, signalCode } = child;
  if (exitCode !== 0) throw new Error(`it ended with ${exitCode ?? signalCode ?? "a signal"}`);
}

function shellOf(command: string): string[] {
  return process.platform === "win32"
    ? ["cmd", "/d", "/s", "/c", `"${command}"`]
    : ["/bin/sh", "-c", command];
}

type Child = { pid: number; kill: (signal: NodeJS.Signals) => void };

/** To all that the command started: it leads a group of its own. */
function endGroup(child: Child, signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It is gone.
  }
}

async function pour(
  stream: ReadableStream<Uint8Array>,
  onOutput: (piece: Uint8Array) => void,
): Promise<void> {
  for await (const piece of stream) onOutput(piece);
}

/** The user's variables without secrets of land, then the event's. A land that the command starts has no plugins and hooks. */
function environmentOf<N extends HookName>(
  name: N,
  event: HookEvents[N],
  env: ShellOptions["env"],
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([key]) => !SECRET.test(key) && !RUNTIME.test(key));
  return { ...Object.fromEntries(kept), ...variablesOf(name, event), LAND_NO_PLUGINS: "1" };
}

/** `LAND_EVENT=prePublish`, `LAND_PACKAGE_NAME=left`: whatever of an event is plain text. */
function variablesOf<N extends HookName>(name: N, event: HookEvents[N]): Record<string, string> {
  const all: Record<string, string | undefined> = { LAND_EVENT: name };
  const told: { [key: string]: unknown } = event;
  for (const [key, variable] of VARIABLES) {
    const value = told[key];
    if (typeof value === "string") all[variable] = value;
    else if (typeof value === "boolean") all[variable] = value ? "1" : "0";
  }
  if ("packages" in event)
    all["LAND_PACKAGES"] = event.packages
      .map((one: { name: string; version: string }) => `${one.name}@${one.version}`)
      .join(" ");
  const fitting = Object.entries(all).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1].length <= MAX_VARIABLE,
  );
  return Object.fromEntries(fitting);
}

/** None of them is the variable of a flag: they would reach a land that the command starts. */
const VARIABLES = [
  ["dir", "LAND_PROJECT_DIR"],
  ["name", "LAND_PACKAGE_NAME"],
  ["version", "LAND_PACKAGE_VERSION"],
  ["digest", "LAND_PACKAGE_DIGEST"],
  ["registry", "LAND_EVENT_REGISTRY"],
  ["site", "LAND_SITE_NAME"],
  ["draft", "LAND_DEPLOY_DRAFT"],
  ["deploy", "LAND_DEPLOY_ID"],
  ["url", "LAND_DEPLOY_URL"],
] as const;
