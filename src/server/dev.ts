import { join } from "node:path";

import { loadConfig, type ServerConfig } from "#base/config.ts";
import { LandError } from "#base/errors.ts";
import type { ProgramLine } from "#runtime/process/parts.ts";
import { findSandboxProblem } from "#runtime/sandbox/support.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";

import { addressOf } from "./boot.ts";
import { createFolderAnswer, SITE } from "./dev-answer.ts";
import { type Content, createContent } from "./dev-content.ts";
import { answerScheduled, type Clock, type CronParts, nextOf, startClock } from "./dev-crons.ts";
import type { Build } from "./dev-folder.ts";
import { createFollowing, type Following } from "./dev-following.ts";
import { type DevFunctions, startDevFunctions } from "./dev-functions.ts";
import { isOurs } from "./dev-host.ts";
import type { ProgramSource, ProgramState } from "./dev-program.ts";
import { type Answer, createAnswer, type DevAnswer } from "./dev-requests.ts";
import { STATE_FOLDER } from "./dev-state.ts";
import { listen } from "./start.ts";

/** How a folder is served while it is made. */
export type DevOptions = {
  folder: string;
  /** Where its program comes from, if it has one. */
  source: ProgramSource;
  /** Programs run with all rights of this process, even where they could be confined. */
  unsafeNoSandbox: boolean;
  /** Addresses with ports that are not public, and that programs may reach all the same. */
  egressPrivate: readonly string[];
  /** Whether schedules run by the clock. */
  runsCrons: boolean;
  host: string;
  /** 0 picks a free one. Undefined: `DEV_PORT`, or the next one that is free. */
  port: number | undefined;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Told of each answer, but for those of `/.land/reload`. */
  onAnswer: (answer: DevAnswer) => void;
  /** Told after the folder changed, of the paths that are new, gone or changed. */
  onChange: (paths: readonly string[]) => void;
  /** Told after the program is another one, or what it needs is; of the paths that changed. Not of the first. */
  onProgram: (program: DevProgramInfo, paths: readonly string[]) => void;
  /** Takes what the program logs, and what is told of it. */
  onLine: (line: ProgramLine) => void;
  onWarning: (text: string) => void;
};

/** The program of a folder, as its author is told of it. */
export type DevProgramInfo = {
  /** Undefined: there is none that could be bundled. */
  name: string | undefined;
  sizeBytes: number;
  /** Why what lies there now cannot be bundled. */
  problem: string | undefined;
  crons: readonly { cron: string; timeZone: string; nextAt: Date | undefined }[];
};

/** A folder that is served. */
export type RunningDev = {
  url: string;
  port: number;
  /** Undefined: there is none, not even a broken one. */
  program: DevProgramInfo | undefined;
  /** Why programs are not confined; undefined where they are. */
  unconfined: string | undefined;
  /** How many files are served now. */
  files: number;
  hasIndex: boolean;
  /** Breaks off what is under way, and ends all processes. */
  stop: () => Promise<void>;
};

/** The port by default. */
export const DEV_PORT = 5265;
/** How many ports after it are tried. */
const MORE_PORTS = 20;
/** A program gets this long to finish what it does when it is stopped. */
const DRAIN_SECONDS = 1;

/**
 * Serves a folder as if it were deployed, by the same code, and lets its pages follow its changes. Nothing is written to disk but
 * what a program keeps, in `.land` of its project.
 *
 * @throws file_failed, address_in_use, config_invalid
 */
export async function startDev(options: DevOptions): Promise<RunningDev> {
  const unconfined = options.unsafeNoSandbox ? "--unsafe-no-sandbox" : findSandboxProblem();
  const config = configOf(options, unconfined !== undefined);
  const house = createHouse(options, config);
  try {
    await house.open();
    const server = takePort(options, house.answer, house.functions.websocket);
    const port = server.port ?? 0;
    const url = addressOf(config, port);
    const { build, state } = await house.begin();
    return {
      url,
      port,
      unconfined,
      program: state.id === "" ? undefined : infoOf(options, state),
      files: build.files.size,
      hasIndex: build.files.has("index.html") || build.files.has("_redirects"),
      async stop() {
        house.close();
        await server.stop(true);
        await house.stop();
      },
    };
  } catch (error) {
    house.close();
    await house.stop();
    throw error;
  }
}

