import { setImmediate } from "node:timers/promises";

import { fail } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";
import type { IndexAnswer, IndexEntry } from "#remote/index-lines.ts";
import type { IndexesWanted } from "#remote/index-many.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import {
  type CachedIndex,
  keepCachedIndex,
  readCachedIndex,
  writeCachedIndex,
} from "./index-cache.ts";
import { walkExpected } from "./indexes-expected.ts";
import type { Asked } from "./memo-file.ts";
import type { InstallOptions } from "./options.ts";

/** The indexes of packages: many in one answer where the registry can, else one by one. */
export type Indexes = {
  /** All versions; undefined where there is no such package. Ask once per name. @throws network */
  read: (registry: RegistryUrl, name: string) => Promise<readonly IndexEntry[] | undefined>;
  /** Asks at once for what these requirements, and what they need in turn, will most likely ask for. Nothing is thrown. */
  expect: (registry: RegistryUrl, requirements: Readonly<Record<string, string>>) => void;
  /**
   * Asks by one question whether these ETags still stand, null: whether there still is no such package. Where not, what came of it
   * is as if it had been expected. @throws network
   */
  confirm: (registry: RegistryUrl, known: ReadonlyMap<string, string | null>) => Promise<boolean>;
  /** What was told so far; undefined where something came without an ETag. */
  told: () => Told | undefined;
};

/** What registries told, and for how long they let it be believed. */
export type Told = { asked: Asked; toldAt: number; maxAgeSeconds: number };

/** Indexes that are asked for singly at a time, for each archive. Behind a round trip of 50 ms 64 take a third of the time of 16. */
const INDEXES_PER_DOWNLOAD = 8;
/** Most packages that one question names. */
const AT_ONCE = 4000;
/** Longer ones cannot be asked for many at once. */
const MAX_ETAG = 100;

/** What is known of a registry during one install. */
type Source = {
  registry: RegistryUrl;
  /** Whether it takes questions for many. */
  manyAtOnce: boolean;
  /** The question for many that is under way. */
  asking: Promise<void> | undefined;
  /** What came of such questions and was not read yet. */
  told: Map<string, IndexAnswer>;
  /** Those who wait for a name. */
  waiting: Map<string, () => void>;
  /** What was told of each package: its ETag, none where it came without, null where there is no such package. */
  seen: Map<string, string | null | undefined>;
  /** Seconds for which the registry lets be believed what it told. */
  maxAgeSeconds: number;
  /** Names for the next question, and when it is put. */
  next: Set<string>;
  soon: Promise<void> | undefined;
};

/** The reader of one registry's cached indexes: each file is read once. */
export type CacheReader = (name: string) => CachedIndex | undefined;

/** Makes them for one install. Answers are kept in `$LAND_HOME/cache/index` and asked for by ETag. */
export function createIndexes(options: InstallOptions): Indexes {
  const sources = new Map<RegistryUrl, Source & { cached: CacheReader }>();
  const toldAt = options.now().getTime();
  // An index is small, so that many at a time cost nothing but time on the way; a slow registry holds up no other one.
  const inTurn = createTurns(options.concurrency * INDEXES_PER_DOWNLOAD);
  const sourceOf = (registry: RegistryUrl) => {
    const source = sources.get(registry) ?? newSource(options, registry);
    sources.set(registry, source);
    return source;
  };
  return {
    async read(registry, name) {
      const source = sourceOf(registry);
      const { cached } = source;
      if (options.offline) return (cached(name) ?? noneHere(registry, name)).entries;
      const answer =
        (await toldOf(options, source, name)) ??
        (await inTurn(registry, async () => {
          source.maxAgeSeconds = 0;
          return (await options.remoteFor(registry)).readIndex(name, cached(name)?.etag);
        }));
      const place = { landHome: options.landHome, registry, name };
      source.seen.set(
        name,
        etagOf(answer, () => cached(name)?.etag),
      );
      if (answer.kind === "absent") return undefined;
      if (answer.kind === "unchanged") {
        keepCachedIndex(place, options.now());
        return cached(name)?.entries;
      }
      if (answer.etag !== undefined) writeCachedIndex(place, answer.etag, answer.text);
      return answer.entries;
    },
    expect(registry, requirements) {
      const source = sourceOf(registry);
      // What was told when it was to be confirmed is most of it.
      if (options.offline || source.asking || source.told.size > 0) return;
      ask(options, source, walkExpected(requirements, source.cached))?.catch(() => undefined);
    },
    confirm: async (registry, known) => confirm(options, sourceOf(registry), known),
    told() {
      const used = [...sources.values()].filter(({ seen }) => seen.size > 0);
      const asked = new Map<RegistryUrl, Map<string, string | null>>();
      for (const { registry, seen } of used) {
        const names = new Map<string, string | null>();
        for (const [name, etag] of seen) {
          if (etag === undefined || (etag?.length ?? 0) > MAX_ETAG) return undefined;
          names.set(name, etag);
        }
        asked.set(registry, names);
      }
      const ages = used.map(({ maxAgeSeconds }) => maxAgeSeconds);
      return { asked, toldAt, maxAgeSeconds: Math.min(...ages, Number.MAX_SAFE_INTEGER) };
    },
  };
}

