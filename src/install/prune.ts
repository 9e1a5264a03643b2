import { rmSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";

import { fault } from "#base/faults.ts";
import type { Digest } from "#base/names.ts";

import { pruneIndexCache } from "./index-cache.ts";
import { namedDigests } from "./prune-needs.ts";
import { forgetGone } from "./state-projects.ts";
import { stateFile } from "./state.ts";
import { pathOfObject, type StorePlaces, storePlaces } from "./store-places.ts";
import { type Bound, objectsOf, type Survey, type Surveyed, surveyStore } from "./store-survey.ts";
import { lockStore, type StoreHome } from "./store.ts";

/** What may go. */
export type PruneLimits = {
  /** The longest unused packages go until no more is taken; 0: no limit. */
  maxBytes: number;
  /** What was not used for so long goes; 0: never. */
  maxAgeDays: number;
  /** All goes that nothing known needs. */
  all: boolean;
};

/** What was taken away, or with `dryRun` would be. */
export type PruneResult = {
  /** Sorted by when they were last of use. Without name where only an archive was there. */
  packages: { name: string | null; version: string | null; digest: Digest; usedAt: string }[];
  /** Files of packages, and archives. */
  files: number;
  /** What the disk has more of afterwards. */
  freedBytes: number;
  /** What went from the store and stays on the disk, since trees of projects share it. */
  sharedBytes: number;
  /** What the store takes afterwards. */
  keptBytes: number;
  /** Projects that were forgotten, since their folder is gone. */
  forgotten: string[];
  dryRun: boolean;
  /** Whether there was no time to come to the end. */
  stopped: boolean;
};

const DAY_MS = 24 * 60 * 60 * 1000;
/** What registries told of packages is kept up to here. */
const MAX_INDEX_BYTES = 500_000_000;

/**
 * Takes from the store what nobody needs: never what the lock of a known project or a global package names. It is alone
 * with the store meanwhile; with `dryRun` it only looks.
 *
 * @throws lock_busy, file_failed, state_invalid, state_version_unknown
 */
export async function pruneStore(
  home: StoreHome & { limits: PruneLimits; dryRun: boolean },
): Promise<PruneResult> {
  const lock = await lockStore(home, home.dryRun ? "shared" : "exclusive", home.lockTimeoutMs);
  try {
    return await pruneLocked(home);
  } finally {
    lock.release();
  }
}

/** The same under a lock that was taken before, as far as the bound allows. */
export async function pruneLocked(
  home: StoreHome & { limits: PruneLimits; dryRun: boolean },
  bound?: Bound,
): Promise<PruneResult> {
  const { landHome, limits, dryRun, now } = home;
  const places = storePlaces(landHome);
  const state = stateFile(home);
  const known = await state.read();
  const forgotten = forgetGone(known);
  const needs = namedDigests(landHome, known);
  const survey = surveyStore(places, bound);
  const plan = survey && planPrune(survey, { limits, needs, now: now() });
  const result: PruneResult = {
    packages: (plan?.victims ?? []).map(told),
    files: 0,
    freedBytes: 0,
    sharedBytes: 0,
    keptBytes: plan?.keptBytes ?? 0,
    forgotten,
    dryRun,
    stopped: survey === undefined,
  };
  if (plan) await takeAway(places, plan, { dryRun, bound, result });
  if (!dryRun && !result.stopped) {
    const { maxAgeDays } = limits;
    await pruneIndexCache(landHome, { maxBytes: MAX_INDEX_BYTES, maxAgeDays, now: now() });
  }
  if (!dryRun)
    await state.change((fresh) => {
      forgetGone(fresh);
      fresh.prunedAt = now().toISOString();
    });
  return result;
}

/** What goes, by the names of files. */
type Plan = { victims: Surveyed[]; objects: string[]; keptBytes: number };

function planPrune(
  { packages, needed, strays }: Survey,
  rules: { limits: PruneLimits; needs: ReadonlySet<Digest>; now: Date },
): Plan {
  const { maxBytes, maxAgeDays, all } = rules.limits;
  const oldestMs = rules.now.getTime() - maxAgeDays * DAY_MS;
  const left = new Map([...needed].map(([name, { count }]) => [name, count]));
  let keptBytes = packages.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
  for (const { sizeBytes } of needed.values()) keptBytes += sizeBytes;
  const victims: Surveyed[] = [];
  const objects = [...strays];
  const free = packages.filter(({ digest }) => !rules.needs.has(digest));
  for (const one of free.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
    const isOld = maxAgeDays > 0 && one.usedAtMs < oldestMs;
    if (!all && !isOld && (maxBytes === 0 || keptBytes <= maxBytes)) continue;
    victims.push(one);
    keptBytes -= one.packedBytes;
    for (const name of one.stored ? objectsOf(one.stored) : []) {
      const count = (left.get(name) ?? 1) - 1;
      left.set(name, count);
      if (count > 0) continue;
      objects.push(name);
      keptBytes -= needed.get(name)?.sizeBytes ?? 0;
    }
  }
  return { victims, objects, keptBytes };
}

/** The index first: what has one is whole, whenever this ends. */
async function takeAway(
  places: StorePlaces,
  { victims, objects }: Plan,
  how: { dryRun: boolean; bound: Bound | undefined; result: PruneResult },
): Promise<void> {
  const { dryRun, bound, result } = how;
  const take = (path: string): void => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (!dryRun) rmSync(path, { force: true, recursive: true });
    result.files += 1;
    if (found.nlink > 1) result.sharedBytes += found.size;
    else result.freedBytes += found.size;
  };
  if (!dryRun) await rm(places.temporary, { recursive: true, force: true });
  if (!dryRun) for (const { digest } of victims) rmSync(places.indexPath(digest), { force: true });
  fault("prune.index");
  const paths = [
    ...victims.map(({ digest }) => places.archivePath(digest)),
    ...objects.map((name) => pathOfObject(places, name)),
  ];
  for (const [at, path] of paths.entries()) {
    // What is left now is a stray, or an archive without index, for the next time.
    result.stopped ||= at % 64 === 63 && bound?.expired() === true;
    if (result.stopped) return;
    take(path);
    fault("prune.object");
  }
}

function told({ digest, stored, usedAtMs }: Surveyed): PruneResult["packages"][number] {
  const { name = null, version = null } = stored ?? {};
  return { name, version, digest, usedAt: new Date(usedAtMs).toISOString() };
}
