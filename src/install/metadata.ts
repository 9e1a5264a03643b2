import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";
import { isMap } from "#pack/json.ts";
import { type IndexEntry, parseIndex } from "#remote/index-lines.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import type { Lock } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";

/** What the registries tell of packages, asked once per name. */
export type Metadata = {
  /** Which registry a package comes from: the one in the lock, else the default. */
  registryOf: (name: string) => RegistryUrl;
  /** All versions; undefined where there is no such package. @throws registry_untrusted, network */
  versionsOf: (name: string) => Promise<readonly IndexEntry[] | undefined>;
  /** Packed bytes of a version, where its package was asked for anyway. Asks nothing. */
  knownSize: (wanted: { name: string; version: string }) => number | undefined;
};

type Cached = { etag: string; entries: IndexEntry[] };

/** Makes the view of the registries for one install. Answers are kept in `$LAND_HOME/cache/index` and asked for by ETag. */
export function createMetadata(options: InstallOptions, lock: Lock | undefined): Metadata {
  const locked = new Map<string, RegistryUrl>(
    lock?.packages.map(({ name, registry }) => [name, registry]),
  );
  const asked = new Map<string, Promise<readonly IndexEntry[] | undefined>>();
  const known = new Map<string, readonly IndexEntry[]>();
  const inTurn = createTurns(options.concurrency * 2);
  const registryOf = (name: string): RegistryUrl => locked.get(name) ?? options.registry;
  return {
    registryOf,
    versionsOf(name) {
      const running = asked.get(name);
      if (running) return running;
      const answer = inTurn("", async () => {
        const entries = await readVersions(options, registryOf(name), name);
        if (entries) known.set(name, entries);
        return entries;
      });
      asked.set(name, answer);
      return answer;
    },
    knownSize: ({ name, version }) =>
      known.get(name)?.find((entry) => entry.version === version)?.sizeBytes,
  };
}

/** A lock may come from anyone: nothing is asked of an address that only a lock names. @throws registry_untrusted */
export function requireTrusted(
  { registry: own, configured }: Pick<InstallOptions, "registry" | "configured">,
  registry: RegistryUrl,
  name: string,
): void {
  if (registry !== own && !configured.includes(registry))
    throw fail("registry_untrusted", { registry, name });
}

async function readVersions(
  options: InstallOptions,
  registry: RegistryUrl,
  name: string,
): Promise<readonly IndexEntry[] | undefined> {
  const url = `${registry}/api/v1/index/${encodeURIComponent(name)}`;
  const path = join(
    options.landHome,
    "cache",
    "index",
    encodeURIComponent(registry),
    encodeURIComponent(name),
  );
  const cached = await readCache(path, name, url);
  if (options.offline) {
    if (cached) return cached.entries;
    throw fail("network", {
      url,
      problem: "--offline was given, and the versions are not known here",
    });
  }
  requireTrusted(options, registry, name);
  const remote = await options.remoteFor(registry);
  const answer = await remote.readIndex(name, cached?.etag);
  if (answer.kind === "absent") return undefined;
  if (answer.kind === "unchanged") return cached?.entries;
  if (answer.etag !== undefined)
    await writeFileAtomic(path, `${JSON.stringify({ etag: answer.etag })}\n${answer.text}`);
  return answer.entries;
}

/** An index kept from before; undefined where there is none or it is not readable, which only costs asking again. */
async function readCache(path: string, name: string, url: string): Promise<Cached | undefined> {
  const text = await readTextIfAny(path);
  if (text === undefined) return undefined;
  const end = text.indexOf("\n");
  try {
    const head: unknown = JSON.parse(text.slice(0, end));
    if (!isMap(head) || typeof head["etag"] !== "string") return undefined;
    return { etag: head["etag"], entries: parseIndex(name, text.slice(end + 1), url) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof LandError) return undefined;
    throw error;
  }
}
