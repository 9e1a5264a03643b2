import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";

import type { Spawner } from "../sandbox/spawn.ts";
import type { Binding, ProgramRef, Tenant } from "../tenant.ts";

/** A line for the log of a site, as the owner reads it. */
export type ProgramLine = {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  requestId?: string;
  data?: Readonly<Record<string, unknown>>;
};

/** What the process of a site may take, in bytes. */
export type ProcessQuotas = { memoryBytes: number; diskBytes: number };

/** What the supervisor is made of. */
export type SupervisorParts = {
  config: ServerConfig;
  log: Log;
  now: () => Date;
  /** Milliseconds of a clock that never goes back. By default `performance.now`. */
  nowMs?: () => number;
  random: (bytes: number) => Uint8Array;
  /** Holds one folder per site, named by its id, for its database. */
  dir: string;
  bindings: readonly Binding[];
  spawner: Spawner;
  codeOf: (ref: ProgramRef) => Promise<ProgramCode>;
  envOf: (siteId: number) => Promise<Record<string, string>>;
  quotasOf: (siteId: number) => Promise<ProcessQuotas>;
  noteLog: (tenant: Tenant, line: ProgramLine) => void;
};

/** A program and its source map. */
export type ProgramCode = { code: Uint8Array; map: Uint8Array | undefined };
