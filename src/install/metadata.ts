import type { IndexEntry } from "#remote/index-lines.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import { createIndexes, type Told } from "./indexes.ts";
import type { Lock } from "./lockfile.ts";
import type { Asked } from "./memo-file.ts";
import type { InstallOptions } from "./options.ts";
import type { Shares } from "./parallel.ts";
import { isTrusted, requireTrusted } from "./trusted.ts";

/** What the registries tell of packages, asked once per name. */
export type Metadata = {
  /** Which registry a package comes from: the one in the lock, else the default. */
  registryOf: (name: string) => RegistryUrl;
  /** All versions; undefined where there is no such package. @throws registry_untrusted, network */
  versionsOf: (name: string) => Promise<readonly IndexEntry[] | undefined>;
  /** Packed bytes of a version, where its package was asked for anyway. Asks nothing. */
  knownSize: (wanted: { name: string; version: string }) => number | undefined;
  /** Asks at once for what these requirements, and what they need in turn, will most likely ask for, of the default registry. Nothing is thrown. */
  expect: (requirements: Readonly<Record<string, string>>) => void;
  /**
   * Whether the registries still tell the same of all these, asked by one question each; undefined where one does not, or does not
   * take the question or is none of the user's. Nothing is read of what is kept here. @throws network
   */
  confirm: (asked: Asked) => Promise<Told | undefined>;
  /** What was told so far; undefined where it cannot be asked for again, since something came without an ETag. */
  told: () => Told | undefined;
};

/** Makes the view of the registries for one install. Answers are kept in `$LAND_HOME/cache/index` and asked for by ETag. */
export function createMetadata(options: InstallOptions, lock: Lock | undefined): Metadata {
  const locked = new Map<string, RegistryUrl>(
    lock?.packages.map(({ name, registry }) => [name, registry]),
  );
  const asked = new Map<string, Promise<readonly IndexEntry[] | undefined>>();
  const known = new Map<string, readonly IndexEntry[]>();
  const registryOf = (name: string): RegistryUrl => locked.get(name) ?? options.registry;
  const indexes = createIndexes(options);
  return {
    registryOf,
    versionsOf(name) {
      const running = asked.get(name);
      if (running) return running;
      const answer = (async () => {
        const registry = registryOf(name);
        if (!options.offline) requireTrusted(options, registry, name);
        const entries = await indexes.read(registry, name);
        if (entries) known.set(name, entries);
        return entries;
      })();
      asked.set(name, answer);
      return answer;
    },
    knownSize: ({ name, version }) =>
      known.get(name)?.find((entry) => entry.version === version)?.sizeBytes,
    expect(requirements) {
      const ours = Object.entries(requirements).filter(
        ([name]) => registryOf(name) === options.registry,
      );
      indexes.expect(options.registry, Object.fromEntries(ours));
    },
    async confirm(before) {
      if (![...before.keys()].every((registry) => isTrusted(options, registry))) return undefined;
      const same = await Promise.all(
        [...before].map(([registry, names]) => indexes.confirm(registry, names)),
      );
      return same.every(Boolean) ? indexes.told() : undefined;
    },
    told: indexes.told,
  };
}

/** Archives below this size count as small, in bytes. */
const SMALL_BYTES = 1_000_000;

/**
 * How archives share the downloads at a time: each registry as much as another, and four small ones like a large one, since these
 * take a round trip and hardly more. One of unknown size is most likely small.
 */
export function downloadShares(
  metadata: Pick<Metadata, "knownSize">,
): Shares<{ name: string; version: string; registry: string }> {
  return {
    groupOf: ({ registry }) => registry,
    weightOf: (wanted) => ((metadata.knownSize(wanted) ?? 0) < SMALL_BYTES ? 0.25 : 1),
  };
}
