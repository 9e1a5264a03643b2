import { existsSync, mkdirSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { type Checkpoints, createCheckpoints } from "#store/checkpoints.ts";
import type { Ctx } from "#store/ctx.ts";
import { type KvFile, openKvFile } from "#store/kv-file.ts";
import { type KvValues, openKvValues } from "#store/kv-values.ts";

/** The files of all sites' stores, of which those in use are open. */
export type KvFiles = {
  /** The open file of a site. Not to be kept: it may be closed when another is opened. @throws site_not_found where it was removed */
  use: (siteId: number) => KvFile;
  values: (siteId: number) => KvValues;
  /** Names of values that are written and named by no row yet. */
  staging: Set<string>;
  exists: (siteId: number) => boolean;
  /** Those that are open, with the time of their last use, the longest unused first. */
  opened: () => { siteId: number; usedAt: number }[];
  close: (siteId: number) => void;
  /** Sites that have a file. */
  list: () => Promise<number[]>;
  remove: (siteId: number) => Promise<void>;
  stop: () => Promise<void>;
};

/** Each holds three descriptors. */
const MAX_OPEN = 128;

/** Opens the folder `kv` of the data folder. */
export function createKvFiles(parts: Pick<Ctx, "config" | "now" | "log" | "random">): KvFiles {
  const folder = join(parts.config.data, "kv");
  const open = new Map<number, { file: KvFile; usedAt: number }>();
  const checkpoints = createCheckpoints();
  const staging = new Set<string>();
  /** Ids are not given twice, so what still asks for one of these comes late. */
  const removed = new Set<number>();
  const pathOf = (siteId: number): string => join(folder, `${siteId}.db`);
  const valuesIn = (siteId: number): string => join(folder, `${siteId}.values`);
  const values = (siteId: number): KvValues => openKvValues(valuesIn(siteId), parts.random);

  function close(siteId: number): void {
    open.get(siteId)?.file.close();
    open.delete(siteId);
  }
  function openSite(siteId: number): KvFile {
    if (removed.has(siteId)) throw fail("site_not_found", { site: String(siteId) });
    for (const oldest of open.keys()) {
      if (open.size < MAX_OPEN) break;
      close(oldest);
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = pathOf(siteId);
    return openStore(parts, { path, checkpoints, staging, values: values(siteId) });
  }
  return {
    values,
    staging,
    use(siteId) {
      const file = open.get(siteId)?.file ?? openSite(siteId);
      // The longest unused one comes first.
      open.delete(siteId);
      open.set(siteId, { file, usedAt: parts.now().getTime() });
      return file;
    },
    exists: (siteId) => open.has(siteId) || existsSync(pathOf(siteId)),
    opened: () => Array.from(open, ([siteId, { usedAt }]) => ({ siteId, usedAt })),
    close,
    async list() {
      const names = existsSync(folder) ? await readdir(folder) : [];
      return names.flatMap((name) => {
        const [, id] = /^(\d{1,15})\.db$/.exec(name) ?? [];
        return id === undefined ? [] : [Number(id)];
      });
    },
    async remove(siteId) {
      removed.add(siteId);
      close(siteId);
      for (const end of ["", "-wal", "-shm"]) rmSync(`${pathOf(siteId)}${end}`, { force: true });
      await rm(valuesIn(siteId), { recursive: true, force: true });
    },
    async stop() {
      for (const siteId of Array.from(open.keys())) close(siteId);
      await checkpoints.stop();
    },
  };
}

function openStore(
  { log }: Pick<Ctx, "log">,
  about: {
    path: string;
    checkpoints: Checkpoints;
    values: KvValues;
    staging: ReadonlySet<string>;
  },
): KvFile {
  const { path, checkpoints, values, staging } = about;
  const drop = (names: readonly string[]): void => {
    values
      .remove(names)
      .catch((cause: unknown) => log.error("values of a key-value store not removed", { cause }));
  };
  const file = openKvFile({ path, checkpoints, onDropped: drop });
  // What a crash left between a value and its row.
  drop(values.list().filter((name) => !staging.has(name) && !file.hasLarge(name)));
  return file;
}
