import { Elysia } from "elysia";

import { parseDeployId } from "#base/names.ts";
import { diffDeploys } from "#sites/deploys/deploy-diff.ts";
import { listDeployFiles } from "#sites/deploys/deploy-files.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { readDeploy } from "#sites/deploys/deploy-read.ts";
import { listDomains } from "#sites/domains/domains.ts";
import { makeEntry } from "#sites/gate/gate-entry.ts";
import { listLogs, parseLogFilter } from "#sites/logs/logs-list.ts";
import { answerTrafficFile } from "#sites/logs/traffic-file.ts";
import { readSiteTraffic } from "#sites/logs/traffic.ts";
import { listMembers } from "#sites/site/members.ts";
import { listSiteKeys } from "#sites/site/site-keys.ts";
import { listSites } from "#sites/site/sites-read.ts";
import type { Ctx } from "#store/ctx.ts";

import { answerPage, type PageStatus, type Query, readVisit } from "./frame.ts";
import { SiteDeployPage } from "./site-deploy.tsx";
import { SiteDeploysPage, type SiteDeploysProps } from "./site-deploys.tsx";
import { SiteDomainsPage, type SiteDomainsProps } from "./site-domains.tsx";
import { SiteEnterPage } from "./site-enter.tsx";
import { SiteLogsPage } from "./site-logs.tsx";
import { SitePeoplePage, type SitePeopleProps } from "./site-people.tsx";
import { SiteSettingsPage, type SiteSettingsProps } from "./site-settings.tsx";
import { SiteTrafficPage } from "./site-traffic.tsx";
import { pageOfQuery, readSiteVisit, toLogin } from "./site-visit.ts";
import { SitesPage, type SitesProps } from "./sites.tsx";

type SitePageParams = { ctx: Ctx; request: Request; site: string; query: Query };

const DEFAULT_DAYS = "30";

/** The pages of sites, for members. */
export function sitesPages(ctx: Ctx) {
  return new Elysia({ name: "web.sites", prefix: "/sites" })
    .get("/", ({ request, query }) => showSites({ ctx, request, query }, {}))
    .get("/:site", ({ request, params, query }) =>
      showDeploys({ ctx, request, query, ...params }, {}),
    )
    .get("/:site/deploys/:id", ({ request, params: { site, id }, query }) =>
      showDeploy({ ctx, request, query, site }, id),
    )
    .get("/:site/traffic", ({ request, params, query }) =>
      showTraffic({ ctx, request, query, ...params }),
    )
    .get("/:site/traffic.csv", ({ request, params, query }) =>
      sendTraffic({ ctx, request, query, ...params }, "csv"),
    )
    .get("/:site/traffic.ndjson", ({ request, params, query }) =>
      sendTraffic({ ctx, request, query, ...params }, "ndjson"),
    )
    .get("/:site/domains", ({ request, params, query }) =>
      showDomains({ ctx, request, query, ...params }, {}),
    )
    .get("/:site/people", ({ request, params, query }) =>
      showPeople({ ctx, request, query, ...params }, {}),
    )
    .get("/:site/logs", ({ request, params, query }) =>
      showLogs({ ctx, request, query, ...params }),
    )
    .get("/:site/settings", ({ request, params, query }) =>
      showSettings({ ctx, request, query, ...params }, {}),
    )
    .get("/:site/enter", ({ request, params, query }) => enter({ ctx, request, query, ...params }));
}

/** `/sites`, with a form that came back. */
export async function showSites(
  { ctx, request, query }: Omit<SitePageParams, "site">,
  more: Pick<SitesProps, "form">,
  status: PageStatus = {},
): Promise<Response> {
  const { frame, actor } = await readVisit(ctx, request);
  if (!actor) return toLogin(request);
  const { page, isLater } = pageOfQuery(query, 50);
  const { items, next } = await listSites(ctx, actor, page);
  return answerPage(SitesPage({ frame, sites: items, next, isLater, ...more }), status);
}

