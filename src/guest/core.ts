import { BridgeError, type Link } from "#bridge/model.ts";

import { createEnv, type Env } from "./env.ts";
import { createFetch } from "./http/fetch.ts";
import { installWebGlobals } from "./http/globals.ts";
import { installResponse } from "./http/response-class.ts";
import { createKv } from "./kv/store.ts";
import { installConsole } from "./log/console.ts";
import { createLines } from "./log/lines.ts";
import { createStacks } from "./log/stacks.ts";
import { decodeText } from "./natives.ts";
import type { Guest } from "./program/program.ts";
import type { Run } from "./run.ts";
import { createSockets } from "./sockets/sockets.ts";
import { createWaiting } from "./waiting.ts";

/** What a program runs with, and the parts of it that change as the host says. */
export type Core = {
  guest: Guest;
  env: Env;
  /** Limits of the program that is loaded. */
  limits: { subrequests: number };
  /** Adds to what `env` holds besides variables, from its next `set` on. */
  bind: (name: string, binding: object) => void;
};

/**
 * Makes the surroundings of a program and puts them into the global scope. `expect` is told of each call that the host answers at
 * once.
 */
export function createCore(link: () => Link, expect: () => void): Core {
  const limits = { subrequests: 50 };
  const stacks = createStacks(async () => {
    const { bytes } = await link().call("program.map", {});
    return bytes ? decodeText(bytes) : "";
  });
  const lines = createLines(link, stacks);
  const report = (error: unknown, run?: Run): void =>
    lines.write("error", () => `Uncaught ${stacks.describe(error)}`, run);
  const waiting = createWaiting(link, (error, run) => report(error, run));
  const bindings: Record<string, unknown> = {
    KV: createKv(link, expect),
    SOCKETS: createSockets(link),
  };
  const env = createEnv(() => bindings);
  installResponse();
  installWebGlobals(createFetch(link, () => limits.subrequests));
  installConsole(lines, stacks);
  // Errors that no request waits for end nothing: others are being answered meanwhile.
  process.on("uncaughtException", (error) => report(error));
  process.on("unhandledRejection", (reason) => {
    // Left by what was asked for as the link closed.
    if (reason instanceof BridgeError && reason.code === "link_closed") return;
    report(reason);
  });
  return {
    guest: { link, stacks, lines, waiting, report, env: env.current },
    env,
    limits,
    bind: (name, binding) => (bindings[name] = binding),
  };
}
