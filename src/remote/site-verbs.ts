import { TokenInfo } from "#accounts/model.ts";
import {
  Deploy,
  DeployDiff,
  DeployPage,
  Domain,
  Finalized,
  LogPage,
  Member,
  type Role,
  Site,
  type SiteChanges,
} from "#sites/model.ts";
import { Traffic } from "#traffic/model.ts";

import { ANSWER_LIMITS, readBody } from "./answer.ts";
import { type Deployed, deployFolder, type DeployPlan } from "./deploy.ts";
import type { Exchange } from "./exchange.ts";
import { followLogs, type LogFilter, type LogLine } from "./log-stream.ts";
import { readAll } from "./pages.ts";

/** Which page of a list. */
export type PageOf = { limit?: number; cursor?: string };

/** What a registry does for sites. Like all verbs, each throws `network`, `bad_answer`, `cancelled` and what the registry tells. */
export type SiteVerbs = {
  listSites: () => Promise<Site[]>;
  createSite: (name: string) => Promise<Site>;
  readSite: (site: string) => Promise<Site>;
  updateSite: (site: string, changes: SiteChanges) => Promise<Site>;
  deleteSite: (site: string) => Promise<void>;
  listMembers: (site: string) => Promise<Member[]>;
  /** Adds a member, or changes the role of one. */
  putMember: (site: string, user: string, role: Role) => Promise<Member>;
  removeMember: (site: string, user: string) => Promise<void>;
  /** The keys of the asking account that are for this site alone. */
  listSiteKeys: (site: string) => Promise<TokenInfo[]>;
  listDomains: (site: string) => Promise<Domain[]>;
  /** Claims a domain; the answer tells the record that proves it. */
  addDomain: (site: string, host: string) => Promise<Domain>;
  verifyDomain: (site: string, host: string) => Promise<Domain>;
  removeDomain: (site: string, host: string) => Promise<void>;
  /** Newest first. */
  listDeploys: (site: string, page?: PageOf) => Promise<DeployPage>;
  readDeploy: (site: string, deploy: string) => Promise<Deploy>;
  /** What changed since `from`, by default the deploy before. */
  diffDeploys: (site: string, to: string, from?: string) => Promise<DeployDiff>;
  deleteDeploy: (site: string, deploy: string) => Promise<void>;
  deploy: (plan: DeployPlan) => Promise<Deployed>;
  /** Makes a deploy live again, by default the one before the live one. */
  rollback: (site: string, deploy?: string) => Promise<Finalized>;
  readTraffic: (site: string, days: number) => Promise<Traffic>;
  /** The same as text for other programs. */
  exportTraffic: (site: string, days: number, format: "csv" | "ndjson") => Promise<string>;
  /** Newest first. */
  readLogs: (site: string, filter: LogFilter & PageOf) => Promise<LogPage>;
  /** Log lines as they come, for as long as the caller reads: those past the id `after`, or new ones alone. */
  followLogs: (site: string, filter: LogFilter, after?: number) => AsyncGenerator<LogLine, void>;
};

/** The verbs of sites over one exchange. */
export function siteVerbs(exchange: Exchange): SiteVerbs {
  return {
    ...settingVerbs(exchange),
    ...domainVerbs(exchange),
    ...deployVerbs(exchange),
    ...watchVerbs(exchange),
  };
}

function settingVerbs(exchange: Exchange) {
  const { ask, tell } = exchange;
  return {
    listSites: () => readAll(exchange, Site, "/sites"),
    createSite: (name: string) => ask(Site, { method: "POST", path: "/sites", json: { name } }),
    readSite: (site: string) => ask(Site, { method: "GET", path: pathOf(site) }),
    updateSite: (site: string, json: SiteChanges) =>
      ask(Site, { method: "PATCH", path: pathOf(site), json }),
    deleteSite: (site: string) => tell({ method: "DELETE", path: pathOf(site) }),
    listMembers: (site: string) => readAll(exchange, Member, pathOf(site, "members")),
    putMember: (site: string, user: string, role: Role) =>
      ask(Member, { method: "PUT", path: pathOf(site, "members", user), json: { role } }),
    removeMember: (site: string, user: string) =>
      tell({ method: "DELETE", path: pathOf(site, "members", user) }),
    listSiteKeys: (site: string) => readAll(exchange, TokenInfo, pathOf(site, "keys")),
  };
}

