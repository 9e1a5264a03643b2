import type { Crons } from "./crons/scheduler.ts";
import type { Kv } from "./kv/kv.ts";
import type { ProcessInfo } from "./model.ts";
import type { Quotas } from "./status/quotas.ts";

/** What runs functions, as routes and pages see it. */
export type Runtime = {
  /** Why this server runs no programs, or undefined where it does. */
  problem: () => string | undefined;
  /** Whether the kernel confines them. */
  sandboxed: boolean;
  kv: Kv;
  crons: Pick<Crons, "runNow">;
  quotasOf: (siteId: number) => Promise<Quotas>;
  /** Starts the live program of a site where it does not run. Whether that came to something, `programProblem` tells. */
  startProgram: (siteId: number) => Promise<void>;
  /** Why the last start of the live program came to nothing, in one line; undefined: it did not, or none is known of. */
  programProblem: (siteId: number) => Promise<string | undefined>;
  processesOf: (siteId: number) => ProcessInfo[];
  /** Null: it cannot be measured. */
  databaseBytes: (siteId: number) => Promise<number | null>;
  /** Removes it for good. */
  removeDatabase: (siteId: number) => Promise<void>;
  socketCount: (siteId: number) => number;
};
