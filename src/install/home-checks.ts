import { mkdirSync, rmSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Check } from "#base/check.ts";
import { LandError } from "#base/errors.ts";
import { writeFileAtomic } from "#store/files.ts";
import { takeLock } from "#store/lock.ts";

import { isThere } from "./commit.ts";
import { probeLinks } from "./link-method.ts";
import type { InstallOptions } from "./options.ts";

type Found = Omit<Check, "name">;

const GB = 1_000_000_000;
const LEAST_BYTES = GB / 10;

/** Whether `$LAND_HOME` can be written. @throws file_failed */
export async function checkHome(landHome: string, mark: string): Promise<Found> {
  const path = join(landHome, `.doctor-${mark}`);
  await writeFileAtomic(path, "");
  rmSync(path, { force: true });
  return { status: "ok", detail: landHome };
}

/** Whether there is room for packages. */
export async function checkSpace(landHome: string): Promise<Found> {
  const { bavail, bsize } = await statfs(nearestFolder(landHome));
  const freeBytes = bavail * bsize;
  const detail = `${(freeBytes / GB).toFixed(1)} GB are free`;
  if (freeBytes >= GB) return { status: "ok", detail };
  return {
    status: freeBytes < LEAST_BYTES ? "bad" : "warn",
    detail,
    hint: "Make room, or run `land store prune`",
  };
}

/** Whether one process keeps another out: some network file systems only pretend. @throws file_failed */
export async function checkLock(
  landHome: string,
  about: { mark: string; now: () => Date },
): Promise<Found> {
  const path = join(landHome, "locks", `doctor-${about.mark}.lock`);
  const take = () =>
    takeLock(path, {
      mode: "exclusive",
      what: "the lock of the check",
      command: "land doctor",
      timeoutMs: 0,
      now: about.now,
    });
  const first = await take();
  try {
    const second = await take();
    second.release();
    return {
      status: "bad",
      detail: `locks in ${landHome} keep nobody out`,
      hint: "Put LAND_HOME on a local disk",
    };
  } catch (error) {
    if (!(error instanceof LandError) || error.code !== "lock_busy") throw error;
    return { status: "ok", detail: "a second process is kept out" };
  } finally {
    first.release();
    rmSync(path, { force: true });
  }
}

/** How files would come from the store into `dir`, and whether both are on one device. @throws file_failed */
export async function checkLinks(
  landHome: string,
  dir: string,
  about: { mark: string; link: InstallOptions["link"] },
): Promise<Found> {
  const sample = join(landHome, `.doctor-sample-${about.mark}`);
  const folder = join(nearestFolder(dir), `.land-doctor-${about.mark}`);
  await writeFileAtomic(sample, "sample");
  try {
    mkdirSync(folder, { recursive: true });
    const same = statSync(sample).dev === statSync(folder).dev;
    if (about.link === "copy") return { status: "ok", detail: "copied, as storage.link says" };
    const method = probeLinks(sample, folder, process.getuid?.() === 0, about.link);
    if (method !== "copy")
      return { status: "ok", detail: `${method}s: packages take their space once` };
    if (!same)
      return {
        status: "warn",
        detail: "copied: the store is on another device than this folder",
        hint: "Put LAND_HOME on the disk of your projects",
      };
    if (process.getuid?.() === 0)
      return { status: "ok", detail: "copied: for root, hardlinks would not protect the store" };
    return {
      status: "warn",
      detail: "copied: the file system knows neither reflinks nor hardlinks",
      hint: "Packages take their space in each project; a file system as btrfs or XFS saves it",
    };
  } finally {
    rmSync(sample, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder itself, or the nearest around it that is there. */
function nearestFolder(dir: string): string {
  let folder = dir;
  while (!isThere(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
