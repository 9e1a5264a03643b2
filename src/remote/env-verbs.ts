import { EnvEntry, type EnvKind, EnvList } from "#runtime/model.ts";

import type { Exchange } from "./exchange.ts";

/** What a registry does for the variables and secrets of sites. */
export type EnvVerbs = {
  /** Secrets come without their values. */
  listEnv: (site: string) => Promise<EnvEntry[]>;
  setEnv: (site: string, key: string, value: string, kind: EnvKind) => Promise<EnvEntry>;
  /** Sets several, all or none. */
  importEnv: (
    site: string,
    values: Readonly<Record<string, string>>,
    kind: EnvKind,
  ) => Promise<EnvEntry[]>;
  unsetEnv: (site: string, key: string) => Promise<void>;
};

/** The verbs of variables and secrets over one exchange. */
export function envVerbs({ ask, tell }: Exchange): EnvVerbs {
  return {
    listEnv: async (site) => (await ask(EnvList, { method: "GET", path: pathOf(site) })).items,
    setEnv: (site, key, value, kind) =>
      ask(EnvEntry, { method: "PUT", path: keyPath(site, key), json: { value, kind } }),
    importEnv: async (site, values, kind) => {
      const json = { values, kind };
      // Twice is the same as once.
      const repeatable = true;
      return (await ask(EnvList, { method: "POST", path: pathOf(site), json, repeatable })).items;
    },
    unsetEnv: (site, key) => tell({ method: "DELETE", path: keyPath(site, key) }),
  };
}

function pathOf(site: string): string {
  return `/sites/${encodeURIComponent(site)}/env`;
}

function keyPath(site: string, key: string): string {
  return `${pathOf(site)}/${encodeURIComponent(key)}`;
}
