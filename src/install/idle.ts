import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Who runs `land install`, where and with what. Paths are absolute, `cwd` with links resolved. */
export type IdleAbout = {
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  landHome: string;
  /** The program that runs. */
  program: string;
  /** What the program says that it is. */
  version: string;
  uid: number | undefined;
  /** Whether what is told may be read at a terminal, where a warning has a colour. */
  atTerminal: boolean;
};

/** What an install that had nothing to do found. */
export type IdleTree = {
  /** Absolute. */
  installDir: string;
  /** Names of what lies in it. */
  names: readonly string[];
  /** The text of land.lock where the tree keeps the very same, and an install may make it again of that. */
  lock?: string;
};

/** What is told where land.lock was missing and could be had from the tree. */
export const LOCK_AGAIN = "land.lock was missing: made again from what is installed";

type Note = {
  key: string;
  packages: number;
  /** Milliseconds since 1970. */
  until: number;
  /** Path → what the system tells of it; null: it is not there. */
  facts: Record<string, string | null>;
  installDir: string;
  names: string[];
  /** The checksum of a lock that may be made again; null where it may not. */
  lock: string | null;
};

/** An install that is done already: how many packages there are, and whether land.lock was made again. */
export type Idle = { packages: number; lockAgain: boolean };

/** How long nothing has to have changed, by how coarsely clocks of file systems tick: those that count seconds, and all others. */
const STILL_MS = { coarse: 3000, fine: 50 };
/** A note is good for so long, so that what is done once a day is. */
const GOOD_MS = 3_600_000;
/** Notes that are looked at for whether they are still good, after one is written. */
const MAX_OLD = 1000;
/** Of no meaning to land, and different in each shell or at each call. */
const UNREAD_ENV = new Set(["_", "OLDPWD", "SHLVL", "PWD"]);
const NOTHING_ELSE = new Set(["install", "install --frozen"]);
const QUIET = new Set(["-q", "--quiet"]);

/**
 * What a `land install` would tell that does nothing, by what one found before that did nothing: since then neither the project nor
 * the tree, the settings, the environment or the program is another. Where land.lock alone is gone, it is made again. Undefined
 * wherever anything is unusual; then it has to be done in full.
 */
export function readIdle(about: IdleAbout, now: Date): Idle | undefined {
  if (!isPlain(about)) return undefined;
  try {
    const note: Note = JSON.parse(readFileSync(noteOf(about), "utf8"));
    const left = note.until - now.getTime();
    if (note.key !== keyOf(about) || !(left > 0 && left <= GOOD_MS)) return undefined;
    const [folder, lockPath] = ownPathsOf(about);
    const changed = Object.keys(note.facts).filter((path) => factOf(path) !== note.facts[path]);
    if (!changed.every((path) => path === folder || path === lockPath)) return undefined;
    if (changed.length > 0 && !isSameFolder(folder, note.facts[folder])) return undefined;
    for (const name of note.names)
      if (!lstatSync(`${note.installDir}/${name}`).isDirectory()) return undefined;
    const lockAgain = changed.includes(lockPath);
    if (lockAgain && !makeLockAgain(about, note)) return undefined;
    return { packages: note.packages, lockAgain };
  } catch {
    return undefined;
  }
}

function isPlain({ argv }: Pick<IdleAbout, "argv">): boolean {
  return NOTHING_ELSE.has(argv.filter((word) => !QUIET.has(word)).join(" "));
}

/** Whether nothing is to be told of what went well. */
export function isQuiet(argv: readonly string[]): boolean {
  return argv.some((word) => QUIET.has(word));
}

/** What is told then, on stderr. */
export function idleLines({ packages, lockAgain }: Idle, ms: number): string {
  const count = String(packages).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  const line = `${count} package${packages === 1 ? "" : "s"}, up to date (${Math.round(ms)} ms)\n`;
  return lockAgain ? `warning: ${LOCK_AGAIN}\n${line}` : line;
}

/** The folder of a project, in which anything may come and go, and its lock, which can be made again. */
function ownPathsOf({ cwd }: IdleAbout): [folder: string, lock: string] {
  return [cwd, join(cwd, "land.lock")];
}

/** What a land that was killed while it wrote one of the files of the project left. */
const HALF_WRITTEN = /^\.(?:land\.json|package\.json|land\.lock)\.[0-9a-f]{16}\.tmp$/;

/** Whether it is the folder that it was, and nothing in it is to be mended. */
function isSameFolder(path: string, before: string | null | undefined): boolean {
  const isSame = factOf(path)?.split(" ", 4).join() === before?.split(" ", 4).join();
  return isSame && !readdirSync(path).some((name) => HALF_WRITTEN.test(name));
}

/**
 * Puts the copy in the tree, which is as it was noted, in place of a lock that is gone. False where that cannot be: nothing that came
 * meanwhile is written over, since another land may be at work.
 */
