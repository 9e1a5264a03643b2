import { LandError } from "#base/errors.ts";

import { type Lock, parseLock } from "./lockfile.ts";
import type { Held } from "./marker.ts";
import type { InstallOptions } from "./options.ts";
import { isTrusted } from "./trusted.ts";

/**
 * The lock that a tree was laid by, to stand in for a land.lock that is missing; undefined where the tree keeps none that can be
 * read. A checkout may bring a tree along, so a package of it counts only where the tree holds just that version and bytes, and
 * where it comes from a registry of the user: what is left may not fit the manifests, and then tells only which versions to prefer.
 */
export function lockOfTree(
  { placed, lock: text }: Held,
  options: Pick<InstallOptions, "registry" | "configured">,
): Lock | undefined {
  const lock = text === undefined ? undefined : parseIfAny(text);
  if (!lock) return undefined;
  const packages = lock.packages.filter(({ name, version, digest, registry }) => {
    const held = placed.get(name);
    const isHeld = held?.version === version && held.digest === digest;
    return isHeld && isTrusted(options, registry);
  });
  return { ...lock, packages };
}

function parseIfAny(text: string): Lock | undefined {
  try {
    return parseLock(text);
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}
