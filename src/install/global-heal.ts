import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { PackageName } from "#base/names.ts";
import { byName, byText } from "#base/order.ts";
import type { Home } from "#remote/credentials.ts";
import { fileFailed } from "#store/files.ts";

import { healChange, isFolder, isThere } from "./commit.ts";
import { type GlobalBin, syncBins } from "./global-bins.ts";
import {
  dropScope,
  GLOBAL_TREE,
  globalDir,
  type GlobalFolder,
  globalNames,
  readGlobal,
  sweepRemoved,
} from "./global-folders.ts";
import { lockProject } from "./install.ts";
import { JOURNAL, STAGING } from "./journal.ts";
import type { GlobalPackage, StateFile } from "./state-model.ts";

/** What healing needs; the lock of the global packages is taken by the caller. */
export type HealOptions = Home & {
  state: StateFile;
  random: (bytes: number) => Uint8Array;
};

/**
 * Makes state and `$LAND_HOME/bin` say what the folders of the global packages hold, whatever a run that was killed left.
 * A folder is what counts: one whose tree holds its package is installed, one without is swept, unless the state knows
 * the package: then it is left for the next install. Returns the packages, sorted.
 *
 * @throws file_failed, state_invalid, state_version_unknown, lock_busy
 */
export async function healGlobals(options: HealOptions): Promise<GlobalPackage[]> {
  const { landHome, state, now, random } = options;
  const { globals: known } = await state.read();
  await sweepRemoved(landHome);
  const names = globalNames(landHome);
  const found: GlobalPackage[] = [];
  for (const name of names) {
    const before = known.find((item) => item.name === name);
    await completeChange(options, name);
    const folder = await readGlobal(landHome, name);
    if (folder) found.push(packageOf(folder, before, now()));
    else if (before) found.push(before);
    else await sweepFolder(landHome, name);
  }
  const settled = withoutDoubles(found.toSorted(byName), known);
  if (JSON.stringify(settled) !== JSON.stringify(known))
    await state.change((current) => void (current.globals = settled));
  await syncBins(landHome, binsOfGlobals(settled), () => hexOf(random));
  return settled;
}

/** Every command of the global packages. */
export function binsOfGlobals(globals: readonly GlobalPackage[]): GlobalBin[] {
  return globals.flatMap(({ name, bins }) => bins.map((command) => ({ command, package: name })));
}

/** 16 random hex digits. */
export function hexOf(random: (bytes: number) => Uint8Array): string {
  return Buffer.from(random(8)).toString("hex");
}

/** Ends what an install that was killed had decided. */
async function completeChange(options: HealOptions, name: PackageName): Promise<void> {
  const projectDir = globalDir(options.landHome, name);
  const installDir = join(projectDir, GLOBAL_TREE);
  if (!isThere(join(installDir, JOURNAL)) && !isThere(join(installDir, STAGING))) return;
  const lock = await lockProject(options, projectDir);
  try {
    await healChange({ projectDir, installDir });
  } finally {
    lock.release();
  }
}

function packageOf(
  { commands, ...rest }: GlobalFolder,
  before: GlobalPackage | undefined,
  now: Date,
): GlobalPackage {
  const same = before?.digest === rest.digest && before.version === rest.version;
  const installedAt = same ? before.installedAt : now.toISOString();
  const { name, version, digest, registry, range } = rest;
  return { name, version, digest, registry, range, bins: commands, installedAt };
}

/** A command that two bring, as only a folder from elsewhere can, stays with the one that had it. */
function withoutDoubles(
  found: readonly GlobalPackage[],
  known: readonly GlobalPackage[],
): GlobalPackage[] {
  const owners = new Map<string, PackageName>();
  for (const { name, bins } of [...known, ...found])
    for (const bin of bins)
      if (!owners.has(bin.toLowerCase()) && found.some((item) => brings(item, name, bin)))
        owners.set(bin.toLowerCase(), name);
  return found.map((item) => ({
    ...item,
    bins: item.bins.filter((bin) => owners.get(bin.toLowerCase()) === item.name).toSorted(byText),
  }));
}

function brings(item: GlobalPackage, name: PackageName, bin: string): boolean {
  return item.name === name && item.bins.includes(bin);
}

/** Files that only land makes in the folder of a global package. */
const OWN = /^(?:land\.json|land\.lock|land_modules|\..*\.tmp)$/;

/** What holds anything else was put there by somebody else, and stays. */
async function sweepFolder(landHome: string, name: PackageName): Promise<void> {
  const dir = globalDir(landHome, name);
  const entries = await readdir(dir).catch(() => undefined);
  if (!isFolder(dir) || !entries?.every((entry) => OWN.test(entry))) return;
  await rm(dir, { recursive: true, force: true }).catch((cause: unknown) => {
    throw fileFailed("remove", dir, cause);
  });
  await dropScope(landHome, name);
}
