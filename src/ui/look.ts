import { statSync } from "node:fs";

import { toLandError, toProblem } from "#base/errors.ts";
import { listInstalled } from "#install/list.ts";
import { differencesOf } from "#install/lock-fit.ts";
import { inParallel } from "#install/parallel.ts";
import { readWorkspace } from "#pack/workspace.ts";

import type { UiProblem, UiProject } from "./model.ts";

/** What a known project is like. */
export type Look =
  /** Its folder is no more. */
  | { kind: "gone" }
  /** Something of it cannot be read. */
  | { kind: "broken"; problem: UiProblem }
  | {
      kind: "there";
      name: string | undefined;
      version: string | undefined;
      /** Packages in the tree. */
      packages: number;
      /** Members of its workspace. */
      members: number;
      /** Packages that land.lock names and the tree does not hold. */
      missing: number;
      /** Whether there is a lock, and it is for these manifests. */
      lock: "fits" | "differs" | "none";
    };

/** A known project, and what it is like. */
export type Looked = UiProject & { look: Look };

const AT_ONCE = 8;

/** What is told of each project, in their order. Nothing is changed, and no registry is asked. */
export async function lookAtAll(projects: readonly UiProject[]): Promise<Looked[]> {
  return inParallel([...projects], AT_ONCE, async (project) => ({
    ...project,
    look: await lookAt(project.dir),
  }));
}

/** What one is like. Never rejects. */
export async function lookAt(dir: string): Promise<Look> {
  try {
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return { kind: "gone" };
    const { project, lock, roots, packages, missing } = await listInstalled(dir);
    const { members } = await readWorkspace(project);
    const wantsNothing = roots.every(({ requirements }) => requirements.length === 0);
    const differs = lock !== undefined && differencesOf(lock, project.manifest, members).length > 0;
    return {
      kind: "there",
      name: project.manifest.name,
      version: project.manifest.version,
      packages: packages.length,
      members: members.length,
      missing: missing.length,
      lock: lock === undefined && !wantsNothing ? "none" : differs ? "differs" : "fits",
    };
  } catch (thrown) {
    return { kind: "broken", problem: problemOf(thrown) };
  }
}

/** What was thrown, for people. */
export function problemOf(thrown: unknown): UiProblem {
  const { code, detail, hint } = toProblem(toLandError(thrown));
  return { code, detail, ...(hint !== undefined && { hint }) };
}
