import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Glob } from "bun";

import { buildBinary, findEntrypoints, hostTarget } from "../../build.ts";

const root = join(import.meta.dir, "../..");
let ready: Promise<string> | undefined;

/**
 * Path of the binary that flows run: `LAND_TEST_BINARY`, else `dist/land`, built first where it is missing or older than a source file. Test files that run at the same time
 * may each build it: the finished file replaces the old one in one step.
 */
export function landBinary(): Promise<string> {
  ready ??= findBinary();
  return ready;
}

async function findBinary(): Promise<string> {
  const named = process.env["LAND_TEST_BINARY"];
  if (named !== undefined) return resolve(named);
  const target = hostTarget();
  const outfile = join(root, "dist", target.startsWith("windows") ? "land.exe" : "land");
  const binary = Bun.file(outfile);
  if (!(await binary.exists()) || binary.lastModified < newestSource()) {
    await mkdir(join(root, "dist"), { recursive: true });
    await buildBinary({ target, outfile, packages: root, entrypoints: findEntrypoints() });
  }
  return outfile;
}

/** When a file that goes into the binary was last changed, in milliseconds since 1970. */
function newestSource(): number {
  const sources = new Glob("{src,web,commands,plugins}/**/*.*").scanSync({ cwd: root });
  const paths = [...sources, "build.ts", "package.json", "bun.lock", "tsconfig.json"];
  return Math.max(...paths.map((path) => Bun.file(join(root, path)).lastModified));
}
