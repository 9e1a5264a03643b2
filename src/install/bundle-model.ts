import { LandError } from "#base/errors.ts";
import {
  type Digest,
  type PackageName,
  parseDigest,
  parsePackageName,
  parseVersion,
  type Version,
} from "#base/names.ts";
import { isMap } from "#pack/json.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { parsePublicKey, type PublicKey } from "#pack/sign.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";

/** A package in a bundle. */
export type BundledPackage = {
  name: PackageName;
  version: Version;
  digest: Digest;
  sizeBytes: number;
  /** Where it comes from and whose keys the lock had; not there where no lock was given. */
  registry?: RegistryUrl;
  keys?: PublicKey[];
};

/** What a registry told of a package: its versions and their signatures. */
export type BundledIndex = {
  registry: RegistryUrl;
  name: PackageName;
  digest: Digest;
  sizeBytes: number;
};

/** `manifest.json`, the first entry of a bundle. The archives follow in its order, then the indexes. */
export type BundleManifest = { packages: BundledPackage[]; indexes: BundledIndex[] };

/** The name of the manifest in the tar. */
export const MANIFEST = "manifest.json";
/** As large as the manifest may be. */
export const MAX_MANIFEST_BYTES = 16_000_000;
const MAX_PACKAGES = 20_000;
const MAX_INDEX_BYTES = 32_000_000;

/** How an archive, and how an index is called in the tar. */
export function entryName(kind: "sha256" | "index", digest: Digest): string {
  return `${kind}/${digest.slice("sha256:".length)}`;
}

/** The text of a manifest. Equal bundles give equal bytes. */
export function serializeBundle({ packages, indexes }: BundleManifest): string {
  return `${JSON.stringify({ format: 1, packages, indexes }, null, 1)}\n`;
}

/** Reads a manifest; a text that says what is wrong with one that must not be trusted. */
export function parseBundle(text: string): BundleManifest | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (!isMap(value)) return { problem: "its manifest is no object" };
    if (value["format"] !== 1) return { problem: "its format is not known to this land" };
    const packages = listOf(value["packages"]).map(parsePackage);
    const indexes = listOf(value["indexes"]).map(parseIndexEntry);
    for (const digests of [packages, indexes].map((list) => list.map(({ digest }) => digest)))
      if (new Set(digests).size !== digests.length)
        return { problem: "its manifest names something twice" };
    return { packages, indexes };
  } catch (error) {
    if (error instanceof LandError || error instanceof TypeError)
      return { problem: `its manifest is not right: ${error.message}` };
    if (error instanceof SyntaxError || error instanceof RangeError)
      return { problem: "its manifest is no JSON" };
    throw error;
  }
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError("a list is missing");
  if (value.length > MAX_PACKAGES)
    throw new TypeError(`it names more than ${MAX_PACKAGES} packages`);
  return value;
}

function parsePackage(value: unknown): BundledPackage {
  if (!isMap(value)) throw new TypeError("a package is no object");
  const { name, version, digest, sizeBytes, registry, keys } = value;
  if (keys !== undefined && !Array.isArray(keys)) throw new TypeError("keys are no list");
  return {
    name: parsePackageName(name),
    version: parseVersion(version),
    digest: parseDigest(digest),
    sizeBytes: sizeOf(sizeBytes, DEFAULT_LIMITS.packedBytes),
    ...(registry !== undefined && { registry: parseRegistryUrl(registry) }),
    ...(keys !== undefined && { keys: keys.map(parsePublicKey) }),
  };
}

function parseIndexEntry(value: unknown): BundledIndex {
  if (!isMap(value)) throw new TypeError("an index is no object");
  const { registry, name, digest, sizeBytes } = value;
  return {
    registry: parseRegistryUrl(registry),
    name: parsePackageName(name),
    digest: parseDigest(digest),
    sizeBytes: sizeOf(sizeBytes, MAX_INDEX_BYTES),
  };
}

function sizeOf(value: unknown, most: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most)
    return value;
  throw new TypeError(`a size is none from 0 to ${most}`);
}
