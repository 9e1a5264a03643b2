import { lstat } from "node:fs/promises";

import { fail, toLandError } from "#base/errors.ts";
import { parseDotenv } from "#pack/dotenv.ts";
import { parseEnvName, parseEnvValue, requireEnvRoom } from "#runtime/env/env-check.ts";
import { readTextIfAny } from "#store/files.ts";

/** Variables of a program; where the file is wrong, why, without a word of what stands there. */
export type DevEnv = { values: Readonly<Record<string, string>> } | { problem: string };

/**
 * Reads a `.env` file by the rules of `land env import`; one that is not there has none. A link is refused: a project of others
 * may hold one that leads to secrets of the user, and its program would have them.
 */
export async function readDevEnv(path: string, most: number): Promise<DevEnv> {
  try {
    const found = await lstat(path).catch(() => undefined);
    if (found && !found.isFile())
      throw fail("file_failed", { action: "read", path, problem: "it is not a plain file" });
    const values = parseDotenv((await readTextIfAny(path)) ?? "");
    for (const [name, value] of values) parseEnvValue(parseEnvName(name), value);
    requireEnvRoom(values, [...values.keys()].at(-1) ?? "", most);
    return { values: Object.fromEntries(values) };
  } catch (error) {
    return { problem: toLandError(error).message };
  }
}
