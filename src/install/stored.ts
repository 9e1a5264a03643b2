import {
  type Digest,
  type PackageName,
  parseDigest,
  parsePackageName,
  parseVersion,
  type Version,
} from "#base/names.ts";
import { emptyMap, isMap } from "#pack/json.ts";
import { problemOfCommand } from "#pack/manifest-paths.ts";
import { problemOfPath } from "#pack/paths.ts";

/** A file of a package in the store. */
export type StoredFile = {
  /** Relative to the package, with `/`. */
  path: string;
  /** Hex SHA-256 of the content. */
  sha256: string;
  executable: boolean;
  sizeBytes: number;
};

/** A command of a package. */
export type Bin = {
  /** Its file, relative to the package; one of those the archive holds. */
  path: string;
  /** own: it is started as it is. land: it has no `#!`, so the land binary runs it. */
  runner: "own" | "land";
};

/** Command → its file. No prototype. */
export type Bins = { [command: string]: Bin };

/** Files that land runs where they have no `#!`. */
export const RUN_BY_LAND = /\.(?:ts|js|mjs)$/;

/** What the store knows of a package that it holds whole. */
export type StoredPackage = {
  name: PackageName;
  version: Version;
  digest: Digest;
  /** The archive. */
  packedBytes: number;
  files: StoredFile[];
  bin: Bins;
  /**
   * The start of the machine in which it was written, where nothing of it was brought to the disk on purpose: in a later
   * one its files have to be looked at before they are used.
   */
  boot?: string;
  /** When all of its files were as they should be, in milliseconds since 1970: one that was written to later is looked at again. */
  checkedAt?: number;
  /** Where this process itself put all of it there, or compared it with what it would have put. Nothing of that is kept. */
  fresh?: boolean;
};

const FORMAT = 2;

/** The text under which the store keeps it. */
export function serializeStored(stored: StoredPackage): string {
  const { name, version, digest, packedBytes, bin, boot, checkedAt } = stored;
  const files = stored.files.map(({ path, sha256, executable, sizeBytes }) => [
    path,
    sha256,
    sizeBytes,
    executable ? 1 : 0,
  ]);
  const head = { format: FORMAT, name, version, digest, packedBytes, boot, checkedAt, bin };
  return `${JSON.stringify({ ...head, files })}\n`;
}

/** What `serializeStored` wrote; undefined for anything else, which is then as good as not there. */
export function parseStored(text: string): StoredPackage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isMap(value) || value["format"] !== FORMAT || !Array.isArray(value["files"]))
      return undefined;
    const files = value["files"].map(parseFile);
    const bin = parseBins(value["bin"]);
    const { boot, checkedAt, packedBytes } = value;
    if (!isSize(packedBytes)) return undefined;
    if (boot !== undefined && typeof boot !== "string") return undefined;
    if (checkedAt !== undefined && !isSize(checkedAt)) return undefined;
    if (!bin || !files.every((file) => file !== undefined)) return undefined;
    return {
      name: parsePackageName(value["name"]),
      version: parseVersion(value["version"]),
      digest: parseDigest(value["digest"]),
      packedBytes,
      files,
      bin,
      ...(boot !== undefined && { boot }),
      ...(checkedAt !== undefined && { checkedAt }),
    };
  } catch {
    return undefined;
  }
}

/** Commands from a file of ours; undefined where one of them could lead out of its package. */
export function parseBins(value: unknown): Bins | undefined {
  if (!isMap(value)) return undefined;
  const bins = emptyMap<Bin>();
  for (const [command, bin] of Object.entries(value)) {
    if (problemOfCommand(command) !== undefined || !isMap(bin)) return undefined;
    const { path, runner } = bin;
    if (typeof path !== "string" || problemOfPath(path) !== undefined) return undefined;
    if (runner !== "own" && runner !== "land") return undefined;
    bins[command] = { path, runner };
  }
  return bins;
}

function parseFile(value: unknown): StoredFile | undefined {
  if (!Array.isArray(value)) return undefined;
  const [path, sha256, sizeBytes, executable]: unknown[] = value;
  if (typeof path !== "string" || problemOfPath(path) !== undefined) return undefined;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (!isSize(sizeBytes)) return undefined;
  return { path, sha256, sizeBytes, executable: executable === 1 };
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
