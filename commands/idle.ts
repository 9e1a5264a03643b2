import { realpathSync } from "node:fs";
import { join } from "node:path";

import { commit, version } from "#base/build-info.ts";
import { beginIdle, type IdleAbout, isQuiet, LOCK_AGAIN, noteIdle } from "#install/idle.ts";
import { readMarker } from "#install/marker.ts";
import type { InstallResult } from "#install/options.ts";
import { readProject } from "#pack/project.ts";
import { readTextIfAny } from "#store/files.ts";

import type { Outcome } from "./command.ts";
import type { Context } from "./context.ts";

/**
 * Runs an install and, where it had nothing to do and told nothing but that, notes it, so that the next one need not look so
 * closely. `writesLock`: whether it would have made land.lock again where that was missing. See `readIdle`.
 */
export async function notingIdle(
  context: Context,
  run: (context: Context) => Promise<Outcome & { value: InstallResult }>,
  { writesLock }: { writesLock: boolean },
): Promise<Outcome> {
  const about = aboutOf(context);
  const { json, globals } = context;
  const isSilent = globals.quiet !== isQuiet(about.argv); // by the environment
  const before = json || isSilent || globals.verbose ? undefined : beginIdle(about);
  if (!before) return run(context);
  const began = context.now();
  let lines = 0;
  const outcome = await run({
    ...context,
    say(line) {
      lines += 1;
      context.say(line);
    },
    warn(line) {
      // Whoever deletes the lock again is told again.
      if (line !== LOCK_AGAIN) lines += 2;
      context.warn(line);
    },
  });
  const { added, removed, changed, linked, manifest, unchanged } = outcome.value;
  const isIdle = added.length + removed.length + changed.length === 0 && !linked && !manifest;
  if (!isIdle || lines !== 1) return outcome;
  const project = await readProject(about.cwd);
  const installDir = join(about.cwd, project.installDir);
  const held = await readMarker(installDir);
  const names = [...(held?.placed.keys() ?? [])];
  if (names.length !== unchanged || names.length === 0) return outcome;
  const lock = writesLock ? await readTextIfAny(join(about.cwd, "land.lock")) : undefined;
  const isKept = lock !== undefined && lock === held?.lock;
  noteIdle(about, before, { installDir, names, ...(isKept && { lock }) }, began);
  return outcome;
}

function aboutOf({ world, cwd, landHome }: Context): IdleAbout {
  return {
    argv: world.argv,
    env: world.env,
    cwd: realpathSync(cwd),
    landHome,
    program: world.binary,
    version: `${version} ${commit}`,
    uid: process.getuid?.(),
    atTerminal: world.stderr.isTTY === true,
  };
}
