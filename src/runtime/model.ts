import { type Static, type TSchema, Type } from "@sinclair/typebox";

import { pageOf } from "#http/page.ts";

/** Shapes of the API of functions. The only file of this feature that the client may see. */

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

/** A variable can be read again by who may set it; a secret never. */
export const EnvKind = Type.Union([Type.Literal("variable"), Type.Literal("secret")]);
export type EnvKind = Static<typeof EnvKind>;

/** A variable or secret of a site. */
export const EnvEntry = Type.Object({
  key: Type.String(),
  kind: EnvKind,
  /** Null for a secret. */
  value: nullable(Type.String()),
  updatedAt: Time,
  updatedBy: nullable(Type.String()),
});
export type EnvEntry = Static<typeof EnvEntry>;
/** All of a site, by key. */
export const EnvList = Type.Object({ items: Type.Array(EnvEntry) });
export type EnvList = Static<typeof EnvList>;
/** What to set; a secret unless `kind` says otherwise. */
export const EnvBody = Type.Object({
  value: Type.String({ maxLength: 64 * 1024 }),
  kind: Type.Optional(EnvKind),
});
export type EnvBody = Static<typeof EnvBody>;
/** Several at once, all or none. Those not named stay. */
export const EnvImport = Type.Object({
  values: Type.Record(Type.String(), Type.String({ maxLength: 64 * 1024 })),
  kind: Type.Optional(EnvKind),
});
export type EnvImport = Static<typeof EnvImport>;

/** A key of a site's key-value store. */
export const KvKeyInfo = Type.Object({
  key: Type.String(),
  sizeBytes: Type.Integer(),
  expiresAt: nullable(Time),
  metadata: Type.Unknown(),
  versionstamp: Type.String(),
});
export type KvKeyInfo = Static<typeof KvKeyInfo>;
/** A key with its value. */
export const KvValue = Type.Object({
  key: Type.String(),
  value: Type.String(),
  /** `base64` where the value is not UTF-8. */
  encoding: Type.Union([Type.Literal("text"), Type.Literal("base64")]),
  expiresAt: nullable(Time),
  metadata: Type.Unknown(),
  versionstamp: Type.String(),
});
export type KvValue = Static<typeof KvValue>;
/** A page of keys, in the order of their bytes, and what all keys take. */
export const KvPage = Type.Object({
  items: Type.Array(KvKeyInfo),
  next: nullable(Type.String()),
  usedBytes: Type.Integer(),
  quotaBytes: Type.Integer(),
});
export type KvPage = Static<typeof KvPage>;

/** What a schedule run came to; lost: the server ended under it. */
export const RunOutcome = Type.Union([
  Type.Literal("running"),
  Type.Literal("done"),
  Type.Literal("failed"),
  Type.Literal("lost"),
]);
export type RunOutcome = Static<typeof RunOutcome>;
/** One run of a schedule. */
export const CronRun = Type.Object({
  id: Type.Integer(),
  /** What lines of the log carry that it wrote. */
  requestId: Type.String(),
  deploy: Type.String(),
  cron: Type.String(),
  timeZone: Type.String(),
  dueAt: Time,
  attempt: Type.Integer(),
  startedAt: Time,
  endedAt: nullable(Time),
  outcome: RunOutcome,
  problem: nullable(Type.String()),
  retryAt: nullable(Time),
});
export type CronRun = Static<typeof CronRun>;
/** A schedule of the live deploy; `nextAt` null: it is not live. */
export const CronInfo = Type.Object({
  cron: Type.String(),
  timeZone: Type.String(),
  nextAt: nullable(Time),
  last: nullable(CronRun),
});
export type CronInfo = Static<typeof CronInfo>;
/** All schedules of a site. */
export const CronList = Type.Object({ items: Type.Array(CronInfo) });
export type CronList = Static<typeof CronList>;
/** A page of runs, newest first. */
export const CronRunPage = pageOf(CronRun);
export type CronRunPage = Static<typeof CronRunPage>;

/** Which schedule to run now. The time zone may be left out where only one has it. */
export const CronBody = Type.Object({
  cron: Type.String({ maxLength: 100 }),
  timeZone: Type.Optional(Type.String({ maxLength: 64 })),
});
export type CronBody = Static<typeof CronBody>;

/** One host that a site talked to. */
export const EgressHost = Type.Object({
  host: Type.String(),
  requests: Type.Integer(),
  refused: Type.Integer(),
  bytesOut: Type.Integer(),
  bytesIn: Type.Integer(),
  lastAt: Time,
  problem: nullable(Type.String()),
});
export type EgressHost = Static<typeof EgressHost>;
/** The ledger of some days, the busiest first. `allow` null: every public host may be asked. */
export const EgressLedger = Type.Object({
  days: Type.Integer(),
  allow: nullable(Type.Array(Type.String())),
  hosts: Type.Array(EgressHost),
});
export type EgressLedger = Static<typeof EgressLedger>;
/** Which hosts a site may ask: `api.example.com`, `*.example.com`, with a port if need be; null: every public one. */
export const EgressBody = Type.Object({
  allow: nullable(Type.Array(Type.String({ maxLength: 300 }), { maxItems: 200 })),
});
export type EgressBody = Static<typeof EgressBody>;

/** A process that runs a deploy of a site. */
export const ProcessInfo = Type.Object({
  deploy: Type.String(),
  pid: Type.Integer(),
  state: Type.Union([
    Type.Literal("starting"),
    Type.Literal("ready"),
    Type.Literal("draining"),
    Type.Literal("stopping"),
  ]),
  startedAt: Time,
  requests: Type.Integer(),
  open: Type.Integer(),
  memoryBytes: Type.Integer(),
  cpuMs: Type.Integer(),
});
export type ProcessInfo = Static<typeof ProcessInfo>;
/** How the functions of a site are. */
export const FunctionsInfo = Type.Object({
  /** Whether this server runs programs; else why not. */
  available: Type.Boolean(),
  problem: nullable(Type.String()),
  /** Why the last start of the live program came to nothing, in one line; null: it did not, or this server has not tried. */
  programProblem: nullable(Type.String()),
  sandboxed: Type.Boolean(),
  processes: Type.Array(ProcessInfo),
  sockets: Type.Integer(),
  kvBytes: Type.Integer(),
  /** Null: a program nested or closed its folders so that they cannot be measured. */
  databaseBytes: nullable(Type.Integer()),
  limits: Type.Object({
    memoryBytes: Type.Integer(),
    cpuMs: Type.Integer(),
    scriptCpuMs: Type.Integer(),
    cpuSecondsPerMinute: Type.Integer(),
    wallSeconds: Type.Integer(),
    concurrency: Type.Integer(),
    kvBytes: Type.Integer(),
    diskBytes: Type.Integer(),
    subrequests: Type.Integer(),
    sockets: Type.Integer(),
  }),
});
export type FunctionsInfo = Static<typeof FunctionsInfo>;
/** Quotas of one site; only admins set them; null: what the server allows. */
export const FunctionsChanges = Type.Object({
  kvBytes: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
  diskBytes: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
  memoryBytes: Type.Optional(nullable(Type.Integer({ minimum: 64 * 1024 * 1024 }))),
});
export type FunctionsChanges = Static<typeof FunctionsChanges>;
