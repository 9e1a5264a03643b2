import { type CronInfo, CronList, CronRun, CronRunPage, EgressLedger } from "#runtime/model.ts";

import type { Exchange } from "./exchange.ts";

/** What a registry does for the schedules of sites, and for where their programs may talk to. */
export type CronVerbs = {
  listCrons: (site: string) => Promise<CronInfo[]>;
  /** Newest first. */
  listCronRuns: (site: string, page: { limit?: number; cursor?: string }) => Promise<CronRunPage>;
  /** Begins a run now; comes back before its end. */
  runCron: (site: string, cron: string, timeZone?: string) => Promise<CronRun>;
  readEgress: (site: string, days: number) => Promise<EgressLedger>;
  /** Which hosts programs may ask; null: every public one. */
  setEgress: (site: string, allow: readonly string[] | null) => Promise<EgressLedger>;
};

/** The verbs of schedules and egress over one exchange. */
export function cronVerbs({ ask }: Exchange): CronVerbs {
  return {
    listCrons: async (site) =>
      (await ask(CronList, { method: "GET", path: pathOf(site, "crons") })).items,
    listCronRuns: (site, { limit, cursor }) =>
      ask(CronRunPage, {
        method: "GET",
        path: pathOf(site, "crons/runs"),
        query: { limit: limit?.toString(), cursor },
      }),
    runCron: (site, cron, timeZone) =>
      ask(CronRun, {
        method: "POST",
        path: pathOf(site, "crons/run"),
        json: { cron, ...(timeZone !== undefined && { timeZone }) },
      }),
    readEgress: (site, days) =>
      ask(EgressLedger, {
        method: "GET",
        path: pathOf(site, "egress"),
        query: { days: `${days}` },
      }),
    setEgress: (site, allow) =>
      ask(EgressLedger, { method: "PUT", path: pathOf(site, "egress"), json: { allow } }),
  };
}

function pathOf(site: string, part: string): string {
  return `/sites/${encodeURIComponent(site)}/${part}`;
}