/** All that is behind the door. */
type House = {
  answer: Answer;
  functions: DevFunctions;
  /** Looks at what there is. @throws file_failed */
  open: () => Promise<void>;
  /** The door is open: from now on programs are run. */
  begin: () => Promise<{ build: Build; state: ProgramState }>;
  /** Follows nothing any more, and ends what would never end by itself. */
  close: () => void;
  stop: () => Promise<void>;
};

function createHouse(options: DevOptions, config: ServerConfig): House {
  const { onWarning, now, host } = options;
  const content = createContent(now, ({ message }) => onWarning(message));
  let clock: Clock | undefined;
  const functions = startDevFunctions({
    ...options,
    config,
    site: SITE,
    isOurs: (name) => isOurs(name, host),
  });
  const crons = cronsOf(options, functions);
  const following = createFollowing({
    ...options,
    config,
    content,
    take(state, paths) {
      functions.take(state);
      clock?.set();
      if (paths) options.onProgram(infoOf(options, state), paths);
    },
  });
  return {
    answer: createDoor(options, { config, content, following, functions, crons }),
    functions,
    open: following.open,
    async begin() {
      const found = await following.begin();
      if (options.runsCrons) clock = startClock(crons);
      return found;
    },
    close() {
      following.close();
      clock?.stop();
      functions.endStreams();
    },
    async stop() {
      await functions.stop();
      following.release();
    },
  };
}

/** What stands behind the door. */
type Behind = {
  config: ServerConfig;
  content: Content;
  following: Following;
  functions: DevFunctions;
  crons: CronParts;
};

function createDoor(
  options: DevOptions,
  { config, content, following, functions, crons }: Behind,
): Answer {
  const answerFolder = createFolderAnswer({
    ...options,
    config,
    content,
    programs: functions.programs,
    current: following.build,
    async program() {
      await following.settle();
      return functions.program();
    },
  });
  return createAnswer({
    ...options,
    pages: following.reload,
    answerFolder,
    answerScheduled: (request, address) => answerScheduled(crons, request, address),
  });
}

function cronsOf({ now, onLine }: DevOptions, functions: DevFunctions): CronParts {
  return {
    now,
    crons: () => functions.program()?.crons ?? [],
    run: functions.runSchedule,
    onRun({ cron, timeZone }, problem) {
      const what = `The schedule ${cron} (${timeZone})`;
      if (problem === undefined) onLine({ level: "info", message: `${what} ran` });
      else onLine({ level: "error", message: `${what} failed: ${problem}` });
    },
  };
}

function infoOf({ now }: DevOptions, { program, problem }: ProgramState): DevProgramInfo {
  return {
    name: program?.name,
    sizeBytes: program?.sizeBytes ?? 0,
    problem,
    crons: (program?.crons ?? []).map(({ cron, timeZone }) => ({
      cron,
      timeZone,
      nextAt: nextOf({ cron, timeZone }, now()),
    })),
  };
}

function configOf(
  { host, source, egressPrivate }: DevOptions,
  isUnconfined: boolean,
): ServerConfig {
  // Nothing of the environment: what a server is told there is not meant for this one.
  const config = loadConfig({
    data: join(source.root, STATE_FOLDER),
    env: {},
    flags: {
      host,
      rateLimit: "off",
      "functions.sandbox": isUnconfined ? "none" : "required",
      "functions.pool": "1",
    },
  });
  return {
    ...config,
    drainSeconds: DRAIN_SECONDS,
    "functions.egressPrivate": egressPrivate,
    "sites.cacheBytes": 32 * 1024 * 1024,
  };
}

function takePort(
  { host, port }: DevOptions,
  answer: Answer,
  websocket: Bun.WebSocketHandler<SocketData>,
): Bun.Server<SocketData> {
  for (let at = port ?? DEV_PORT; ; at++)
    try {
      return listen(host, at, answer, websocket);
    } catch (error) {
      const isTaken = error instanceof LandError && error.code === "address_in_use";
      if (!isTaken || port !== undefined || at === DEV_PORT + MORE_PORTS) throw error;
    }
}