function newSource(
  { landHome }: InstallOptions,
  registry: RegistryUrl,
): Source & { cached: CacheReader } {
  const read = new Map<string, CachedIndex | undefined>();
  return {
    registry,
    manyAtOnce: true,
    asking: undefined,
    told: new Map(),
    waiting: new Map(),
    seen: new Map(),
    maxAgeSeconds: Number.MAX_SAFE_INTEGER,
    next: new Set(),
    soon: undefined,
    cached(name) {
      if (!read.has(name))
        read.set(name, readCachedIndex({ landHome, registry, name }, urlOf(registry, name)));
      return read.get(name);
    },
  };
}

function urlOf(registry: RegistryUrl, name: string): string {
  return `${registry}/api/v1/index/${encodeURIComponent(name)}`;
}

function noneHere(registry: RegistryUrl, name: string): never {
  throw fail("network", {
    url: urlOf(registry, name),
    problem: "--offline was given, and the versions are not known here",
  });
}

function etagOf(answer: IndexAnswer, before: () => string | undefined): string | null | undefined {
  if (answer.kind === "absent") return null;
  return answer.kind === "fresh" ? answer.etag : before();
}

async function confirm(
  options: InstallOptions,
  source: Source & { cached: CacheReader },
  known: ReadonlyMap<string, string | null>,
): Promise<boolean> {
  if (options.offline || known.size > AT_ONCE) return false;
  const wanted = new Map([...known].map(([name, etag]) => [name, etag === null ? {} : { etag }]));
  await ask(options, source, wanted, false);
  const { told, seen } = source;
  const stands = ([name, etag]: [string, string | null]): boolean =>
    told.get(name)?.kind === (etag === null ? "absent" : "unchanged");
  if ([...known].every(stands)) {
    for (const [name, etag] of known) seen.set(name, etag);
    return true;
  }
  // What is kept here may be of another moment than what was asked about.
  for (const [name, etag] of known)
    if (told.get(name)?.kind === "unchanged" && source.cached(name)?.etag !== etag)
      told.delete(name);
  return false;
}

/** What a question for many told of a package; undefined where none did, so that it is to be asked for singly. */
async function toldOf(
  options: InstallOptions,
  source: Source & { cached: CacheReader },
  name: string,
): Promise<IndexAnswer | undefined> {
  await untilTold(source, name);
  if (!source.told.has(name) && source.manyAtOnce) {
    source.next.add(name);
    source.soon ??= askSoon(options, source);
    await source.soon;
    await untilTold(source, name);
  }
  const answer = source.told.get(name);
  source.told.delete(name);
  return answer;
}

/** All that the solver finds out to need at the same time goes into one question. */
async function askSoon(
  options: InstallOptions,
  source: Source & { cached: CacheReader },
): Promise<void> {
  await setImmediate();
  source.soon = undefined;
  const ranges = Object.fromEntries([...source.next].map((name) => [name, "*"]));
  source.next.clear();
  if (!source.asking) void ask(options, source, walkExpected(ranges, source.cached));
}

/** Waits until a package was told of, or no question is under way. Fails as the question did. */
async function untilTold({ asking, told, waiting }: Source, name: string): Promise<void> {
  if (!asking || told.has(name)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.set(name, resolve);
  await Promise.race([promise, asking]);
}

/** Puts a question for many; undefined for one alone, which caches on the way may answer. */
function ask(
  { remoteFor }: InstallOptions,
  source: Source,
  wanted: IndexesWanted,
  follow = true,
): Promise<void> | undefined {
  if (!source.manyAtOnce || (follow && wanted.size < 2)) return undefined;
  const first = new Map([...wanted].slice(0, AT_ONCE));
  const asking = (async () => {
    try {
      const remote = await remoteFor(source.registry);
      const { taken, maxAgeSeconds } = await remote.readIndexes(first, follow, (name, answer) => {
        source.told.set(name, answer);
        source.waiting.get(name)?.();
      });
      source.manyAtOnce = taken;
      source.maxAgeSeconds = Math.min(source.maxAgeSeconds, maxAgeSeconds);
    } finally {
      source.asking = undefined;
      source.waiting.clear();
    }
  })();
  // Who waits for it is told, and nobody may.
  asking.catch(() => undefined);
  source.asking = asking;
  return asking;
}
