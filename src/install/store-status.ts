import { statSync } from "node:fs";

import type { KnownProject } from "./state-model.ts";
import { stateFile } from "./state.ts";
import { pathOfObject, storePlaces } from "./store-places.ts";
import { surveyStore } from "./store-survey.ts";
import { lockStore, type StoreHome } from "./store.ts";

/** What the store holds and takes. Sizes are bytes. */
export type StoreStatus = {
  path: string;
  packages: number;
  archives: { count: number; bytes: number };
  /** Different files of the packages. */
  files: { count: number; bytes: number };
  /** What nothing needs any more, and goes at the next prune. */
  strays: { count: number; bytes: number };
  bytes: number;
  /** What the files would take besides if each package had its own. */
  savedBytes: number;
  /** ISO 8601; null where it never was. */
  prunedAt: string | null;
  limits: { maxBytes: number; maxAgeDays: number; autoPrune: boolean };
  /** By when they were last of use, the latest first. */
  projects: KnownProject[];
};

/**
 * Looks at the store of a home. Nothing is changed; other processes go on meanwhile.
 *
 * @throws lock_busy, file_failed, state_invalid, state_version_unknown
 */
export async function readStoreStatus(
  home: StoreHome & { cache: StoreStatus["limits"] },
): Promise<StoreStatus> {
  const places = storePlaces(home.landHome);
  const state = await stateFile(home).read();
  const lock = await lockStore(home, "shared", home.lockTimeoutMs);
  try {
    const survey = surveyStore(places) ?? { packages: [], needed: new Map(), strays: [] };
    const { packages, strays } = survey;
    const needed = [...survey.needed.values()];
    const fileBytes = sum(needed.map(({ sizeBytes }) => sizeBytes));
    const archiveBytes = sum(packages.map(({ packedBytes }) => packedBytes));
    const strayBytes = sum(strays.map((name) => sizeOf(pathOfObject(places, name))));
    return {
      path: places.dir,
      packages: packages.filter(({ stored }) => stored).length,
      archives: { count: packages.length, bytes: archiveBytes },
      files: { count: needed.length, bytes: fileBytes },
      strays: { count: strays.length, bytes: strayBytes },
      bytes: fileBytes + archiveBytes + strayBytes,
      savedBytes: sum(needed.map(({ sizeBytes, count }) => sizeBytes * (count - 1))),
      prunedAt: state.prunedAt ?? null,
      limits: home.cache,
      projects: state.projects.toSorted((a, b) => (a.lastUsedAt < b.lastUsedAt ? 1 : -1)),
    };
  } finally {
    lock.release();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
