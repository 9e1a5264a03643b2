import { dirname, join, relative } from "node:path";

import type { ServerConfig } from "#base/config.ts";
import { LandError, toLandError } from "#base/errors.ts";
import { parseDeployId, parseDigest } from "#base/names.ts";
import type { ProgramCode } from "#runtime/process/parts.ts";
import { parseProgram } from "#sites/deploys/program.ts";
import type { ProgramBody } from "#sites/model.ts";
import { claimsOf } from "#sites/rules/program-routes.ts";
import type { LoadedProgram } from "#sites/serving/program.ts";

import { readDevEnv } from "./dev-env.ts";
import type { Build, Folder } from "./dev-folder.ts";
import { createInputs, type Inputs, stampOfFile } from "./dev-inputs.ts";
import { createPace } from "./dev-pace.ts";
import { createWatch } from "./dev-watch.ts";

/** A program as `land deploy` would send it. */
export type DevBundle = {
  /** As its author calls it. */
  name: string;
  body: ProgramBody;
  /** The code, then its source map if there is one. */
  contents: readonly Uint8Array[];
};

/** Where a program comes from: the project of the user. */
export type ProgramSource = {
  /** The folder of the project, with `land.json` and `.env`. Absolute. */
  root: string;
  /** The program that the manifest named last, relative to the served folder. */
  main: () => string | undefined;
  /** Reads the manifest again. @throws manifest_invalid, file_failed */
  reread: () => Promise<void>;
  /**
   * Bundles the program, as the manifest was read last; undefined where there is none. `onInput` is told of each file before it is read.
   *
   * @throws usage, program_broken, file_failed
   */
  bundle: (
    site: Pick<Build, "dir" | "program">,
    onInput: (path: string) => void,
  ) => Promise<DevBundle | undefined>;
};

/** A program that can be run. Never changes. */
export type DevProgram = LoadedProgram & { code: ProgramCode; sizeBytes: number };

/** What is known of the program of a folder. */
export type ProgramState = {
  /** Another one where a page could look different; "" where there is none. The same for the same files, also after a restart. */
  id: string;
  /** The last one that could be bundled; undefined where there is none. */
  program: DevProgram | undefined;
  /** Why the one that lies there now cannot be. */
  problem: string | undefined;
  env: Readonly<Record<string, string>>;
};

/** A program that is followed. */
export type FollowedProgram = {
  /** What changed until now is looked at first. */
  current: () => Promise<ProgramState>;
  stop: () => void;
};

/** How it is followed. */
export type FollowOptions = {
  source: ProgramSource;
  folder: Pick<Folder, "current" | "renew">;
  config: ServerConfig;
  /** Called before the first program is told of. What it throws is its problem. */
  prepare: () => Promise<void>;
  /** Told of the first state, and of every other. `paths`: what changed, relative to the project. */
  onState: (state: ProgramState, paths: readonly string[]) => Promise<void> | void;
  onWarning: (text: string) => void;
};

const POLL_MS = 1000;
/** Where packages come and go. */
const TREES = ["node_modules", "land_modules"];

/** Bundles the program of a folder and follows what it was made of. A program that is wrong is no error here. */
export async function followProgram(options: FollowOptions): Promise<FollowedProgram> {
  const { source, onState, onWarning } = options;
  let state: ProgramState = { id: "", program: undefined, problem: undefined, env: {} };
  let inputs: Inputs | undefined;
  let envProblem: string | undefined;
  let running: Promise<void> = Promise.resolve();
  let isStopped = false;
  let isWatched = true;
  const selecting = createSelecting(options);
  const pace = createPace(() => void start());
  const watch = createWatch(source.root, pace.notice, () => (isWatched = false));

  async function look(): Promise<void> {
    const paths = inputs?.changed() ?? [];
    // What is missing may come from where nobody looks.
    if (inputs && paths.length === 0 && state.problem === undefined) return;
    const seen = (inputs = createInputs());
    const made = await make(options, state, { inputs: seen, select: selecting });
    if (made.envProblem !== undefined && made.envProblem !== envProblem)
      onWarning(`.env is not read: ${made.envProblem}`);
    ({ envProblem } = made);
    const isOther = made.state.id !== state.id;
    ({ state } = made);
    if (isOther && !isStopped)
      await onState(
        state,
        paths.map((path) => relative(source.root, path)),
      );
    if (await watch.update(source.root, foldersOf(source.root, made.dir, seen))) return look();
  }

  async function lookOrTell(): Promise<void> {
    if (isStopped) return;
    try {
      await look();
    } catch (error) {
      onWarning(toLandError(error).message);
    }
    if (!isWatched) pace.later(POLL_MS);
  }

  function start(): Promise<void> {
    pace.clear();
    running = running.then(lookOrTell);
    return running;
  }

  await start();
  return {
    async current() {
      await running;
      // Who was told of a change of the folder may ask before it is noticed here.
      if (pace.isNoticed() || (inputs?.changed().length ?? 0) > 0) await start();
      return state;
    },
    stop() {
      isStopped = true;
      pace.stop();
      watch.stop();
    },
  };
}

