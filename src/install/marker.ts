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
import { problemOfPath } from "#pack/paths.ts";
import { readTextIfAny } from "#store/files.ts";

import { type Bins, parseBins } from "./stored.ts";

/** The file in an install folder that tells what land put there. A folder without it was not made by land. */
export const MARKER = ".land.json";

/** A package in a tree. */
export type PlacedPackage = { version: Version; digest: Digest; bin: Bins };
/** What a tree holds, by name. */
export type Placed = Map<PackageName, PlacedPackage>;
/** A member of the workspace in a tree: a link to its folder, relative to the root. */
export type PlacedLink = { folder: string; bin: Bins };
/** The members that a tree links, by name. */
export type Links = Map<PackageName, PlacedLink>;
/**
 * All that a tree holds; no name is in both. `lock` is the text of the lock by which it was laid, which nobody checked; undefined for
 * a tree of an older land.
 */
export type Held = { placed: Placed; links: Links; lock: string | undefined };

/** What the marker in `installDir` tells; undefined where there is none, or one that land did not write. */
export async function readMarker(installDir: string): Promise<Held | undefined> {
  const text = await readTextIfAny(join(installDir, MARKER));
  return text === undefined ? undefined : parseMarker(text);
}

/** The text of a marker. Equal trees give equal bytes. */
export function serializeMarker({ placed, links, lock }: Held): string {
  const packages = sortedMap(placed);
  const linked = links.size === 0 ? {} : { links: sortedMap(links) };
  return `${JSON.stringify({ format: 1, packages, ...linked, lock }, null, 1)}\n`;
}

function sortedMap<T>(map: ReadonlyMap<string, T>): { [name: string]: T } {
  return Object.fromEntries([...map].toSorted(([a], [b]) => byText(a, b)));
}

/** Every name, digest and path in it is checked: a checkout may bring a marker along. */
export function parseMarker(text: string): Held | undefined {
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
    const links = parseLinks(value["links"] ?? {});
    const { lock } = value;
    return links && { placed, links, lock: typeof lock === "string" ? lock : undefined };
  } catch {
    return undefined;
  }
}

function parseLinks(value: unknown): Links | undefined {
  if (!isMap(value)) return undefined;
  const links: Links = new Map();
  for (const [name, item] of Object.entries(value)) {
    const bin = isMap(item) ? parseBins(item["bin"]) : undefined;
    if (!isMap(item) || !bin) return undefined;
    const { folder } = item;
    if (typeof folder !== "string" || problemOfPath(folder) !== undefined) return undefined;
    links.set(parsePackageName(name), { folder, bin });
  }
  return links;
}
