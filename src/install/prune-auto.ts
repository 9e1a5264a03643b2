import { realpathSync } from "node:fs";
import { join, sep } from "node:path";

import { LandError } from "#base/errors.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { globalsDir } from "./global-folders.ts";
import type { InstallOptions } from "./options.ts";
import { rememberProject } from "./state-projects.ts";
import { stateFile } from "./state.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long pruning unasked may make somebody wait. */
const BUDGET_MS = 150;

/** What tending the store needs to know. */
type TendOptions = Pick<
  InstallOptions,
  "landHome" | "command" | "lockTimeoutMs" | "now" | "cache" | "onEvent"
>;

/** Notes that a project is in use, so that no prune takes what its lock names. No failure of that is one of an install. */
export async function noteUse(options: TendOptions, dir: string): Promise<void> {
  const warn = (problem: string): void => options.onEvent?.({ kind: "warn", problem });
  if (!isGlobal(options.landHome, dir)) await rememberProject(options, dir, warn);
}

/**
 * What comes after an install: once a day the store is pruned where nobody uses it. No failure of that is one of the install.
 * `isNew`: the install made the store, of which all is in use.
 */
export async function tendStore(options: TendOptions, isNew = false): Promise<void> {
  if (!options.cache.autoPrune) return;
  try {
    if (isNew)
      await stateFile(options).change((state) => {
        state.prunedAt ??= options.now().toISOString();
      });
    else await pruneUnasked(options);
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    // Somebody uses the store, or what cannot be read or written was told by what the install itself did.
  }
}

/** Global packages are found without being noted. */
function isGlobal(landHome: string, dir: string): boolean {
  try {
    return dir.startsWith(`${realpathSync(globalsDir(landHome))}${sep}`);
  } catch {
    return false; // There is no such folder.
  }
}

async function pruneUnasked(options: TendOptions): Promise<void> {
  const { cache, now } = options;
  const isToday = (at = ""): boolean => Math.abs(now().getTime() - Date.parse(at)) < DAY_MS;
  // A try that came to nothing is told once a day, and no oftener paid for.
  const triedPath = join(options.landHome, "cache", "prune-tried");
  const { prunedAt } = await stateFile(options).read();
  if (isToday(prunedAt) || isToday(await readTextIfAny(triedPath))) return;
  const [{ pruneLocked }, { lockStore }] = await Promise.all([
    import("./prune.ts"),
    import("./store.ts"),
  ]);
  const lock = await lockStore(options, "exclusive", 0);
  const end = performance.now() + BUDGET_MS;
  try {
    const limits = { maxBytes: cache.maxBytes, maxAgeDays: cache.maxAgeDays, all: false };
    const bound = { expired: () => performance.now() > end };
    const home = { ...options, lockTimeoutMs: 0 };
    const { stopped, packages } = await pruneLocked({ ...home, limits, dryRun: false }, bound);
    const problem = "The store is too large to be pruned on the way; `land store prune` does it";
    if (!stopped || packages.length > 0) return;
    await writeFileAtomic(triedPath, now().toISOString());
    options.onEvent?.({ kind: "warn", problem });
  } finally {
    lock.release();
  }
}
