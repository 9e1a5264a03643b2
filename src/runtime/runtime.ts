import type { DeployId } from "#base/names.ts";

import type { Kv } from "./kv/kv.ts";
import type { ProcessInfo } from "./model.ts";
import type { Quotas } from "./status/quotas.ts";

/** What runs functions, as routes and pages see it. */
export type Runtime = {
  /** Why this server runs no programs, or undefined where it does. */
  problem: () => string | undefined;
  sandboxed: boolean;
  kv: Kv;
  quotasOf: (siteId: number) => Promise<Quotas>;
  processesOf: (siteId: number) => ProcessInfo[];
  databaseBytes: (siteId: number) => Promise<number>;
  socketCount: (siteId: number) => number;
  /** Runs a schedule of the live deploy now; comes back when it is done. */
  runCron: (siteId: number, cron: string, timeZone: string) => Promise<void>;
  /** Deploys of the site whose programs may go on. */
  keep: (siteId: number, deploys: readonly DeployId[]) => void;
};