function domainVerbs(exchange: Exchange) {
  const { ask, tell } = exchange;
  return {
    listDomains: (site: string) => readAll(exchange, Domain, pathOf(site, "domains")),
    addDomain: (site: string, host: string) =>
      ask(Domain, { method: "POST", path: pathOf(site, "domains"), json: { host } }),
    verifyDomain: (site: string, host: string) =>
      ask(Domain, {
        method: "POST",
        path: pathOf(site, "domains", host),
        answerTimeoutMs: 60_000,
      }),
    removeDomain: (site: string, host: string) =>
      tell({ method: "DELETE", path: pathOf(site, "domains", host) }),
  };
}

function deployVerbs(exchange: Exchange) {
  const { ask, tell } = exchange;
  return {
    listDeploys: (site: string, page: PageOf = {}) =>
      ask(DeployPage, { method: "GET", path: pathOf(site, "deploys"), query: queryOf(page) }),
    readDeploy: (site: string, deploy: string) =>
      ask(Deploy, { method: "GET", path: pathOf(site, "deploys", deploy) }),
    diffDeploys: (site: string, to: string, from?: string) =>
      ask(DeployDiff, {
        method: "GET",
        path: `${pathOf(site, "deploys", to)}/diff`,
        query: { from },
      }),
    deleteDeploy: (site: string, deploy: string) =>
      tell({ method: "DELETE", path: pathOf(site, "deploys", deploy) }),
    deploy: (plan: DeployPlan) => deployFolder(exchange, plan),
    rollback: (site: string, deploy?: string) =>
      ask(Finalized, {
        method: "POST",
        path: pathOf(site, "rollback"),
        json: deploy === undefined ? {} : { deploy },
        // Back to a named one twice is once; "the one before" twice is not.
        repeatable: deploy !== undefined,
      }),
  };
}

function watchVerbs(exchange: Exchange) {
  const { ask } = exchange;
  return {
    readTraffic: (site: string, days: number) =>
      ask(Traffic, { method: "GET", path: pathOf(site, "traffic"), query: { days: `${days}` } }),
    exportTraffic: (site: string, days: number, format: "csv" | "ndjson") =>
      readText(exchange, pathOf(site, "traffic"), { days: `${days}`, format }),
    readLogs: (site: string, { level, request, ...page }: LogFilter & PageOf) =>
      ask(LogPage, {
        method: "GET",
        path: pathOf(site, "logs"),
        query: { level, request, ...queryOf(page) },
      }),
    followLogs: (site: string, filter: LogFilter, after?: number) =>
      followLogs(exchange, pathOf(site, "logs"), filter, after),
  };
}

async function readText(
  exchange: Exchange,
  path: string,
  query: Record<string, string>,
): Promise<string> {
  const headers = { accept: "text/csv, application/x-ndjson, application/problem+json" };
  return exchange.send({ method: "GET", path, query, headers }, (response, watch, url) =>
    readBody(response, {
      url,
      watch,
      limitBytes: ANSWER_LIMITS.index,
      idleTimeoutMs: exchange.transport.idleTimeoutMs,
    }),
  );
}

function queryOf({ limit, cursor }: PageOf): Record<string, string | undefined> {
  return { limit: limit?.toString(), cursor };
}

function pathOf(site: string, ...more: string[]): string {
  return ["/sites", ...[site, ...more].map(encodeURIComponent)].join("/");
}
