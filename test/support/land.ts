import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "./binary.ts";

/** A folder that is removed at the end of its scope. */
export type TemporaryFolder = AsyncDisposable & { path: string };

/** Makes an empty folder below the system's temporary one. */
export async function temporaryFolder(name: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `land-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** What a run of the binary left. */
export type Outcome = {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** stdout as the one JSON value it must be. */
  json: <T = Record<string, unknown>>() => T;
};

export type RunOptions = {
  cwd: string;
  /** LAND_HOME and HOME of the run. */
  home: string;
  env?: Record<string, string>;
  /** Standard input; nothing by default. */
  input?: string;
};

/** The environment of a person with an empty home: nothing of this process but PATH. */
export function cleanEnvironment(
  home: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    LAND_HOME: join(home, ".land"),
    NO_COLOR: "1",
    ...more,
  };
}

/** Runs the binary to its end, without a terminal. */
export async function land(args: readonly string[], options: RunOptions): Promise<Outcome> {
  const child = Bun.spawn([await landBinary(), ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options.home, options.env),
    stdin: new TextEncoder().encode(options.input ?? ""),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}

/** A server process. Leaving the scope kills it. */
export type LandServer = AsyncDisposable & {
  url: string;
  pid: number;
  /** What it wrote to stderr so far: its log. */
  log: () => string;
  /** Sends a signal and waits for the end. Returns the exit code; 137 after SIGKILL. */
  end: (signal: "SIGTERM" | "SIGINT" | "SIGKILL") => Promise<number>;
};

/** Starts `land serve` on a free port and waits until it says that it listens. */
export async function startLand(options: {
  data: string;
  home: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** What starts it: `setpriv` and its arguments, then the binary where another user may read it. By default the binary. */
  program?: readonly string[];
}): Promise<LandServer> {
  const program = options.program ?? [await landBinary()];
  const child = Bun.spawn(
    [...program, "serve", "--data", options.data, "--port", "0", ...(options.args ?? [])],
    {
      cwd: options.home,
      env: cleanEnvironment(options.home, options.env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  let log = "";
  const logged = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) log += decoder.decode(chunk, { stream: true });
  })();
  const url = await listeningUrl(child.stdout);
  const end = async (signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number> => {
    child.kill(signal);
    const code = await child.exited;
    await logged;
    return code;
  };
  if (url === undefined) {
    await end("SIGKILL");
    throw new Error(`land serve did not start:\n${log}`);
  }
  return {
    url,
    pid: child.pid,
    log: () => log,
    end,
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

async function listeningUrl(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    const url = /^land is listening on (\S+)\n/m.exec(text)?.[1];
    if (url) return url;
  }
  return undefined;
}
