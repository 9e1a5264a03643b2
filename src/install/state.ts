import { isAbsolute, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { parseDigest, parsePackageName, parseVersion, printable } from "#base/names.ts";
import { byName, byText } from "#base/order.ts";
import { isMap, type JsonMap, readJson } from "#pack/json.ts";
import { problemOfCommand } from "#pack/manifest-paths.ts";
import { type Home, lockHome } from "#remote/credentials.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import type { GlobalPackage, KnownProject, State, StateFile } from "./state-model.ts";

/** Projects that are remembered. Who has more has forgotten most of them. */
const MAX_PROJECTS = 2000;

/** The state of a home, in `$LAND_HOME/state.json`, readable by the user alone. Members that this land does not know stay. */
export function stateFile(home: Home): StateFile {
  const path = join(home.landHome, "state.json");
  return {
    read: async () => (await readState(path)).state,
    async change(edit) {
      const lock = await lockHome(home, "state");
      try {
        const { state, rests, text } = await readState(path);
        const answer = edit(state);
        const after = serializeState(state, rests);
        if (after !== text) await writeFileAtomic(path, after, { mode: 0o600 });
        return answer;
      } finally {
        lock.release();
      }
    },
  };
}

/** What stands beside the members that this land knows, by whose it is. */
type Rests = Map<string, JsonMap>;

async function readState(
  path: string,
): Promise<{ state: State; rests: Rests; text: string | undefined }> {
  const text = await readTextIfAny(path);
  const rests: Rests = new Map();
  if (text === undefined) return { state: { projects: [], globals: [], unknown: {} }, rests, text };
  const invalid = (problem: string): LandError => fail("state_invalid", { path, problem });
  const read = readJson(text);
  if ("problem" in read) throw invalid(`it ${printable(read.problem)}`);
  if (!isMap(read.value)) throw invalid("it is no object");
  const { version, projects = [], globals = [], prunedAt, ...unknown } = read.value;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
    throw invalid('"version" is no whole number');
  if (version > 1) throw fail("state_version_unknown", { path, version: String(version) });
  const list = (member: string, value: unknown): unknown[] => {
    if (Array.isArray(value)) return value;
    throw invalid(`"${member}" is no list`);
  };
  try {
    const state: State = {
      projects: list("projects", projects).map((item) => parseProject(item, rests)),
      globals: list("globals", globals).map((item) => parseGlobal(item, rests)),
      unknown,
    };
    if (prunedAt !== undefined) state.prunedAt = parseTime("prunedAt", prunedAt);
    return { state, rests, text };
  } catch (error) {
    throw error instanceof LandError && error.code !== "state_invalid"
      ? invalid(error.message)
      : error instanceof TypeError
        ? invalid(error.message)
        : error;
  }
}

function serializeState(state: State, rests: Rests): string {
  const { projects, globals, prunedAt, unknown } = state;
  const kept = projects
    .toSorted((a, b) => byText(b.lastUsedAt, a.lastUsedAt) || byText(a.dir, b.dir))
    .slice(0, MAX_PROJECTS);
  const value = {
    ...unknown,
    version: 1,
    projects: kept.map((item) => Object.assign({ ...item }, rests.get(`project ${item.dir}`))),
    globals: globals
      .toSorted(byName)
      .map((item) => Object.assign({ ...item }, rests.get(`global ${item.name}`))),
    ...(prunedAt !== undefined && { prunedAt }),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function parseProject(value: unknown, rests: Rests): KnownProject {
  if (!isMap(value)) throw new TypeError("a project is no object");
  const { dir, lastUsedAt, ...rest } = value;
  if (typeof dir !== "string" || !isAbsolute(dir) || dir.includes("\0") || dir.length > 4096)
    throw new TypeError("the folder of a project is no absolute path");
  rests.set(`project ${dir}`, rest);
  return { dir, lastUsedAt: parseTime("lastUsedAt", lastUsedAt) };
}

function parseGlobal(value: unknown, rests: Rests): GlobalPackage {
  if (!isMap(value)) throw new TypeError("a global package is no object");
  const { name, version, digest, registry, range, bins, installedAt, ...rest } = value;
  if (typeof range !== "string" || range.length > 1000)
    throw new TypeError("the range of a global package is no text");
  if (!Array.isArray(bins)) throw new TypeError("the commands of a global package are no list");
  const parsed = parsePackageName(name);
  rests.set(`global ${parsed}`, rest);
  return {
    name: parsed,
    version: parseVersion(version),
    digest: parseDigest(digest),
    registry: parseRegistryUrl(registry),
    range,
    bins: bins.map(parseBin),
    installedAt: parseTime("installedAt", installedAt),
  };
}

function parseBin(value: unknown): string {
  if (typeof value === "string" && problemOfCommand(value) === undefined) return value;
  throw new TypeError("a command of a global package has a name that no command may have");
}

function parseTime(member: string, value: unknown): string {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{5,16}Z$/.test(value)) {
    if (!Number.isNaN(Date.parse(value))) return value;
  }
  throw new TypeError(`"${member}" is no time`);
}
