import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { fail, LandError, toLandError } from "#base/errors.ts";
import { type PackageName, parsePackageName, printable, type Version } from "#base/names.ts";
import { fileFailed, writeFileAtomic } from "#store/files.ts";
import { takeLock } from "#store/lock.ts";

import { isThere } from "./commit.ts";
import { checkBins, globalBinPath } from "./global-bins.ts";
import { dropGlobal, globalDir } from "./global-folders.ts";
import { createGate } from "./global-gate.ts";
import { binsOfGlobals, healGlobals, type HealOptions, hexOf } from "./global-heal.ts";
import { installProject } from "./install.ts";
import type { Placed } from "./marker.ts";
import type { InstallMode, InstallOptions, InstallResult, NamedVersion } from "./options.ts";
import type { GlobalPackage } from "./state-model.ts";
import { holdAfter } from "./tell.ts";

/** What the verbs of global packages need to know: as for a project, but that the folders are land's own. */
export type GlobalOptions = HealOptions &
  Omit<
    InstallOptions,
    "dir" | "mode" | "frozen" | "lockOnly" | "workspace" | "beforeWrite" | "beforeCommit"
  >;

/** A package to install for the user; `range` is a range or a tag as typed. Nothing of it was checked. */
export type GlobalRequest = { name: string; range?: string; exact: boolean };

/** A command in `$LAND_HOME/bin`. */
export type GlobalCommand = { command: string; package: PackageName; path: string };

/** What changed among the global packages; what they need in turn is not counted. */
export type GlobalChange = Omit<InstallResult, "linked" | "manifest"> & {
  /** The commands of the packages that were asked for, sorted. */
  bins: GlobalCommand[];
};

/** What healing alone needs: no registry is asked. */
type LocalOptions = HealOptions & Pick<InstallOptions, "onEvent">;

/**
 * Installs packages for the user, each into a tree of its own under `$LAND_HOME/packages`, and links their commands in
 * `$LAND_HOME/bin`. One that is there is brought to what is asked for. All of them are fetched and laid ready before the first
 * is put into place: where one cannot be, nothing changes.
 *
 * @throws bin_taken, bin_foreign, name_invalid, state_invalid, state_version_unknown, lock_busy, and what `installProject` throws
 */
export async function installGlobals(
  options: GlobalOptions,
  requests: readonly GlobalRequest[],
): Promise<GlobalChange> {
  const jobs = requests.map(({ name, range, exact }): Job => {
    const packages = [
      { name, kind: "dependencies" as const, exact, ...(range !== undefined && { range }) },
    ];
    return { name: parsePackageName(name), mode: { kind: "add", packages } };
  });
  requireOnce(jobs);
  return changeLocked(options, async (inside) =>
    changeGlobals(inside, await healGlobals(inside), jobs),
  );
}

/**
 * Brings global packages, all where no names are given, to the newest versions that their ranges allow; with `latest` past them.
 *
 * @throws not_found for one that is not installed, and what `installGlobals` throws
 */
export async function updateGlobals(
  options: GlobalOptions,
  names: readonly string[],
  { latest }: { latest: boolean },
): Promise<GlobalChange> {
  return changeLocked(options, async (inside) => {
    const before = await healGlobals(inside);
    const named = names.length > 0;
    const wanted = named
      ? [...new Set(names)].map((name) => findGlobal(before, name).name)
      : before.map(({ name }) => name);
    const jobs = wanted.map((name): Job => ({
      name,
      // Only what was named itself must move.
      mode: { kind: "update", names: latest ? [name] : [], latest: latest && (named || [name]) },
    }));
    return changeGlobals(inside, before, jobs);
  });
}

/**
 * Takes global packages and their commands away. Either all of them are installed, or nothing changes.
 *
 * @throws not_found for one that is not installed, hook_refused, state_invalid, state_version_unknown, lock_busy, file_failed
 */
export async function removeGlobals(
  options: LocalOptions & Pick<InstallOptions, "hooks" | "dryRun">,
  names: readonly string[],
): Promise<GlobalChange> {
  return changeLocked(options, async ({ hooks }) => {
    const before = await healGlobals(options);
    const gone = [...new Set(names)].map((name) => findGlobal(before, name));
    if (options.dryRun) {
      const unchanged = before.length - gone.length;
      return { added: [], removed: gone.map(nameAndVersion), changed: [], unchanged, bins: [] };
    }
    const told = gone.map(({ name, version }) => ({
      dir: globalDir(options.landHome, name),
      packages: [{ name, version }],
    }));
    for (const event of told) await hooks.emit("preUninstall", event);
    for (const { name } of gone) await dropGlobal(options.landHome, name, hexOf(options.random));
    const after = await healGlobals(options);
    for (const event of told) await hooks.emit("postUninstall", event);
    return describeChange(options.landHome, { before, after, asked: new Set() });
  });
}

/**
 * The global packages, sorted by name. What a run that was killed left is mended first; where the folder cannot be written, the
 * state tells what it knows.
 *
 * @throws state_invalid, state_version_unknown, lock_busy
 */
export async function listGlobals(options: LocalOptions): Promise<GlobalPackage[]> {
  if (!isThere(options.landHome)) return [];
  try {
    return await whileLocked(options, () => healGlobals(options));
  } catch (error) {
    if (!(error instanceof LandError) || error.code !== "file_failed") throw error;
    return (await options.state.read()).globals;
  }
}

/** The commands of these packages and where they lie. */
function commandsOf(landHome: string, globals: readonly GlobalPackage[]): GlobalCommand[] {
  return binsOfGlobals(globals).map(({ command, package: name }) => ({
    command,
    package: name,
    path: globalBinPath(landHome, command),
  }));
}

