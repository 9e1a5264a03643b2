import type { Visit } from "#traffic/visit.ts";

import type { Body } from "./cache-bodies.ts";
import { createCache, type Kept } from "./cache.ts";

/** An answer that is ready. Making a Response of its parts costs no more than copying one. */
export type Prepared = {
  /** Of the whole body. They are not changed. */
  readonly headers: Headers;
  readonly tag: string;
  readonly body: Kept<Body>;
  readonly visit: Pick<Visit, "siteId" | "path" | "bytes" | "isPage" | "host">;
  /** Answers per visitor and minute; 0: no limit. */
  readonly perMinute: number;
};

/** Where an answer was given: who asks there again in the same words gets the same. */
export type Place = {
  site: string;
  /** The Host header as it was sent, once it was found to be well formed. */
  host: string;
  /** What else decides, as a small number: the codings taken, and whether it came by https. */
  kind: number;
  url: string;
};

/** Answers that are ready, by where they were given. */
export type Hot = {
  /** Undefined also where its site changed or its bytes left the memory. */
  find: (host: string, kind: number, url: string) => Prepared | undefined;
  /** Whether an answer is worth keeping: the second of the same is, so that what is asked for once takes no room. */
  isWanted: (place: Place) => boolean;
  put: (place: Place, prepared: Prepared) => void;
  forget: (site: string) => void;
};

/** What a ready answer takes besides its body, about. */
const PREPARED_BYTES = 2500;
/** Places that were asked for lately; more share an entry. */
const MAX_SEEN = 4096;

/** Answers of a site between two changes of it: one word makes all of them old. */
type Era = { isOver: boolean; answers: number };
type Entry = Place & { prepared: Prepared; era: Era };

/** Makes an empty table of answers of at most `maxBytes`. */
export function createHot(maxBytes: number): Hot {
  const eras = new Map<string, Era>();
  const seen = new Uint32Array(MAX_SEEN);
  /** By kind and url, as they are looked up: to put a key together for each request takes longer than that. */
  const byKind: Map<string, Kept<Entry>>[] = [];
  const entries = createCache<Entry>(maxBytes, ({ value: { site, kind, url, era } }) => {
    byKind[kind]?.delete(url);
    era.answers -= 1;
    if (era.answers === 0 && eras.get(site) === era) eras.delete(site);
  });
  function eraOf(site: string): Era {
    const before = eras.get(site);
    if (before) return before;
    const made: Era = { isOver: false, answers: 0 };
    eras.set(site, made);
    return made;
  }

  return {
    find(host, kind, url) {
      const kept = byKind[kind]?.get(url);
      if (kept === undefined || kept.value.host !== host) return undefined;
      const { prepared, era } = kept.value;
      if (era.isOver || prepared.body.gone) {
        entries.delete(kept.key);
        return undefined;
      }
      kept.used = true;
      prepared.body.used = true;
      return prepared;
    },
    isWanted({ kind, url }) {
      const hash = Bun.hash.xxHash32(url, kind);
      const at = hash % MAX_SEEN;
      const isSecond = seen[at] === hash;
      seen[at] = hash;
      return isSecond;
    },
    put(place, prepared) {
      if (prepared.body.gone) return;
      const { site, kind, url } = place;
      const era = eraOf(site);
      era.answers += 1;
      const weight = PREPARED_BYTES + 4 * url.length;
      const kept = entries.put(`${kind} ${url}`, { ...place, prepared, era }, weight);
      (byKind[kind] ??= new Map()).set(url, kept);
    },
    forget(site) {
      const era = eras.get(site);
      if (era) era.isOver = true;
      eras.delete(site);
    },
  };
}
