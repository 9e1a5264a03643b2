import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { chmod, open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { parseVersion, printable, type Version } from "#base/names.ts";
import { compareVersions } from "#base/ranges.ts";
import { fileFailed, syncFolder } from "#store/files.ts";

import { type Home, lockHome } from "./credentials.ts";
import type { Transport } from "./network.ts";
import { readRelease, type Release, RELEASE_FILE, type ReleaseFile } from "./release.ts";
import { fetchFile, fetchManifest } from "./upgrade-fetch.ts";

/** Where releases come from and what is believed of them. */
export type ReleaseSource = {
  /** `upgrade.source`: the address of a folder with a `latest.json`. Empty: nobody is asked. */
  source: string;
  /** Keys inside the running binary. */
  keys: readonly string[];
  /** The version that runs. */
  version: string;
  transport: Transport;
};

/** What an upgrade needs to know. */
export type UpgradeOptions = Home &
  ReleaseSource & {
    /** The running binary, absolute. */
    binary: string;
    /** The platform it was built for; undefined where it runs from source. */
    target: string | undefined;
    /** A version to go to, also back; without one the newest. */
    wanted?: string;
    onProgress?: (receivedBytes: number, totalBytes: number) => void;
  };

/** What an upgrade did. */
export type Upgraded = { from: string; version: Version; path: string; changed: boolean };

/** A release, and the address of the manifest that told it: its files lie beside that. */
export type FoundRelease = Release & { url: string };

/** How long a new binary may take to tell its version. */
const TRIAL_MS = 30_000;
const PARTIAL = /^\.land\.[0-9a-f]{12}\.download(?:\.exe)?$/;
/** Places where another program keeps count of what lies there. */
const KEPT = [
  /^\/(?:nix|gnu)\/store\//,
  /^\/(?:usr\/)?s?bin\//,
  /^\/usr\/lib\//,
  /^\/snap\//,
  /\/Cellar\//,
  /\/node_modules\//,
];

/**
 * The newest release of the source, or the one of that version, verified.
 *
 * @throws upgrade_refused without a source or a key, signature_invalid, not_found, network, bad_answer
 */
export async function findRelease(from: ReleaseSource, wanted?: string): Promise<FoundRelease> {
  const { keys, transport } = from;
  const base = baseOf(from);
  const exact = wanted === undefined ? undefined : parseVersion(wanted);
  for (const url of addressesOf(base, exact)) {
    const text = await fetchManifest(transport, url);
    const release = text === undefined ? undefined : await readRelease(text, url, keys);
    if (release && (exact === undefined || release.version === exact)) return { ...release, url };
  }
  throw fail("not_found", {
    what: `${exact === undefined ? "a release" : `land ${exact}`} at ${base}`,
  });
}

/** Whether a release is newer than the version that runs. */
export function isNewer(release: Release, version: string): boolean {
  return compareVersions(release.version, parseVersion(version)) > 0;
}

/**
 * Puts another version in the place of the running binary: fetched beside it, verified, tried, and renamed over it in one
 * step. Whatever happens before that leaves the old one.
 *
 * @throws upgrade_refused, checksum_mismatch, signature_invalid, not_found, network, bad_answer, lock_busy, file_failed
 */
export async function upgradeBinary(options: UpgradeOptions): Promise<Upgraded> {
  const { binary, target, wanted, version } = options;
  if (target === undefined)
    throw fail("upgrade_refused", {
      problem: "this land runs from its source",
      hint: "Bring the source up to date instead",
    });
  const release = await findRelease(options, wanted);
  const path = await realpath(binary);
  const result = { from: version, version: release.version, path, changed: false };
  if (release.version === version) return result;
  if (wanted === undefined && !isNewer(release, version))
    throw fail("upgrade_refused", {
      problem: `the source offers ${release.version}, which is older than ${version}`,
      hint: `If you mean it, run \`land upgrade --version ${release.version}\``,
    });
  requirePlace(path, options.source);
  const file = release.files[target];
  if (!file) throw fail("not_found", { what: `land ${release.version} for ${target}` });
  const lock = await lockHome(options, "upgrade");
  try {
    await replace(options, { path, release, file });
  } finally {
    lock.release();
  }
  return { ...result, changed: true };
}

type Replacement = { path: string; release: FoundRelease; file: ReleaseFile };

async function replace(
  { transport, onProgress }: UpgradeOptions,
  { path, release, file }: Replacement,
): Promise<void> {
  const dir = dirname(path);
  const suffix = path.endsWith(".exe") ? ".exe" : "";
  const partial = join(dir, `.land.${file.sha256.slice(0, 12)}.download${suffix}`);
  await fetchFile(transport, {
    ...file,
    url: new URL(file.file, release.url).href,
    path: partial,
    ...(onProgress && { onProgress: (received: number) => onProgress(received, file.size) }),
  });
  try {
    await chmod(partial, (statSync(path).mode & 0o777) | 0o111);
    await tryBinary(partial, release.version);
    await moveOver(partial, path);
    await sweepPartials(dir);
  } catch (error) {
    await rm(partial, { force: true });
    throw error instanceof LandError ? error : fileFailed("write to", dir, error);
  }
}

/** The old binary works until the rename, the new one from then on. */
async function moveOver(partial: string, path: string): Promise<void> {
  const handle = await open(partial, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  // Windows keeps a program that runs from being replaced, but not from being renamed.
  const aside = `${path}.old`;
  if (process.platform === "win32") {
    await rm(aside, { force: true });
    await rename(path, aside);
  }
  await rename(partial, path).catch(async (error: unknown) => {
    if (process.platform === "win32") await rename(aside, path);
    throw error;
  });
  await syncFolder(dirname(path));
}

/** Whether it starts on this machine and is what it was said to be. @throws upgrade_refused */
async function tryBinary(path: string, version: Version): Promise<void> {
  const said = await versionOf(path);
  if (said === version) return;
  const problem =
    said === undefined
      ? "the new binary does not start on this machine"
      : `the new binary says that it is "${printable(said)}", not ${version}`;
  throw fail("upgrade_refused", { problem });
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const child = Bun.spawn([path, "--version"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      env: {},
      timeout: TRIAL_MS,
    });
    const [said, code] = await Promise.all([child.stdout.text(), child.exited]);
    return code === 0 ? said.trim() : undefined;
  } catch {
    return undefined; // no program at all, or not one of this machine
  }
}

async function sweepPartials(dir: string): Promise<void> {
  for (const name of readdirSync(dir))
    if (PARTIAL.test(name)) await rm(join(dir, name), { force: true });
}

/** Whether the place of the binary is ours to change. @throws upgrade_refused */
function requirePlace(path: string, source: string): void {
  if (KEPT.some((place) => place.test(path)))
    throw fail("upgrade_refused", {
      problem: `"${path}" belongs to a package manager`,
      hint: "Upgrade land with the program that installed it",
    });
  try {
    accessSync(dirname(path), constants.W_OK);
    accessSync(path, constants.W_OK);
  } catch {
    throw fail("upgrade_refused", {
      problem: `"${path}" cannot be written by this user`,
      hint: `Run \`sudo LAND_UPGRADE_SOURCE=${quote(source)} ${quote(path)} upgrade\``,
    });
  }
}

function quote(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where a release may be told: the newest at the top of the source, each earlier one in a folder named by its version. */
function addressesOf(base: string, exact: Version | undefined): string[] {
  const newest = `${base}/${RELEASE_FILE}`;
  return exact === undefined ? [newest] : [`${base}/${exact}/${RELEASE_FILE}`, newest];
}

function baseOf({ source, keys }: ReleaseSource): string {
  if (source === "")
    throw fail("upgrade_refused", {
      problem: "no source of releases is configured",
      hint: "Name one that you trust: `land config set upgrade.source https://…`",
    });
  if (keys.length === 0)
    throw fail("upgrade_refused", {
      problem: "this land was built without a release key, so it cannot tell a genuine release",
      hint: "Install a release by hand once; LAND_RELEASE_KEY at build time brings a key in",
    });
  return normalise(source);
}

/** @throws upgrade_refused */
function normalise(source: string): string {
  const url = URL.parse(source);
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash)
    return url.href.replace(/\/+$/, "");
  throw fail("upgrade_refused", {
    problem: `"${printable(source)}" is no address of a source`,
    hint: "Write one like https://land.example.com/releases",
  });
}