type Job = { name: PackageName; mode: InstallMode };

async function changeGlobals(
  options: GlobalOptions,
  before: GlobalPackage[],
  jobs: readonly Job[],
): Promise<GlobalChange> {
  const { landHome } = options;
  const asked = new Set(jobs.map(({ name }) => name));
  const others = before.filter(({ name }) => !asked.has(name));
  const gate = createGate(asked, (arrived) =>
    checkBins(landHome, [...binsOfGlobals(others), ...binsOfPlaced(arrived, before, asked)]),
  );
  const results = await Promise.allSettled(
    jobs.map(({ name, mode }) =>
      gate.pass(name, async (beforeCommit) => {
        await makeFolder(landHome, name);
        return installProject({
          ...options,
          configured: [...options.configured, ...before.map(({ registry }) => registry)],
          dir: globalDir(landHome, name),
          mode,
          frozen: false,
          beforeCommit,
        });
      }),
    ),
  );
  const after = await healGlobals(options);
  const failure = gate.failure();
  if (failure !== undefined) throw toLandError(failure);
  const behind = results.flatMap((one) =>
    one.status === "fulfilled" ? (one.value.behind ?? []) : [],
  );
  const change = options.dryRun
    ? planned(results, asked)
    : describeChange(landHome, { before, after, asked });
  return { ...change, ...(behind.length > 0 && { behind }) };
}

/** The commands of what was asked for, as they will be: new ones where a tree changes, else those that are there. */
function binsOfPlaced(
  arrived: ReadonlyMap<PackageName, Placed>,
  before: readonly GlobalPackage[],
  asked: ReadonlySet<PackageName>,
) {
  return [...asked].flatMap((name) => {
    const placed = arrived.get(name)?.get(name);
    const commands = placed
      ? Object.keys(placed.bin)
      : (before.find((item) => item.name === name)?.bins ?? []);
    return commands.map((command) => ({ command, package: name }));
  });
}

/** A folder that installs can be made in. A manifest that is there stays. */
async function makeFolder(landHome: string, name: PackageName): Promise<void> {
  const dir = globalDir(landHome, name);
  const path = join(dir, "land.json");
  if (isThere(path)) return;
  await mkdir(dir, { recursive: true }).catch((cause: unknown) => {
    throw fileFailed("make", dir, cause);
  });
  await writeFileAtomic(path, '{\n  "dependencies": {}\n}\n');
}

function describeChange(
  landHome: string,
  about: { before: GlobalPackage[]; after: GlobalPackage[]; asked: ReadonlySet<PackageName> },
): GlobalChange {
  const { before, after, asked } = about;
  const was = new Map(before.map((item) => [item.name, item.version]));
  const is = new Set(after.map(({ name }) => name));
  const change: GlobalChange = { added: [], removed: [], changed: [], unchanged: 0, bins: [] };
  for (const { name, version } of after) {
    const from = was.get(name);
    if (from === undefined) change.added.push({ name, version });
    else if (from === version) change.unchanged += 1;
    else change.changed.push({ name, version, from });
  }
  change.removed = before.filter(({ name }) => !is.has(name)).map(nameAndVersion);
  change.bins = commandsOf(
    landHome,
    after.filter(({ name }) => asked.has(name)),
  );
  return change;
}

/** What a dry run tells of the packages themselves. */
function planned(
  results: readonly PromiseSettledResult<InstallResult>[],
  asked: ReadonlySet<PackageName>,
): GlobalChange {
  const change: GlobalChange = { added: [], removed: [], changed: [], unchanged: 0, bins: [] };
  for (const result of results) {
    if (result.status === "rejected") continue;
    const { added, changed } = result.value;
    const [newOne, otherOne] = [added, changed].map((list: NamedVersion[]) =>
      list.find(({ name }) => asked.has(name)),
    );
    if (newOne) change.added.push(newOne);
    change.changed.push(...changed.filter(({ name }) => asked.has(name)));
    if (!newOne && !otherOne) change.unchanged += 1;
  }
  return change;
}

function nameAndVersion({ name, version }: GlobalPackage): { name: PackageName; version: Version } {
  return { name, version };
}

function findGlobal(globals: readonly GlobalPackage[], typed: string): GlobalPackage {
  const found = globals.find(({ name }) => name === typed);
  if (found) return found;
  throw fail("not_found", { what: `"${printable(typed)}" among the global packages` });
}

function requireOnce(jobs: readonly Job[]): void {
  const seen = new Set<PackageName>();
  for (const { name } of jobs) {
    if (seen.has(name)) throw fail("usage", { problem: `Cannot install "${name}" twice at once` });
    seen.add(name);
  }
}

/** One process at a time changes the global packages; others wait. @throws lock_busy */
async function whileLocked<T>(options: LocalOptions, act: () => Promise<T>): Promise<T> {
  const { landHome, command, lockTimeoutMs, now } = options;
  const what = `the global packages in "${landHome}"`;
  const lock = await takeLock(join(landHome, "locks", "packages.lock"), {
    mode: "exclusive",
    what,
    command,
    timeoutMs: lockTimeoutMs,
    now,
    onWait: (holder) => options.onEvent?.({ kind: "wait", what, holder }),
  });
  try {
    return await act();
  } finally {
    lock.release();
  }
}

/** The same for what is told of: hooks hear what happened out of the lock, since they may call land themselves. */
async function changeLocked<O extends LocalOptions & Pick<InstallOptions, "hooks">>(
  options: O,
  act: (inside: O) => Promise<GlobalChange>,
): Promise<GlobalChange> {
  const { hooks, tell } = holdAfter(options.hooks);
  try {
    return await whileLocked(options, () => act({ ...options, hooks }));
  } finally {
    await tell();
  }
}
