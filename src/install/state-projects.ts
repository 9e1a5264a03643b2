import { statSync } from "node:fs";

import { LandError } from "#base/errors.ts";
import type { Home } from "#remote/credentials.ts";
import { errorCode } from "#store/files.ts";

import type { State, StateFile } from "./state-model.ts";
import { stateFile } from "./state.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Notes that a project is in use, so that what its lock names is kept. Nothing is written within a day of the last time.
 *
 * @throws state_invalid, state_version_unknown, lock_busy, file_failed
 */
export async function noteProject(state: StateFile, dir: string, now: Date): Promise<void> {
  const isFresh = ({ projects }: State): boolean => {
    const known = projects.find((project) => project.dir === dir);
    return known !== undefined && Math.abs(now.getTime() - Date.parse(known.lastUsedAt)) < DAY_MS;
  };
  if (isFresh(await state.read())) return;
  await state.change((fresh) => {
    fresh.projects = fresh.projects.filter((project) => project.dir !== dir);
    fresh.projects.push({ dir, lastUsedAt: now.toISOString() });
  });
}

/** Notes a project after an install, as far as it can be: a state that cannot be read or written fails no install, `warn` is told. */
export async function rememberProject(
  home: Home,
  dir: string,
  warn: (problem: string) => void,
): Promise<void> {
  try {
    await noteProject(stateFile(home), dir, home.now());
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    warn(error.message);
  }
}

/** Takes projects out whose folder is gone, and tells which. One that only cannot be looked at now stays. */
export function forgetGone(state: State): string[] {
  const gone = state.projects.map(({ dir }) => dir).filter(isGone);
  state.projects = state.projects.filter(({ dir }) => !gone.includes(dir));
  return gone;
}

function isGone(dir: string): boolean {
  try {
    return statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true;
  } catch (error) {
    return errorCode(error) === "ENOTDIR";
  }
}
