/**
 * `test/commands` runs commands in this process, with streams, clock and signals that a test holds in its hands.
 * Only tests call it. It must never touch the real standard streams or the user's home.
 */
import { PassThrough } from "node:stream";

import type { Signal, World } from "#commands/context.ts";
import { runLand } from "#commands/run.ts";
import type { Keychain } from "#remote/keychain.ts";

/** What a run left. */
export type Ran = {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** stdout as the one JSON value it must be. */
  json: () => unknown;
};

/** What a test may set of the world; by default no terminal, an empty environment, and the user at `/nowhere`. */
export type Setting = {
  env?: Record<string, string>;
  cwd?: string;
  home?: string;
  /** What stands on standard input. */
  input?: string;
  /** Whether stdin, stdout and stderr are a terminal. */
  terminal?: boolean;
  /** How wide it is; by default 100. */
  columns?: number;
  now?: () => Date;
  /** Where the system keeps secrets; by default nowhere. */
  keychain?: Keychain;
  /** Whether a browser opens; by default it does. */
  browser?: boolean;
};

/** A run that goes on: a test types, sends signals, waits. */
export type Running = {
  done: Promise<Ran>;
  type: (keys: string) => void;
  send: (signal: Signal) => void;
  /** Throws `cause` where nobody catches. */
  crash: (cause: unknown) => void;
  stdout: () => string;
  stderr: () => string;
  /** Exit codes with which the command ended the process at once. */
  exits: number[];
  /** Addresses that were shown in the browser. */
  opened: string[];
  /** Resolves when stdout or stderr holds `text`, or holds it so many `times`. */
  shows: (text: string | RegExp, times?: number) => Promise<void>;
};

/** Starts `land` with these arguments. */
export function startRun(argv: readonly string[], setting: Setting = {}): Running {
  const {
    env = {},
    cwd = "/",
    home = "/nowhere",
    input,
    terminal = false,
    columns = 100,
  } = setting;
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal, setRawMode: () => {} });
  if (input !== undefined) stdin.end(input);
  else if (!terminal) stdin.end();
  const written = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  const sink = (name: "stdout" | "stderr") => {
    const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns, rows: 30 });
    stream.on("data", (chunk: Buffer) => {
      written[name] += chunk.toString();
      for (const check of waiting) check();
    });
    return stream;
  };
  const handlers = new Set<(signal: Signal) => void>();
  const crashHandlers = new Set<(cause: unknown) => void>();
  const exits: number[] = [];
  const opened: string[] = [];
  const world: World = {
    argv,
    env,
    cwd,
    home,
    binary: process.execPath,
    stdin,
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    now: setting.now ?? (() => new Date(0)),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    onSignal(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    onCrash(handler) {
      crashHandlers.add(handler);
      return () => void crashHandlers.delete(handler);
    },
    exit: (code) => void exits.push(code),
    ...(setting.keychain && { keychain: setting.keychain }),
    openBrowser: async (url) => {
      opened.push(url);
      return setting.browser ?? true;
    },
  };
  const done = runLand(world).then((exitCode) => ({
    exitCode,
    ...written,
    json: (): unknown => JSON.parse(written.stdout),
  }));
  return {
    done,
    exits,
    opened,
    type: (keys) => void stdin.write(keys),
    crash: (cause) => {
      for (const handler of crashHandlers) handler(cause);
    },
    send: (signal) => {
      for (const handler of handlers) handler(signal);
    },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    shows: (text, times = 1) =>
      new Promise((found) => {
        const check = (): void => {
          if (`${written.stdout}${written.stderr}`.split(text).length <= times) return;
          waiting.delete(check);
          found();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Runs `land` to its end. */
export function run(argv: readonly string[], setting?: Setting): Promise<Ran> {
  return startRun(argv, setting).done;
}
