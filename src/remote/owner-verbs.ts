import {
  type Dependent,
  DependentPage,
  type DeprecationBody,
  Downloads,
  Owner,
  type TagBody,
  TagEntry,
} from "#registry/model.ts";

import type { Exchange } from "./exchange.ts";
import { readAll } from "./pages.ts";

/** What owners do with a package besides publishing, and what everybody may read of it. */
export type OwnerVerbs = {
  /** Warns whoever picks a version in `range`; the empty message takes the warning back. */
  deprecate: (name: string, body: DeprecationBody) => Promise<void>;
  listOwners: (name: string) => Promise<Owner[]>;
  addOwner: (name: string, user: string) => Promise<void>;
  removeOwner: (name: string, user: string) => Promise<void>;
  /** `latest` first. */
  listTags: (name: string) => Promise<TagEntry[]>;
  /** Points a dist-tag at a version. */
  setTag: (name: string, tag: string, version: string) => Promise<void>;
  removeTag: (name: string, tag: string) => Promise<void>;
  /** Downloads per UTC day, oldest first; `days` from 1 to 365. */
  readDownloads: (name: string, days: number) => Promise<Downloads>;
  /** The first packages whose latest version requires this one; `limit` from 1 to 100. */
  listDependents: (name: string, limit: number) => Promise<Dependent[]>;
};

/** The verbs of a package's owners at one registry. */
export function ownerVerbs(exchange: Exchange): OwnerVerbs {
  const { ask, tell } = exchange;
  return {
    deprecate: (name, json) => tell({ method: "PUT", path: `${pathOf(name)}/deprecation`, json }),
    listOwners: (name) => readAll(exchange, Owner, `${pathOf(name)}/owners`),
    addOwner: (name, user) => tell({ method: "PUT", path: pathOf(name, "owners", user) }),
    removeOwner: (name, user) => tell({ method: "DELETE", path: pathOf(name, "owners", user) }),
    listTags: (name) => readAll(exchange, TagEntry, `${pathOf(name)}/tags`),
    setTag: (name, tag, version) => {
      const json: TagBody = { version };
      return tell({ method: "PUT", path: pathOf(name, "tags", tag), json });
    },
    removeTag: (name, tag) => tell({ method: "DELETE", path: pathOf(name, "tags", tag) }),
    readDownloads: (name, days) =>
      ask(Downloads, {
        method: "GET",
        path: `${pathOf(name)}/downloads`,
        query: { days: String(days) },
      }),
    listDependents: async (name, limit) => {
      const path = `${pathOf(name)}/dependents`;
      return (await ask(DependentPage, { method: "GET", path, query: { limit: String(limit) } }))
        .items;
    },
  };
}

function pathOf(name: string, ...rest: string[]): string {
  return ["/packages", ...[name, ...rest].map(encodeURIComponent)].join("/");
}
