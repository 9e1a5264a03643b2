/**
 * `src/sites/gate` decides who may look at a protected site: passwords, passes, tickets of accounts.
 * Serving and the pages call it. It must never let a pass of one site open another.
 */
import { fail, type LandError } from "#base/errors.ts";
import { prefersHtml } from "#http/accept.ts";
import type { Peer } from "#http/peer.ts";
import { problemHeaders, problemResponse } from "#http/problems.ts";
import { requestIdOf } from "#http/request-id.ts";
import type { Ctx } from "#store/ctx.ts";

import { hostUrl } from "../addresses.ts";
import { ENTER, hostOf, isDeployHost, ownPath, pathOf } from "./gate-address.ts";
import { readGateForm } from "./gate-form.ts";
import { maintenancePage, PAGE_HEADERS, passwordPage } from "./gate-page.tsx";
import {
  ACCOUNT_PASS_SECONDS,
  type GatedSite,
  hasPass,
  passCookie,
  PASSWORD_PASS_SECONDS,
  takeTicket,
} from "./gate-pass.ts";
import { basicPassword, tryPassword } from "./gate-password.ts";
import { effectiveProtection } from "./gate-protection.ts";

type Visit = { ctx: Ctx; site: GatedSite; request: Request; peer: Peer; host: string };

const RETRY_SECONDS = 300;

/**
 * What a visitor gets instead of a site, or undefined where the visitor may pass: the page of a site under maintenance
 * (its deploys' own addresses stay open for its makers), the password form, the way to the dashboard for accounts. Also
 * answers `/.land/enter`, where passes are handed out.
 */
export async function gateAnswer(
  ctx: Ctx,
  site: GatedSite,
  request: Request,
  peer: Peer,
): Promise<Response | undefined> {
  const entering = isEntering(request);
  const protection = effectiveProtection(ctx, site);
  if (protection === "none" && !site.maintenance && !entering) return undefined;
  const visit = { ctx, site, request, peer, host: hostOf(request) };
  if (site.maintenance && !isDeployHost(ctx, site, visit.host)) return showMaintenance(visit);
  if (protection === "none") return entering ? seeOther("/") : undefined;
  if (entering) return enter(visit);
  if (hasPass(ctx, site, request, peer.secure)) return undefined;
  return protection === "password" ? askBasic(visit) : askAccount(visit, pathOf(request));
}

function isEntering({ url }: Request): boolean {
  return url.includes(ENTER) && urlOf(url)?.pathname === ENTER;
}

/** Where the Host header is odd, Bun gives no more than the path. */
function urlOf(url: string): URL | null {
  return URL.parse(url, "http://own.invalid");
}

/** Answers `/.land/enter`: a ticket from the dashboard, or the form of the password page. */
async function enter(visit: Visit): Promise<Response> {
  const { ctx, site, request, peer, host } = visit;
  const byPassword = effectiveProtection(ctx, site) === "password";
  if (byPassword && request.method === "POST") return enterByPassword(visit);
  const sent = urlOf(request.url)?.searchParams.get("ticket");
  const ticket =
    sent && request.method === "GET" ? takeTicket(ctx, site, { host, sent }) : undefined;
  const path = ownPath(ticket?.path);
  if (ticket?.fresh)
    return seeOther(
      path,
      passCookie(ctx, site, { secure: peer.secure, seconds: ACCOUNT_PASS_SECONDS }),
    );
  if (hasPass(ctx, site, request, peer.secure)) return seeOther(path);
  return byPassword ? askPassword(visit, path) : askAccount(visit, path);
}

async function enterByPassword(visit: Visit): Promise<Response> {
  const { ctx, site, request, peer } = visit;
  const { password, to } = await readGateForm(request);
  const path = ownPath(to);
  if (password === undefined) return askPassword(visit, path);
  const result = await tryPassword(ctx, site, { password, address: peer.address() });
  if (result !== "right") return askPassword(visit, path, refusal(result));
  return seeOther(
    path,
    passCookie(ctx, site, { secure: peer.secure, seconds: PASSWORD_PASS_SECONDS }),
  );
}

/** Programs send the password with each request. */
async function askBasic(visit: Visit): Promise<Response | undefined> {
  const { ctx, site, request, peer } = visit;
  const password = basicPassword(request);
  if (password === undefined) return askPassword(visit, pathOf(request));
  const result = await tryPassword(ctx, site, { password, address: peer.address() });
  return result === "right" ? undefined : askPassword(visit, pathOf(request), refusal(result));
}

function refusal(result: "wrong" | LandError): LandError {
  return result === "wrong" ? fail("password_wrong", {}) : result;
}

/** The password form, or its problem for programs. `error`: what is wrong with the password that was sent. */
function askPassword({ request, host }: Visit, to: string, error?: LandError): Response {
  const told = error ?? fail("site_protected", { host });
  if (asksForJson(request)) return problem(told, request);
  const text =
    error?.code === "rate_limited"
      ? `Too many attempts. ${error.hint ?? "Try again later"}.`
      : "That password is not right. Try again.";
  const body = passwordPage({ host, to, ...(error && { problem: text }) });
  return document(request, body, { status: told.status, headers: challenge(told) });
}

/** The way over the dashboard, which knows the account and comes back with a ticket. */
function askAccount({ ctx, site, request, host }: Visit, path: string): Response {
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead || asksForJson(request)) return problem(fail("site_protected", { host }), request);
  const to = encodeURIComponent(`${hostUrl(ctx, host)}${path}`);
  return new Response(null, {
    status: 302,
    headers: {
      location: `${ctx.publicUrl()}/sites/${site.name}/enter?to=${to}`,
      "cache-control": "no-store",
      "x-robots-tag": "noindex",
    },
  });
}

function showMaintenance({ request, host }: Visit): Response {
  const error = fail("site_maintenance", { host, retryAfterSeconds: RETRY_SECONDS });
  const headers = { "retry-after": String(RETRY_SECONDS) };
  if (asksForJson(request)) return problem(error, request, headers);
  return document(request, maintenancePage({ host }), { status: error.status, headers });
}

function document(
  request: Request,
  body: string,
  { status, headers }: { status: number; headers: Record<string, string> },
): Response {
  return new Response(request.method === "HEAD" ? null : body, {
    status,
    headers: { ...PAGE_HEADERS, ...headers },
  });
}

function problem(error: LandError, request: Request, more: Record<string, string> = {}): Response {
  const requestId = requestIdOf(request);
  const response = problemResponse(error, requestId ? { requestId } : {});
  for (const [name, value] of Object.entries({ ...challenge(error), ...more }))
    response.headers.set(name, value);
  return response;
}

/**
 * The headers of a refusal. The challenge of a 401 is one that browsers do not know: at `Basic` they would ask in a window
 * of their own, for each picture of a page whose pass is over.
 */
function challenge(error: LandError): Record<string, string> {
  return error.status === 401 ? { "www-authenticate": "Land-Password" } : problemHeaders(error);
}

function asksForJson(request: Request): boolean {
  const accept = request.headers.get("accept");
  return /\bapplication\/(?:[a-z0-9.-]+\+)?json\b/i.test(accept ?? "") && !prefersHtml(accept);
}

function seeOther(path: string, cookie?: string): Response {
  return new Response(null, {
    status: 303,
    headers: {
      location: path,
      "cache-control": "no-store",
      // The address of this answer may hold a ticket.
      "referrer-policy": "no-referrer",
      ...(cookie !== undefined && { "set-cookie": cookie }),
    },
  });
}