/** Folders to watch, relative to the project: those of what it was made of, and where what is missing may come. */
function foldersOf(root: string, dir: string, inputs: Inputs): string[] {
  const folders = new Set([root, dir, ...TREES.map((tree) => join(root, tree))]);
  for (const path of inputs.paths()) folders.add(dirname(path));
  return [...folders].map((folder) => relative(root, folder));
}

type Select = (inputs: Inputs) => Promise<Build>;

/** The folder as it is, looked at anew where another program may lie there. */
function createSelecting({ source, folder }: FollowOptions): Select {
  let before: string | undefined;
  return async (inputs) => {
    const { dir } = await folder.current();
    const candidates = ["main.ts", "main.js", "index.html"].map((name) => join(dir, name));
    for (const path of candidates) inputs.note(path);
    const there = candidates.map((path) => (stampOfFile(path) === "" ? "-" : "+"));
    const key = [source.main() ?? "", ...there].join(" ");
    const isKnown = before === undefined || key === before;
    before = key;
    return isKnown ? folder.current() : folder.renew();
  };
}

type Made = { state: ProgramState; dir: string; envProblem: string | undefined };

async function make(
  options: FollowOptions,
  before: ProgramState,
  { inputs, select }: { inputs: Inputs; select: Select },
): Promise<Made> {
  const { source, config } = options;
  const at = (name: string): string => join(source.root, name);
  for (const name of ["land.json", "package.json", ".env"]) inputs.note(at(name));
  const read = await readDevEnv(at(".env"), config["functions.env"]);
  const env = "values" in read ? read.values : before.env;
  const envProblem = "problem" in read ? read.problem : undefined;
  let { dir } = await options.folder.current();
  const done = (program: DevProgram | undefined, problem: string | undefined): Made => ({
    state: { id: idOf(program, problem, stampOfFile(at(".env"))), program, problem, env },
    dir,
    envProblem,
  });
  try {
    await source.reread();
    const site = await select(inputs);
    ({ dir } = site);
    const bundle = await source.bundle(site, inputs.note);
    if (!bundle) return done(undefined, undefined);
    const program = toProgram(config, bundle);
    await options.prepare();
    return done(program, undefined);
  } catch (error) {
    return done(before.program, problemOf(error));
  }
}

/** @throws program_invalid, cron_invalid */
function toProgram(config: ServerConfig, { body, contents }: DevBundle): DevProgram {
  const parsed = parseProgram({ config }, body);
  const { name, language, digest, mapDigest, sizeBytes, routes, crons, database } = parsed;
  const [code = new Uint8Array(), map] = contents;
  const about = [digest, mapDigest, name, database, routes, crons];
  return {
    // Another deploy where anything of it differs, as its process keeps what it was started with.
    deploy: parseDeployId(hashOf(JSON.stringify(about)).slice(0, 10)),
    digest,
    mapDigest: mapDigest ?? undefined,
    name,
    language,
    claims: claimsOf(routes),
    crons,
    database: database ?? undefined,
    isLive: true,
    isDraft: false,
    isBarred: false,
    createdAtMs: 0,
    weightBytes: 0,
    code: { code, map },
    sizeBytes,
  };
}

/** Stands for a program that never could be bundled: it answers what no file does, and tells why. */
export const BROKEN: LoadedProgram = {
  deploy: parseDeployId("0000000000"),
  digest: parseDigest(`sha256:${hashOf("")}`),
  mapDigest: undefined,
  name: "the program",
  language: "js",
  claims: () => false,
  crons: [],
  database: undefined,
  isLive: true,
  isDraft: false,
  isBarred: false,
  createdAtMs: 0,
  weightBytes: 0,
};

function problemOf(error: unknown): string {
  const told = toLandError(error);
  if (told.code !== "internal") return told.message;
  const { cause } = told;
  return cause instanceof LandError || cause instanceof Error ? cause.message : told.message;
}

function idOf(
  program: DevProgram | undefined,
  problem: string | undefined,
  envStamp: string,
): string {
  if (!program && problem === undefined) return "";
  return hashOf(JSON.stringify([program?.deploy, problem, envStamp]));
}

function hashOf(text: string): string {
  return Bun.SHA256.hash(text, "hex");
}
