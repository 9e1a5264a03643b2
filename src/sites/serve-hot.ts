import type { Visit } from "#traffic/visit.ts";

import type { Body } from "./cache-bodies.ts";
import type { Kept } from "./cache.ts";
import type { Bodies } from "./serve-bodies.ts";

/** An answer that is ready. Making a Response of its parts costs no more than copying one. */
export type Prepared = {
  /** Status and headers of the whole body. */
  readonly whole: Ready;
  /** 304 for who has it already. */
  readonly notModified: () => Ready;
  readonly tag: string;
  readonly body: Kept<Body>;
  readonly visit: Pick<Visit, "siteId" | "path" | "bytes" | "isPage" | "host">;
  /** Answers per visitor and minute; 0: no limit. */
  readonly perMinute: number;
};

/** Status and headers; they are not changed. */
export type Ready = { readonly status: number; readonly headers: Headers };

/** Where an answer was given: who asks there again in the same words gets the same. */
export type Place = {
  site: string;
  /** The Host header as it was sent, once it was found to be well formed. */
  host: string;
  /** What else decides, as a small number: the codings taken, and whether it came by https. */
  kind: number;
  url: string;
};

/** Answers that are ready, by where they were given. Their bytes are bounded by the memory of bodies. */
export type Hot = {
  find: (host: string, kind: number, url: string) => Prepared | undefined;
  put: (place: Place, prepared: Prepared) => void;
  forget: (site: string) => void;
};

/** What a ready answer takes besides its body, about. */
const PREPARED_BYTES = 6000;

type Table = Map<string, Prepared>;
type Host = { site: string; tables: (Table | undefined)[]; size: number; undo: Set<() => void> };

/** Makes an empty table of answers. */
export function createHot(bodies: Bodies): Hot {
  const hosts = new Map<string, Host>();
  const hostsOf = new Map<string, Set<string>>();

  function hostOf({ site, host }: Place): Host {
    const before = hosts.get(host);
    if (before?.site === site) return before;
    const made: Host = { site, tables: [], size: 0, undo: new Set() };
    if (before) removeHost(host, before);
    hosts.set(host, made);
    hostsOf.set(site, (hostsOf.get(site) ?? new Set()).add(host));
    return made;
  }
  function removeHost(name: string, host: Host): void {
    if (hosts.get(name) === host) hosts.delete(name);
    const names = hostsOf.get(host.site);
    names?.delete(name);
    if (names?.size === 0) hostsOf.delete(host.site);
    for (const undo of host.undo) undo();
  }

  return {
    find: (host, kind, url) => hosts.get(host)?.tables[kind]?.get(url),
    put(place, prepared) {
      const { kind, url } = place;
      const { body } = prepared;
      if (body.gone) return;
      const host = hostOf(place);
      const table = (host.tables[kind] ??= new Map());
      if (table.has(url)) return;
      table.set(url, prepared);
      host.size += 1;
      const undo = (): void => {
        table.delete(url);
        host.undo.delete(undo);
        body.value.onGone.delete(undo);
        bodies.charge(body, -PREPARED_BYTES);
        host.size -= 1;
        if (host.size === 0) removeHost(place.host, host);
      };
      host.undo.add(undo);
      body.value.onGone.add(undo);
      bodies.charge(body, PREPARED_BYTES);
    },
    forget(site) {
      for (const name of hostsOf.get(site) ?? []) {
        const host = hosts.get(name);
        if (host) removeHost(name, host);
      }
    },
  };
}
