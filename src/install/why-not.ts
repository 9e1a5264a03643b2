import { join } from "node:path";

import { parsePackageName, type Version } from "#base/names.ts";
import { parseRange } from "#base/ranges.ts";
import { readProject } from "#pack/project.ts";
import { findWorkspaceRoot } from "#pack/workspace.ts";
import { type WhyNot, whyNot } from "#solve/why-not.ts";
import { readTextIfAny } from "#store/files.ts";

import { parseLock } from "./lockfile.ts";
import { createMetadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { solveInputOf } from "./resolve.ts";

/**
 * Asks the solver what stands in the way of a version in a project, or what having it would change. Nothing is written.
 *
 * @throws name_invalid, manifest_missing, manifest_invalid, lock_invalid, registry_untrusted, network
 */
export async function explainAbsence(
  options: InstallOptions,
  wanted: { name: string; range: string },
): Promise<WhyNot> {
  const name = parsePackageName(wanted.name);
  const range = parseRange(wanted.range);
  const project = await readProject(await findWorkspaceRoot(options.dir));
  const text = await readTextIfAny(join(project.dir, "land.lock"));
  const lock = text === undefined ? undefined : parseLock(text);
  const locked = new Map<string, Version>(lock?.packages.map((item) => [item.name, item.version]));
  const metadata = createMetadata(options, lock);
  return whyNot(solveInputOf(options, project.manifest, locked, metadata), { name, range });
}
