import { type PruneResult, pruneStore } from "#install/prune.ts";
import { storePlaces } from "#install/store-places.ts";
import { type RepairResult, repairStore } from "#install/store-repair.ts";
import { readStoreStatus, type StoreStatus } from "#install/store-status.ts";
import type { StoreHome } from "#install/store.ts";
import type { ClientKey } from "#remote/config/model.ts";
import { parseSetting } from "#remote/config/value.ts";

import { defineCommand } from "./command.ts";
import { homeOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderBytes, renderCount, renderTable, renderTime, shorten } from "./render.ts";

/** The home of the user, whose store waits with a word where another process has it. @throws usage */
export function storeHome(context: Context): StoreHome {
  const onWait = (holder: string): void => context.say(`Waiting for the store: ${holder} has it`);
  return { ...homeOf(context), onWait };
}

/** Prints where the store is. */
export const path = defineCommand({
  examples: ["land store path", 'du -sh "$(land store path)"'],
  args: {},
  async run(context) {
    const { dir } = storePlaces(context.landHome);
    return { value: { path: dir }, text: dir };
  },
});

/** Shows what the store holds. */
export const status = defineCommand({
  more: `The store keeps each archive, and each different file of the packages once, for all projects. Known projects are those that
land installed in; what their land.lock names is never pruned.`,
  examples: ["land store status", "land store status --json"],
  args: {},
  async run(context) {
    const config = await context.config();
    const cache = {
      maxBytes: config["cache.maxSize"],
      maxAgeDays: config["cache.maxAge"],
      autoPrune: config["cache.autoPrune"],
    };
    const found = await readStoreStatus({ ...storeHome(context), cache });
    return { value: found, text: renderStatus(found) };
  },
});

const SHOWN_PROJECTS = 10;

function renderStatus(found: StoreStatus): string {
  const { archives, files, strays, limits, projects } = found;
  const age = limits.maxAgeDays === 0 ? "kept" : `${renderCount(limits.maxAgeDays, "day")} kept`;
  const size = limits.maxBytes === 0 ? "no limit" : `at most ${renderBytes(limits.maxBytes)}`;
  const more = projects.length - SHOWN_PROJECTS;
  return renderTable([
    ["store", found.path],
    ["takes", `${renderBytes(found.bytes)}, ${size}`],
    ["packages", renderCount(found.packages, "package")],
    ["archives", `${renderCount(archives.count, "file")}, ${renderBytes(archives.bytes)}`],
    ["files", `${renderCount(files.count, "file")}, ${renderBytes(files.bytes)}`],
    ...(found.savedBytes === 0
      ? []
      : [["saved", `${renderBytes(found.savedBytes)}, since packages share files`]]),
    ...(strays.count === 0
      ? []
      : [["unneeded", `${renderCount(strays.count, "file")}, ${renderBytes(strays.bytes)}`]]),
    ["unused", `${age}, then pruned ${limits.autoPrune ? "by itself" : "by `land store prune`"}`],
    ["last prune", renderTime(found.prunedAt)],
    ...projects
      .slice(0, SHOWN_PROJECTS)
      .map(({ dir }, at) => [at === 0 ? "projects" : "", shorten(dir, 200)]),
    ...(more > 0 ? [["", `and ${more} more`]] : []),
  ]);
}

/** Takes what nobody needs out of the store. */
export const prune = defineCommand({
  more: `What land.lock of a known project or a global package names is never taken. Of the rest goes what was not used for
cache.maxAge, then the longest unused until the store takes no more than cache.maxSize.
With --json: {"packages":[{"name","version","digest","usedAt"}],"files","freedBytes","sharedBytes","keptBytes",
"forgotten":[…],"dryRun","stopped"}.`,
  examples: [
    "land store prune --dry-run # what would go",
    "land store prune --max-size 1GB --max-age 30d",
    "land store prune --all # all that no known project needs",
  ],
  args: {
    dryRun: { type: "boolean", about: "Only tell what would go" },
    all: { type: "boolean", about: "All that no known project and no global package needs" },
    maxSize: { type: "text", value: "SIZE", about: "Instead of cache.maxSize, such as 1GB" },
    maxAge: { type: "text", value: "DAYS", about: "Instead of cache.maxAge, such as 30d" },
  },
  async run(context, { dryRun, all, maxSize, maxAge }) {
    const config = await context.config();
    const limits = {
      maxBytes: numberOf("cache.maxSize", maxSize, "--max-size") ?? config["cache.maxSize"],
      maxAgeDays: numberOf("cache.maxAge", maxAge, "--max-age") ?? config["cache.maxAge"],
      all,
    };
    const result = await pruneStore({ ...storeHome(context), limits, dryRun });
    context.say(renderSummary(result));
    return { value: result, text: renderPruned(result) };
  },
});

function numberOf(key: ClientKey, text: string | undefined, flag: string): number | undefined {
  const value = text === undefined ? undefined : parseSetting(key, text, flag);
  return typeof value === "number" ? value : undefined;
}

function renderPruned({ packages }: PruneResult): string {
  return renderTable(
    packages.map(({ name, version, digest, usedAt }) => [
      name === null ? shorten(digest, 30) : `${name} ${version ?? ""}`,
      `last used ${renderTime(usedAt)}`,
    ]),
  );
}

function renderSummary(result: PruneResult): string {
  const { packages, files, freedBytes, sharedBytes, keptBytes, dryRun } = result;
  const shared =
    sharedBytes > 0 ? `; ${renderBytes(sharedBytes)} more stay, as projects share them` : "";
  const what = `${renderCount(packages.length, "package")}, ${renderCount(files, "file")}`;
  return `${dryRun ? "Would remove" : "Removed"} ${what}: ${renderBytes(freedBytes)} freed, ${renderBytes(keptBytes)} left${shared}`;
}

/** Makes the store whole again. */
export const repair = defineCommand({
  more: `Archives are the truth: the index and all unpacked files are made anew from them where they are missing or damaged. What
cannot be made anew is named and has to be fetched again; the exit code is 11 then.
With --json: {"packages","repaired":[{"name","version","digest"}],"lost":[…],"damaged"}.`,
  examples: ["land store repair", "land store repair --deep # read every byte"],
  args: {
    deep: { type: "boolean", about: "Compare the checksum of every file, not only its size" },
  },
  async run(context, { deep }) {
    const result = await repairStore({ ...storeHome(context), deep });
    const { packages, repaired, lost } = result;
    context.say(
      lost.length + repaired.length + result.damaged === 0
        ? `Looked at ${renderCount(packages, "package")}: all whole`
        : `Looked at ${renderCount(packages, "package")}: ${repaired.length} made anew, ${lost.length} lost, ${renderCount(result.damaged, "damaged file")} removed`,
    );
    if (lost.length > 0) context.say("`land install` fetches again what a project needs");
    return { value: result, text: renderRepaired(result), exitCode: lost.length > 0 ? 11 : 0 };
  },
});

function renderRepaired({ repaired, lost }: RepairResult): string {
  return renderTable([...rowsOf(repaired, "made anew"), ...rowsOf(lost, "lost")]);
}

function rowsOf(list: RepairResult["lost"], what: string): string[][] {
  return list.map(({ name, version, digest }) => [
    what,
    name === null ? shorten(digest, 80) : `${name} ${version ?? ""}`,
  ]);
}
