import { join } from "node:path";

import {
  type Digest,
  type PackageName,
  parseDigest,
  parsePackageName,
  parseVersion,
  type Version,
} from "#base/names.ts";
import { byText } from "#base/order.ts";
import { isMap } from "#pack/json.ts";
import { readTextIfAny } from "#store/files.ts";

import { type Bins, parseBins } from "./stored.ts";

/** The file in an install folder that tells what land put there. A folder without it was not made by land. */
export const MARKER = ".land.json";

/** A package in a tree. */
export type PlacedPackage = { version: Version; digest: Digest; bin: Bins };
/** What a tree holds, by name. */
export type Placed = Map<PackageName, PlacedPackage>;

/** What the marker in `installDir` tells; undefined where there is none, or one that land did not write. */
export async function readMarker(installDir: string): Promise<Placed | undefined> {
  const text = await readTextIfAny(join(installDir, MARKER));
  return text === undefined ? undefined : parseMarker(text);
}

/** The text of a marker. Equal trees give equal bytes. */
export function serializeMarker(placed: Placed): string {
  const packages = Object.fromEntries([...placed].toSorted(([a], [b]) => byText(a, b)));
  return `${JSON.stringify({ format: 1, packages }, null, 1)}\n`;
}

/** Every name, digest and path in it is checked: a checkout may bring a marker along. */
export function parseMarker(text: string): Placed | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isMap(value) || value["format"] !== 1 || !isMap(value["packages"])) return undefined;
    const placed: Placed = new Map();
    for (const [name, item] of Object.entries(value["packages"])) {
      const bin = isMap(item) ? parseBins(item["bin"]) : undefined;
      if (!isMap(item) || !bin) return undefined;
      const version = parseVersion(item["version"]);
      placed.set(parsePackageName(name), { version, digest: parseDigest(item["digest"]), bin });
    }
    return placed;
  } catch {
    return undefined;
  }
}
