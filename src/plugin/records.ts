import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { byText } from "#base/order.ts";
import { isMap, type JsonMap, readJson } from "#pack/json.ts";
import { type Home, lockHome } from "#remote/credentials.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { pluginsFolder } from "./found.ts";

/** What `land plugin add` knew of a plugin. */
export type PluginRecord = {
  /** Relative to the folder of plugins. */
  file: string;
  /** Hex SHA-256 of that file. */
  sha256: string;
  /** Where it came from, as it was typed, or package and version. */
  source: string;
  /** ISO 8601. */
  addedAt: string;
  /** The commands that it added then, sorted. */
  commands: string[];
};

/** By name. */
export type PluginRecords = Map<string, PluginRecord>;

/**
 * The plugins that `land plugin add` brought.
 *
 * @throws state_invalid, state_version_unknown, file_failed
 */
export async function readRecords(landHome: string): Promise<PluginRecords> {
  return (await readRecordsFile(pathOf(landHome))).records;
}

/** Changes them alone: under an OS lock, whole or not at all. What `edit` answers is answered. @throws state_invalid, lock_busy */
export async function changeRecords<T>(
  home: Home,
  edit: (records: PluginRecords) => Promise<T>,
): Promise<T> {
  const lock = await lockHome(home, "plugins");
  try {
    const path = pathOf(home.landHome);
    const { records, rest } = await readRecordsFile(path);
    const answer = await edit(records);
    const plugins = Object.fromEntries([...records].toSorted(([a], [b]) => byText(a, b)));
    const text = `${JSON.stringify({ ...rest, version: 1, plugins }, undefined, 2)}\n`;
    await writeFileAtomic(path, text, { mode: 0o600 });
    return answer;
  } finally {
    lock.release();
  }
}

function pathOf(landHome: string): string {
  return join(pluginsFolder(landHome), "plugins.json");
}

async function readRecordsFile(path: string): Promise<{ records: PluginRecords; rest: JsonMap }> {
  const text = await readTextIfAny(path);
  if (text === undefined) return { records: new Map(), rest: {} };
  const invalid = (problem: string) => fail("state_invalid", { path, problem });
  const read = readJson(text);
  if ("problem" in read) throw invalid(`it ${read.problem}`);
  if (!isMap(read.value)) throw invalid("it is no object");
  const { version, plugins, ...rest } = read.value;
  if (version !== 1) throw fail("state_version_unknown", { path, version: String(version) });
  if (!isMap(plugins)) throw invalid('"plugins" is no object');
  const records: PluginRecords = new Map();
  for (const [name, value] of Object.entries(plugins)) {
    const record = parseRecord(value);
    if (!record) throw invalid(`the entry of "${name}" is not readable`);
    records.set(name, record);
  }
  return { records, rest };
}

function parseRecord(value: unknown): PluginRecord | undefined {
  if (!isMap(value)) return undefined;
  const { file, sha256, source, addedAt, commands } = value;
  if (typeof file !== "string" || typeof sha256 !== "string" || typeof source !== "string")
    return undefined;
  if (typeof addedAt !== "string" || !Array.isArray(commands)) return undefined;
  const names = commands.filter((command) => typeof command === "string");
  return { file, sha256, source, addedAt, commands: names };
}
