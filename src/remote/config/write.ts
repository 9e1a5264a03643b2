import { realpath } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { isMap } from "#pack/json.ts";
import { parseManifest } from "#pack/manifest.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { type Home, lockHome } from "../credentials.ts";
import { editSettings } from "./edit.ts";
import { parseUserFile, userFile } from "./file.ts";
import { refuseTrust } from "./load.ts";
import type { ClientKey } from "./model.ts";
import { settingOf } from "./settings.ts";
import { parseSetting, type SettingValue } from "./value.ts";

/** A change of a file of settings: to a text as typed, or undefined for away with it. */
export type SettingChange = { key: ClientKey; text: string | undefined };

/** What a change did: the file, and whether it says something else now. */
export type SettingChanged = { path: string; changed: boolean };

/**
 * Changes the user's settings. All else in the file stays as it is, comments too. Processes that write at the same time wait.
 *
 * @throws config_invalid for a value that is not one, or a file that is not readable; config_version_unknown, lock_busy, file_failed
 */
export async function writeUserSetting(home: Home, change: SettingChange): Promise<SettingChanged> {
  const named = userFile(home.landHome);
  const value = storedValue(change);
  const lock = await lockHome(home, "config");
  try {
    // Who keeps it elsewhere, with a link here, finds the link as it was.
    const path = await realpath(named).catch(() => named);
    const found = await readTextIfAny(path);
    const text = found ?? '{\n  "version": 1\n}\n';
    parseUserFile(path, text);
    const edited = editSettings(text, partsOf(change.key), value);
    parseUserFile(path, edited);
    const changed = edited !== text;
    // An address of a proxy may hold a password.
    if (changed) await writeFileAtomic(path, edited, { mode: 0o600 });
    return { path: named, changed };
  } finally {
    lock.release();
  }
}

/**
 * Changes the `config` of a project's land.json; all else in it stays as it is.
 *
 * @throws config_invalid for what a project may not set, manifest_missing, manifest_invalid, file_failed
 */
export async function writeProjectSetting(
  dir: string,
  change: SettingChange,
): Promise<SettingChanged> {
  if (change.text !== undefined) refuseTrust(change.key);
  const value = storedValue(change);
  const path = join(dir, "land.json");
  const text = await readTextIfAny(path);
  if (text === undefined) throw fail("manifest_missing", { dir });
  const config = parseManifest("land.json", text).raw["config"];
  if (config !== undefined && !isMap(config))
    throw fail("config_invalid", { key: "config", source: "land.json", problem: "use an object" });
  const edited = editSettings(text, ["config", ...partsOf(change.key)], value);
  parseManifest("land.json", edited);
  const changed = edited !== text;
  if (changed) await writeFileAtomic(path, edited);
  return { path, changed };
}

/** What stands in a file for a text that was typed: sizes and times as they were, for people; all else in its own type. */
function storedValue({ key, text }: SettingChange): SettingValue | undefined {
  if (text === undefined) return undefined;
  const value = parseSetting(key, text, "the command line");
  const { type } = settingOf(key);
  const unit = type === "bytes" || type === "days" || type === "seconds";
  return unit && !/^\d+$/.test(text.trim()) ? text.trim() : value;
}

function partsOf(key: ClientKey): [string, string] {
  const at = key.indexOf(".");
  return [key.slice(0, at), key.slice(at + 1)];
}
