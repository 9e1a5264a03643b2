import type { CronRun, FunctionsInfo } from "#runtime/model.ts";
import type { Site } from "#sites/model.ts";

import { ago, HOSTILE } from "./sample-package.ts";
import { live, site } from "./sample-site.ts";

export const program = {
  name: "src/main.ts",
  sizeBytes: 48_213,
  routes: ["/api/*", "/feed.xml", `/${"a-long-route/".repeat(12)}*`],
  crons: [
    { cron: "*/10 * * * *", timeZone: "UTC" },
    { cron: "0 4 * * *", timeZone: "America/Argentina/ComodRivadavia" },
  ],
};
export const app: Site = { ...site, live: { ...live, program } };
export const viewer: Site = { ...app, role: "viewer" };

const MIB = 1024 * 1024;
export const functions: FunctionsInfo = {
  available: true,
  problem: null,
  programProblem: `TypeError: ${HOSTILE} at src/main.ts:3:5`,
  sandboxed: true,
  processes: [
    {
      deploy: "k3v9x0q2ab",
      pid: 1234,
      state: "ready",
      startedAt: ago(0.1),
      requests: 1_284_093,
      open: 12,
      memoryBytes: 91_000_000,
      cpuMs: 81_234,
    },
    {
      deploy: "m4n5b6v7c8",
      pid: 1235,
      state: "draining",
      startedAt: ago(2),
      requests: 3,
      open: 1,
      memoryBytes: 70_000_000,
      cpuMs: 40,
    },
  ],
  sockets: 1204,
  kvBytes: 12_400_000,
  databaseBytes: 8192,
  limits: {
    memoryBytes: 256 * MIB,
    cpuMs: 1000,
    scriptCpuMs: 100,
    cpuSecondsPerMinute: 10,
    wallSeconds: 30,
    concurrency: 50,
    kvBytes: 256 * MIB,
    diskBytes: 256 * MIB,
    subrequests: 50,
    sockets: 10_000,
  },
};

export const run = (more: Partial<CronRun>): CronRun => ({
  id: 1,
  requestId: `run-${more.id ?? 1}`,
  deploy: "k3v9x0q2ab",
  cron: "*/10 * * * *",
  timeZone: "UTC",
  dueAt: ago(0.01),
  attempt: 1,
  startedAt: ago(0.01),
  endedAt: ago(0.0099),
  outcome: "done",
  problem: null,
  retryAt: null,
  ...more,
});
export const runs: CronRun[] = [
  run({ id: 5, outcome: "running", endedAt: null, startedAt: ago(0.0001) }),
  run({
    id: 4,
    outcome: "failed",
    attempt: 2,
    problem: `TypeError: ${HOSTILE} ${"a-long-word".repeat(30)}`,
    retryAt: ago(-0.001),
  }),
  run({ id: 3, outcome: "lost", timeZone: "America/Argentina/ComodRivadavia", cron: "0 4 * * *" }),
  run({ id: 2, startedAt: ago(1) }),
];

export const kvPage = {
  items: [
    {
      key: "user:1",
      sizeBytes: 15,
      expiresAt: ago(-0.2),
      metadata: { v: 1 },
      versionstamp: "00000000000000000002",
    },
    {
      key: `${"a-long-key/".repeat(46)}end`,
      sizeBytes: 26_214_400,
      expiresAt: null,
      metadata: null,
      versionstamp: "00000000000000000003",
    },
    {
      key: HOSTILE,
      sizeBytes: 0,
      expiresAt: null,
      metadata: null,
      versionstamp: "00000000000000000004",
    },
  ],
  next: "c2",
  usedBytes: 12_400_000,
  quotaBytes: 256 * MIB,
};
export const entry = {
  key: `${"a-long-key/".repeat(46)}end`,
  value: `{"name":"Ada","about":"${"lorem ".repeat(60)}"}`,
  encoding: "text" as const,
  expiresAt: ago(-0.2),
  metadata: { tags: ["a", "b"], note: HOSTILE, long: "x".repeat(300) },
  versionstamp: "00000000000000000003",
};
