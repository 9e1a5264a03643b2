import { access, constants } from "node:fs/promises";
import { join } from "node:path";

import { type LandError, toLandError } from "#base/errors.ts";
import { selectSite, type SiteFile, type SiteSelection } from "#pack/site-select.ts";
import { readSiteRules } from "#sites/rules/resolve.ts";
import { type LoadedRules, MAX_RULES_BYTES } from "#sites/serving/load-rules.ts";
import { fileFailed } from "#store/files.ts";

import type { Content } from "./dev-content.ts";
import { createPace } from "./dev-pace.ts";
import { createWatch } from "./dev-watch.ts";

/** What a folder held when it was looked at. Never changes. */
export type Build = {
  /** The same for the same files, also after a restart. */
  id: string;
  dir: string;
  /** By path of the site. */
  files: ReadonlyMap<string, SiteFile>;
  rules: LoadedRules;
  /** The program that lies in the folder; it is not served. */
  program: string | undefined;
  changedAtMs: number;
};

/** A folder that is looked at anew when it changes. */
export type Folder = {
  /** The last good build. Changes that were noticed already are looked at first. */
  current: () => Promise<Build>;
  /** Looks anew, whether a change was noticed or not. */
  renew: () => Promise<Build>;
  stop: () => void;
};

/** What a folder is followed with. */
export type FolderOptions = {
  folder: string;
  /** The program that the manifest names now, relative to the folder. */
  main: () => string | undefined;
  content: Content;
  now: () => Date;
  /** Told after the folder changed. `paths`: files that are new, gone or changed; none where only the program is another. */
  onChange: (build: Build, paths: readonly string[]) => void;
  /** Told what a deploy of the folder would be refused for, and what of its rules is not obeyed. */
  onWarning: (text: string) => void;
};

/** Between two looks at a folder that cannot be read or watched. */
const POLL_MS = 1000;
const MAX_WARNINGS = 20;

const NOTHING: LoadedRules = { rules: readSiteRules({}).rules, weightBytes: 0 };

/** Looks at a folder and follows it. @throws file_failed where it cannot be read now */
export async function followFolder(options: FolderOptions): Promise<Folder> {
  const { folder, onWarning } = options;
  const told = createTold(onWarning);
  let build: Build | undefined;
  let running: Promise<void> = Promise.resolve();
  let isWatched = true;
  const pace = createPace(() => void start());
  const watch = createWatch(folder, pace.notice, (cause) => {
    isWatched = false;
    const { message } = fileFailed("watch", folder, cause);
    onWarning(`${message}; it is looked at every second instead`);
  });

  async function look(): Promise<void> {
    const refused: string[] = [];
    const selection = await select(options, refused);
    // What happened in a folder before it was watched was not noticed.
    if (await watch.update(selection.dir, selection.folders)) return look();
    told("refused", refused);
    build = await take(options, build, { selection, told });
  }

  async function lookOrTell(): Promise<void> {
    try {
      await look();
      told("broken", []);
      if (!isWatched) pace.later(POLL_MS);
    } catch (error) {
      if (!build) throw error;
      told("broken", [toLandError(error).message]);
      pace.later(POLL_MS);
    }
  }

  function start(): Promise<void> {
    pace.clear();
    running = running.then(lookOrTell);
    return running;
  }

  function stop(): void {
    pace.stop();
    watch.stop();
  }

  await start().catch((error: unknown) => {
    stop();
    throw error;
  });
  // The first look made one, or threw.
  const last = (): Build => build ?? emptyBuild(folder);
  return {
    stop,
    async current() {
      await (pace.isNoticed() ? start() : running);
      return last();
    },
    async renew() {
      await start();
      return last();
    },
  };
}

function select(options: FolderOptions, refused: string[]): Promise<SiteSelection> {
  const { folder } = options;
  const main = options.main();
  return selectSite(folder, {
    ...(main !== undefined && { main }),
    onRefused: (refusal: LandError) => void refused.push(refusal.message),
  });
}

function emptyBuild(dir: string): Build {
  return {
    id: "",
    dir,
    files: new Map(),
    rules: NOTHING,
    program: undefined,
    changedAtMs: 0,
  };
}

type Told = (about: string, texts: readonly string[]) => void;

/** Tells texts that were not told the time before, so that each is told once as long as it holds. */
function createTold(tell: (text: string) => void): Told {
  const before = new Map<string, ReadonlySet<string>>();
  return (about, texts) => {
    const fresh = texts.filter((text) => !before.get(about)?.has(text));
    before.set(about, new Set(texts));
    for (const text of fresh.slice(0, MAX_WARNINGS)) tell(text);
    if (fresh.length > MAX_WARNINGS) tell(`and ${fresh.length - MAX_WARNINGS} more`);
  };
}

/** The build of a selection; the one before where nothing changed. */
async function take(
  options: FolderOptions,
  before: Build | undefined,
  { selection, told }: { selection: SiteSelection; told: Told },
): Promise<Build> {
  const { now, onChange } = options;
  const { dir, program } = selection;
  const files = new Map(selection.files.map((file) => [file.path, file]));
  const paths = changesOf(before?.files ?? new Map(), files);
  if (before && paths.length === 0 && before.program === program) return before;
  const unreadable: string[] = [];
  for (const path of paths) {
    const file = files.get(path);
    if (file && !(await mayRead(join(dir, file.onDisk)))) unreadable.push(path);
  }
  told(
    "unreadable",
    unreadable.map((path) => `"${path}" cannot be read: a deploy would stop there`),
  );
  const build: Build = {
    id: idOf(selection),
    dir,
    files,
    program,
    rules:
      !before || paths.some(isRules)
        ? await readRules(options, files, { dir, told })
        : before.rules,
    changedAtMs: now().getTime(),
  };
  if (before) onChange(build, paths);
  return build;
}

function changesOf(
  before: ReadonlyMap<string, SiteFile>,
  after: ReadonlyMap<string, SiteFile>,
): string[] {
  const changed = [...after.values()].filter(
    ({ path, stamp }) => before.get(path)?.stamp !== stamp,
  );
  const gone = [...before.keys()].filter((path) => !after.has(path));
  return [...changed.map(({ path }) => path), ...gone];
}

function idOf({ files, program }: SiteSelection): string {
  const text = files.map(({ path, stamp }) => `${path}\0${stamp}`).join("\n");
  return Bun.SHA256.hash(`${program ?? ""}\n${text}`, "hex").slice(0, 16);
}

function mayRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

function isRules(path: string): boolean {
  return path === "_redirects" || path === "_headers";
}

async function readRules(
  { content }: FolderOptions,
  files: Build["files"],
  { dir, told }: { dir: string; told: Told },
): Promise<LoadedRules> {
  const warnings: string[] = [];
  const read = async (path: string): Promise<string | undefined> => {
    const file = files.get(path);
    if (!file) return undefined;
    if (file.sizeBytes > MAX_RULES_BYTES) {
      warnings.push(`${path}: it is larger than ${MAX_RULES_BYTES} bytes, so none of it is obeyed`);
      return undefined;
    }
    const found = await content.read(dir, file);
    return found && (await content.find(found.digest))?.text();
  };
  const texts = { redirects: await read("_redirects"), headers: await read("_headers") };
  const { rules, warnings: more } = readSiteRules(texts);
  told("rules", [...warnings, ...more]);
  return { rules, weightBytes: 0 };
}
