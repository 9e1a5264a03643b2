import { homedir } from "node:os";

import { systemKeychain } from "#remote/keychain.ts";

import { openBrowser } from "./browser.ts";
import type { Output, Signal, World } from "./context.ts";

/** The world of this process: the one place where commands get at its streams, clock, environment and signals. */
export function processWorld(argv: readonly string[]): World {
  const { stdout, stderr, env } = process;
  endQuietly(stdout);
  stderr.on("error", () => {});
  return {
    argv,
    env,
    cwd: process.cwd(),
    home: env["HOME"] || homedir(),
    binary: process.execPath,
    // Opened only where a command reads it.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    now: () => new Date(),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    onSignal,
    onCrash,
    exit: (code) => process.exit(code),
    keychain: systemKeychain(process.platform),
    openBrowser: (url) => openBrowser(url, process.platform, env),
  };
}

/** A reader that has seen enough, as `head`, closes the pipe: no more to do, and nothing that failed. */
function endQuietly(stdout: Output): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  });
}

function onCrash(handler: (cause: unknown) => void): () => void {
  process.on("uncaughtException", handler).on("unhandledRejection", handler);
  return () => void process.off("uncaughtException", handler).off("unhandledRejection", handler);
}

function onSignal(handler: (signal: Signal) => void): () => void {
  const interrupt = (): void => handler("SIGINT");
  const terminate = (): void => handler("SIGTERM");
  process.on("SIGINT", interrupt).on("SIGTERM", terminate);
  return () => void process.off("SIGINT", interrupt).off("SIGTERM", terminate);
}