function makeLockAgain({ cwd, argv, atTerminal }: IdleAbout, { installDir, lock }: Note): boolean {
  const path = join(cwd, "land.lock");
  if (lock === null || atTerminal || argv.length !== 1 || factOf(path) !== null) return false;
  const { lock: text }: { lock?: unknown } = JSON.parse(
    readFileSync(join(installDir, ".land.json"), "utf8"),
  );
  if (typeof text !== "string" || checksumOf(text) !== lock) return false;
  const random = crypto.getRandomValues(Buffer.alloc(8)).toString("hex");
  const temporary = join(cwd, `.land.lock.${random}.tmp`);
  try {
    writeFileSync(temporary, text, { flag: "wx", flush: true });
    linkSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  const folder = openSync(cwd, "r");
  fsyncSync(folder);
  closeSync(folder);
  return true;
}

/** What the system tells of the project before an install looks at it, for `noteIdle`. Undefined where nothing will be noted. */
export function beginIdle(about: IdleAbout): Record<string, string | null> | undefined {
  if (process.platform === "win32" || !isPlain(about)) return undefined;
  return factsOf(pathsOf(about));
}

/**
 * Notes that an install which began at `began` had nothing to do. Nothing is noted where something was changed so shortly before
 * that a further change could look the same, or where the project may be one of a workspace. Notes that are good no more go away.
 */
export function noteIdle(
  about: IdleAbout,
  before: Record<string, string | null>,
  { installDir, names, lock }: IdleTree,
  began: Date,
): void {
  const scopes = new Set(names.flatMap((name) => (name.startsWith("@") ? [dirname(name)] : [])));
  const inTree = ["", ".land.json", ...scopes].map((name) => join(installDir, name));
  try {
    if (manifestsOf(about.cwd).some(mayBeWorkspace)) return;
    const facts = factsOf([...Object.keys(before), ...inTree, lockOf(about)]);
    const [folder, lockPath] = ownPathsOf(about);
    for (const path of new Set([...Object.keys(before), ...inTree])) {
      const isSame = !(path in before) || facts[path] === before[path];
      if (path === folder || (isSame && isStill(path, began))) continue;
      if (path !== lockPath || lock === undefined) return;
      // As long as it is there, it is looked at; what is noted holds once it is gone.
      facts[path] = "";
    }
    const note: Note = {
      key: keyOf(about),
      packages: names.length,
      until: began.getTime() + GOOD_MS,
      facts,
      installDir,
      names: [...names],
      lock: lock === undefined ? null : checksumOf(lock),
    };
    const path = noteOf(about);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(note));
    renameSync(`${path}.${process.pid}`, path);
    dropOld(dirname(path), began);
  } catch {
    // It only saves time.
  }
}

/** Takes notes away that nobody will believe any more, as those of projects that are gone. */
function dropOld(folder: string, now: Date): void {
  for (const name of readdirSync(folder).slice(0, MAX_OLD)) {
    const path = join(folder, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && Math.abs(now.getTime() - found.mtimeMs) > GOOD_MS) rmSync(path);
  }
}

function noteOf({ landHome, cwd }: IdleAbout): string {
  return join(landHome, "idle", `${hashOf(cwd)}.json`);
}

/** The lock under which an install works: whoever takes it writes into it. */
function lockOf({ landHome, cwd }: IdleAbout): string {
  return join(landHome, "locks", `project-${hashOf(cwd)}.lock`);
}

function checksumOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function hashOf(text: string): string {
  return checksumOf(text).slice(0, 32);
}

function keyOf({ argv, env, cwd, landHome, program, version, uid }: IdleAbout): string {
  const read = Object.entries(env).filter(([name]) => !UNREAD_ENV.has(name));
  const all = [
    argv,
    cwd,
    landHome,
    program,
    version,
    uid,
    bootName(),
    read.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ];
  return checksumOf(JSON.stringify(all));
}

/** What names the running start of the machine: after a loss of power files may not be what they were. Only Linux tells it at once. */
function bootName(): string {
  if (process.platform !== "linux") return "";
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1");
  } catch {
    return ""; // A container without /proc.
  }
}

/** What a project and its settings are read from. */
function pathsOf({ cwd, landHome, program }: IdleAbout): string[] {
  const own = [cwd, join(cwd, "land.lock"), program];
  const settings = ["config.json", "state.json"].map((name) => join(landHome, name));
  return [...own, ...settings, ...manifestsOf(cwd)];
}

/** The manifests of a folder and of all above it. */
function manifestsOf(cwd: string): string[] {
  const own = ["land.json", "package.json"].map((name) => join(cwd, name));
  return dirname(cwd) === cwd ? own : [...own, ...manifestsOf(dirname(cwd))];
}

function mayBeWorkspace(path: string): boolean {
  if (factOf(path) === null) return false;
  const text = readFileSync(path, "utf8");
  return text.includes("workspaces") || text.includes("\\u");
}

function factsOf(paths: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(paths.map((path) => [path, factOf(path)]));
}

/** Changes with each change of a file, or of the entries of a folder: nobody can set the moment of the last one. */
function factOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) return null;
  const { dev, ino, mode, uid, size, mtimeNs, ctimeNs } = found;
  return [dev, ino, mode, uid, size, mtimeNs, ctimeNs].join(" ");
}

function isStill(path: string, began: Date): boolean {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) return true;
  const { ctimeNs, mtimeNs } = found;
  const isFine = ctimeNs % MS_NS !== 0n && mtimeNs % MS_NS !== 0n;
  const last = ctimeNs > mtimeNs ? ctimeNs : mtimeNs;
  return Number(last / MS_NS) < began.getTime() - (isFine ? STILL_MS.fine : STILL_MS.coarse);
}

const MS_NS = 1_000_000n;
