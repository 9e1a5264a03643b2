import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { isMap, type JsonMap, MAX_JSON_BYTES, readJson } from "#pack/json.ts";
import { readTextIfAny } from "#store/files.ts";

import { blankComments } from "./edit.ts";

/** The file of the user's settings, in `$LAND_HOME`. */
export function userFile(landHome: string): string {
  return join(landHome, "config.json");
}

/** The user's settings as they stand in the file; undefined where there is none. @throws config_invalid, config_version_unknown, file_failed */
export async function readUserFile(path: string): Promise<JsonMap | undefined> {
  const text = await readTextIfAny(path);
  return text === undefined ? undefined : parseUserFile(path, text);
}

/** Reads JSON that may hold comments. @throws config_invalid, config_version_unknown */
export function parseUserFile(path: string, text: string): JsonMap {
  const refuse = (key: string, problem: string) =>
    fail("config_invalid", { key: printable(key), source: path, problem });
  const bare = text.length > MAX_JSON_BYTES ? text : blankComments(text);
  const read = readJson(bare);
  if ("problem" in read) throw refuse(read.field, `it ${read.problem}`);
  if (!isMap(read.value)) throw refuse("", "it is no JSON object");
  const { version = 1 } = read.value;
  if (typeof version !== "number") throw refuse("version", "use 1");
  if (version !== 1) throw fail("config_version_unknown", { path, version: String(version) });
  return read.value;
}
