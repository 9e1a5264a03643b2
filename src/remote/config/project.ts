import { dirname, join, relative, sep } from "node:path";

import { fail } from "#base/errors.ts";
import { isMap, type JsonMap, readJson } from "#pack/json.ts";
import { matchesPatterns } from "#pack/workspace-folders.ts";
import { readTextIfAny } from "#store/files.ts";

/** More, or longer ones, are refused by whoever reads the manifest as a whole. */
const MAX_PATTERNS = 2000;
const MAX_PATTERN = 4096;

/**
 * The folder whose land.json may set something for commands in `dir`: `dir` itself, or the root of the workspace of which it is a
 * member.
 */
export async function findConfigFolder(dir: string): Promise<string> {
  if ((await readManifest(dir)) === undefined) return dir;
  for (let root = dirname(dir); root !== dirname(root); root = dirname(root)) {
    const workspaces = (await readManifest(root))?.["workspaces"];
    if (!Array.isArray(workspaces)) continue;
    const patterns = workspaces
      .filter((item) => typeof item === "string" && item.length <= MAX_PATTERN)
      .slice(0, MAX_PATTERNS);
    if (matchesPatterns(patterns, relative(root, dir).split(sep).join("/"))) return root;
  }
  return dir;
}

async function readManifest(dir: string): Promise<JsonMap | undefined> {
  for (const file of ["land.json", "package.json"]) {
    const text = await readTextIfAny(join(dir, file)).catch(() => undefined);
    if (text !== undefined) return parse(text) ?? {};
  }
  return undefined;
}

function parse(text: string): JsonMap | undefined {
  const read = readJson(text);
  return "problem" in read || !isMap(read.value) ? undefined : read.value;
}

/**
 * What the `config` of a folder's land.json says, by section. A manifest that is not readable says nothing here: whoever needs the
 * project tells what is wrong with it. A package.json says nothing either: its `config` belongs to npm.
 *
 * @throws config_invalid
 */
export async function readProjectConfig(dir: string): Promise<JsonMap> {
  const text = await readTextIfAny(join(dir, "land.json")).catch(() => undefined);
  if (text === undefined || !text.includes('"config"')) return {};
  const config = parse(text)?.["config"];
  if (config === undefined) return {};
  if (isMap(config)) return config;
  throw fail("config_invalid", { key: "config", source: "land.json", problem: "use an object" });
}
