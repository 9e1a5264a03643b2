import { join } from "node:path";

import type { ServerConfig } from "#base/config.ts";
import { createHooks } from "#base/hooks.ts";
import type { Log } from "#base/log.ts";
import type { Digest } from "#base/names.ts";
import { createFetches } from "#runtime/egress/egress.ts";
import { kvBinding } from "#runtime/kv/kv-binding.ts";
import { createKv } from "#runtime/kv/kv.ts";
import { createPrograms } from "#runtime/link/visitor.ts";
import type { ProcessQuotas, ProgramCode, ProgramLine } from "#runtime/process/parts.ts";
import { createSupervisor, type Supervisor } from "#runtime/process/supervisor.ts";
import { createSpawner } from "#runtime/sandbox/spawn.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { createSockets } from "#runtime/sockets/sockets.ts";
import { type ProgramRef, refOf } from "#runtime/tenant.ts";
import { isOwnHost } from "#sites/domains/domain-host.ts";
import type { LoadedSite } from "#sites/serving/load.ts";
import type { LoadedProgram, Programs } from "#sites/serving/program.ts";

import { brokenAnswer } from "./dev-broken.ts";
import { BROKEN, type DevProgram, type ProgramState } from "./dev-program.ts";
import { ownAddresses } from "./own-addresses.ts";

/** What runs the program of one folder, put together of the parts that the server of sites has. */
export type DevFunctions = {
  /** Takes over: requests that come after it are for this state. */
  take: (state: ProgramState) => void;
  /** What a request may be for; undefined: there is no program. */
  program: () => LoadedProgram | undefined;
  programs: Programs;
  websocket: Bun.WebSocketHandler<SocketData>;
  /** Runs the handler of a schedule to its end. Rejects where it failed. */
  runSchedule: (cron: string, scheduledTimeMs: number) => Promise<void>;
  /** Closes sockets, which would never end by themselves. */
  endStreams: () => void;
  /** Ends all processes. */
  stop: () => Promise<void>;
};

/** How it is put together. */
export type DevFunctionsOptions = {
  config: ServerConfig;
  site: LoadedSite["site"];
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Whether a host leads to this machine. */
  isOurs: (host: string) => boolean;
  /** Takes what the program logs, and what is told of it. */
  onLine: (line: ProgramLine) => void;
};

/** Programs of before whose processes may still finish something. */
const KEPT_CODES = 5;

/** Puts it together. Nothing is started or written before there is a program. */
export function startDevFunctions(options: DevFunctionsOptions): DevFunctions {
  const { site } = options;
  const codes = new Map<Digest, ProgramCode>();
  let state: ProgramState | undefined;
  const current = (): ProgramRef | undefined =>
    state?.program && refOf(site.id, site.name, state.program);
  const parts = putTogether(options, { codes, current, env: () => state?.env ?? {} });
  const { supervisor, sockets, programs, hooks } = parts;

  function take(next: ProgramState): void {
    const before = state;
    state = next;
    if (JSON.stringify(before?.env) !== JSON.stringify(next.env)) supervisor.envChanged(site.id);
    const { program } = next;
    if (program && program.deploy !== before?.program?.deploy) keepCode(codes, program);
    hooks.emit("site.functions", { site: site.name });
    supervisor.keep(site.id, program ? [program.deploy] : []);
    const ref = current();
    // What goes wrong while it is loaded is told now, not at the first request. It is told as a line.
    if (ref && next.problem === undefined) supervisor.handlersOf(ref).catch(() => undefined);
  }

  return {
    take,
    program: () => state?.program ?? (state?.problem === undefined ? undefined : BROKEN),
    programs: {
      answer: async (ask) =>
        state?.problem === undefined ? programs.answer(ask) : brokenAnswer(ask, state.problem),
    },
    websocket: sockets.websocket,
    async runSchedule(cron, scheduledTime) {
      const event = { cron, scheduledTime, requestId: "" };
      await supervisor.call(current() ?? gone(), "scheduled", event);
    },
    endStreams: sockets.endAll,
    stop: () => parts.stop(),
  };
}

/** The program as it is now. */
type Now = {
  codes: ReadonlyMap<Digest, ProgramCode>;
  current: () => ProgramRef | undefined;
  env: () => ProgramState["env"];
};

function putTogether(options: DevFunctionsOptions, { codes, current, env }: Now) {
  const { config, site, now, random, onLine } = options;
  const log = logTo(onLine);
  const hooks = createHooks((event, cause) => log.error(event, { cause }));
  const basics = { config, log, now, random };
  const kv = createKv(basics);
  const fetches = createFetches(
    {
      config,
      now,
      ledger: { note: () => undefined },
      allowOf: async () => null,
      isOwnHost: async (host) => isOwnHost(config, host),
    },
    { ownAddresses },
  );
  const sockets = createSockets({
    ...basics,
    hooks,
    handlersOf: (ref) => supervisor.handlersOf(ref),
    call: (ref, ...call) => supervisor.call(ref, ...call),
    currentProgram: async () => current(),
    siteAt: async (host) => (options.isOurs(host) ? site.name : undefined),
    tell: (_site, _name, message) => onLine({ level: "warn", message }),
  });
  const supervisor: Supervisor = createSupervisor({
    ...basics,
    dir: join(config.data, "functions"),
    bindings: [kvBinding(kv), fetches.binding, sockets.binding],
    spawner: createSpawner({ config, log }),
    codeOf: async ({ digest }) => codes.get(digest) ?? gone(),
    envOf: async () => env(),
    quotasOf: async () => quotasOf(config),
    // Without a sandbox, Ctrl-C reaches the program too.
    noteLog: (_tenant, line) => void (line.data?.["signal"] === "SIGINT" || onLine(line)),
  });
  const programs = createPrograms({
    ctx: { config, log },
    supervisor,
    mayRun: () => true,
    answerUpgrade: sockets.answerUpgrade,
  });
  return {
    hooks,
    sockets,
    supervisor,
    programs,
    async stop(): Promise<void> {
      fetches.stop();
      await sockets.stop();
      await supervisor.stop();
      await kv.stop();
    },
  };
}

function quotasOf(config: ServerConfig): ProcessQuotas {
  return {
    memoryBytes: config["functions.memoryBytes"],
    diskBytes: config["functions.diskBytes"],
  };
}

function gone(): never {
  throw new Error("there is no such program any more");
}

function keepCode(codes: Map<Digest, ProgramCode>, { digest, code }: DevProgram): void {
  codes.delete(digest);
  codes.set(digest, code);
  for (const oldest of codes.keys()) {
    if (codes.size <= KEPT_CODES) break;
    codes.delete(oldest);
  }
}

/** What would be in the log of a server, as far as it is not told as a line of the program already. */
function logTo(onLine: (line: ProgramLine) => void): Log {
  return {
    info: () => undefined,
    warn: () => undefined,
    error(event, { cause, problem } = {}) {
      const why = cause instanceof Error ? cause.message : problem;
      onLine({ level: "error", message: typeof why === "string" ? `${event}: ${why}` : event });
    },
  };
}
