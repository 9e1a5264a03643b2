import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { STAGING } from "./journal.ts";

/** An empty staging folder in an install folder, with `new` in it. A link in its place is taken away, not followed. */
export function makeStaging(installDir: string): string {
  const staging = join(installDir, STAGING);
  if (lstatSync(installDir, { throwIfNoEntry: false })?.isDirectory() === false)
    rmSync(installDir, { force: true });
  mkdirSync(installDir, { recursive: true });
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(join(staging, "new"), { recursive: true });
  return staging;
}