/** `/sites/:site`, with an upload that was refused. */
export async function showDeploys(
  { ctx, request, site: name, query }: SitePageParams,
  more: Pick<SiteDeploysProps, "problems">,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { page, isLater } = pageOfQuery(query, 20);
  const deploys = await listDeploys(ctx, visit.actor, name, page);
  return answerPage(SiteDeploysPage({ ...visit, deploys, isLater, ...more }), status);
}

async function showDeploy(
  { ctx, request, site: name, query }: SitePageParams,
  text: string,
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { actor } = visit;
  const id = parseDeployId(text);
  const { page, isLater } = pageOfQuery(query, 100);
  const deploy = await readDeploy(ctx, actor, name, id);
  const files = await listDeployFiles(ctx, actor, name, id, page);
  const diff =
    deploy.state === "ready" ? await diffDeploys(ctx, actor, name, { to: id }) : undefined;
  return answerPage(SiteDeployPage({ ...visit, deploy, files, isLater, diff }));
}

async function showTraffic({ ctx, request, site: name, query }: SitePageParams): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const days = daysOf(query);
  const traffic = await readSiteTraffic(ctx, visit.actor, name, days);
  return answerPage(SiteTrafficPage({ ...visit, traffic, days }));
}

async function sendTraffic(
  { ctx, request, site: name, query }: SitePageParams,
  format: "csv" | "ndjson",
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  return answerTrafficFile(ctx, visit.actor, name, { days: daysOf(query), format });
}

/** As it is asked for: what reads the counts refuses what is none. */
function daysOf({ days = DEFAULT_DAYS }: Query): number {
  return Number(days);
}

/** `/sites/:site/domains`, with a form that came back. */
export async function showDomains(
  { ctx, request, site: name, query }: SitePageParams,
  more: Pick<SiteDomainsProps, "form">,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { page, isLater } = pageOfQuery(query, 100);
  const domains = await listDomains(ctx, visit.actor, name, page);
  return answerPage(SiteDomainsPage({ ...visit, domains, isLater, ...more }), status);
}

/** `/sites/:site/people`, with a key just made or a form that came back. */
export async function showPeople(
  { ctx, request, site: name, query }: SitePageParams,
  more: Pick<SitePeopleProps, "newKey" | "memberForm" | "keyForm">,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const ofMembers = pageOfQuery({ cursor: query["members"] }, 100);
  const ofKeys = pageOfQuery({ cursor: query["keys"] }, 100);
  const [members, keys] = await Promise.all([
    listMembers(ctx, visit.actor, name, ofMembers.page),
    listSiteKeys(ctx, visit.actor, name, ofKeys.page),
  ]);
  const isLater = ofMembers.isLater || ofKeys.isLater;
  const props = { ...visit, members, keys, isLater };
  return answerPage(SitePeoplePage({ ...props, ...more }), { ...status, isSecret: true });
}

async function showLogs({ ctx, request, site: name, query }: SitePageParams): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { page, isLater } = pageOfQuery(query, 100);
  const { level, requestId } = parseLogFilter({
    level: query["level"] ?? "",
    // Ids are shorter; nothing has a longer one.
    request: (query["request"] ?? "").slice(0, 100),
  });
  const logs = await listLogs(ctx, visit.actor, name, { page, level, requestId });
  return answerPage(SiteLogsPage({ ...visit, logs, level, requestId, isLater }));
}

/** `/sites/:site/settings`, with a form that came back. */
export async function showSettings(
  { ctx, request, site: name }: SitePageParams,
  more: Pick<SiteSettingsProps, "problems" | "keyProblems" | "deleteProblems">,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  return answerPage(SiteSettingsPage({ ...visit, ...more }), status);
}

/** The way into a site for accounts of this server: signs who asks in here, then sends them back with a ticket. */
async function enter({ ctx, request, site, query }: SitePageParams): Promise<Response> {
  const { frame, actor } = await readVisit(ctx, request);
  if (!actor) return toLogin(request);
  const address = await makeEntry(ctx, actor, site, query["to"] ?? "");
  return answerPage(SiteEnterPage({ frame, address }), { isSecret: true });
}
