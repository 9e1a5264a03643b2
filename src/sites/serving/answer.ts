import type { Peer } from "#http/peer.ts";
import { requestIdOf } from "#http/request-id.ts";
import type { Ctx } from "#store/ctx.ts";
import type { CountryOf } from "#traffic/countries.ts";
import type { Recorder, Visit } from "#traffic/visit.ts";

import { OWN_FOLDER } from "../addresses.ts";
import { effectiveProtection } from "../gate/gate-protection.ts";
import { resolve } from "../rules/resolve.ts";
import { findFile, hasFile } from "./load-manifest.ts";
import type { LoadedSite, ServedSite, Shown, SiteLoader } from "./load.ts";
import {
  type LoadedProgram,
  type ProgramAnswer,
  type Programs,
  type SiteAnswer,
  UPGRADED,
} from "./program.ts";
import type { Bodies } from "./serve-bodies.ts";
import type { Preferences } from "./serve-encoding.ts";
import { answerFile, type FileAnswer } from "./serve-file.ts";
import { fileHeaders } from "./serve-headers.ts";
import type { Hot } from "./serve-hot.ts";
import type { VisitorLimits } from "./serve-limits.ts";
import { keepForProgram } from "./serve-others.ts";
import { plainResponse } from "./serve-pages.tsx";
import { questionOf, splitUrl } from "./serve-question.ts";
import type { SiteDestination } from "./serve.ts";

/** What the server of sites is made of. */
export type Parts = {
  ctx: Pick<Ctx, "config" | "log" | "now" | "random" | "publicUrl">;
  /** What a visitor gets instead of a site; undefined where the visitor may pass. */
  gate: (site: ServedSite, request: Request, peer: Peer) => Promise<Response | undefined>;
  bodies: Bodies;
  hot: Pick<Hot, "isWanted" | "put">;
  preferences: Preferences;
  limits: VisitorLimits;
  recorder: Recorder;
  loader: Pick<SiteLoader, "isCurrent">;
  /** Where the operator gave a database of countries. */
  countryOf?: CountryOf | undefined;
  /** Runs the programs of sites; without it they are not there. */
  programs?: Programs | undefined;
};

/** A request for a site that is there. */
export type SiteAsk = {
  request: Request;
  loaded: LoadedSite;
  destination: SiteDestination;
  peer: Peer;
};

/** A request once its address is read. `isOpen`: everybody gets the same answer. */
type Asked = SiteAsk & {
  path: string;
  query: string;
  isGated: boolean;
  address: string;
  /** Set where a program was asked. */
  isByProgram: boolean;
};

/** What is sent. `sent`: when the last byte is gone, where the body is a stream; with their number. */
type Decided = ProgramAnswer | FileAnswer;

const OWN = `/${OWN_FOLDER}/`;
const ALLOW = { allow: "GET, HEAD, OPTIONS" };

/**
 * Answers for a site and notes the visit. All of one answer comes from the one deploy that `loaded` holds. Where a program answers,
 * nothing on the way to it waits for a turn of its own: at its rates, each costs.
 */
export function answerSite(parts: Parts, ask: SiteAsk): Promise<SiteAnswer> {
  const { ctx } = parts;
  const { request, loaded, destination, peer } = ask;
  const { path, query } = splitUrl(request.url);
  const address = peer.address();
  const isGated = effectiveProtection(ctx, loaded.site) !== "none" || loaded.site.maintenance;
  const isByProgram = false;
  const asked = { request, loaded, destination, peer, path, query, isGated, address, isByProgram };
  const startedMs = performance.now();
  const fail = (cause: unknown): SiteAnswer => {
    ctx.log.error("site failed", { site: loaded.site.name, path, cause });
    return noted(parts, asked, plain(request, 500), startedMs);
  };
  try {
    return decide(parts, asked).then((answer) => noted(parts, asked, answer, startedMs), fail);
  } catch (cause) {
    return Promise.resolve(fail(cause));
  }
}

function noted(
  { ctx, recorder }: Parts,
  { request, loaded, destination, path, address, isByProgram }: Asked,
  answer: Decided,
  startedMs: number,
): SiteAnswer {
  const { response } = answer;
  const note = (bytes: number): void =>
    recorder.note({
      siteId: loaded.site.id,
      method: request.method,
      path,
      status: response === UPGRADED ? 101 : response.status,
      bytes,
      isPage: response !== UPGRADED && isPage(request, response),
      address: () => address,
      userAgent: request.headers.get("user-agent"),
      referrer: request.headers.get("referer"),
      host: destination.host,
      ...(isByProgram && { requestId: requestIdOf(request) ?? "", ms: since(startedMs) }),
    });
  const sent = "sent" in answer ? answer.sent : undefined;
  if (sent === undefined) note(answer.bytes);
  else void sent.then(note);
  // Bun leaves it out where it sends no body.
  if (request.method === "HEAD" && response !== UPGRADED)
    response.headers.set("date", ctx.now().toUTCString());
  return response;
}

function isPage({ method }: Request, { status, headers }: Response): boolean {
  if (method !== "GET" || (status !== 200 && status !== 304)) return false;
  return /^text\/html\b/i.test(headers.get("content-type") ?? "");
}

function decide(parts: Parts, asked: Asked): Promise<Decided> {
  const { loaded, path, isGated } = asked;
  const program = parts.programs && loaded.shown?.program;
  if (program && !isGated && !path.startsWith(OWN) && isSurelyForProgram(program, asked)) {
    const refusal = refuseMany(parts, asked);
    return refusal ? Promise.resolve(refusal) : runProgram(parts, asked, program);
  }
  return decideSlowly(parts, asked);
}

/** Whether it was found out before that this path is for the program, or need not be. */
function isSurelyForProgram(program: LoadedProgram, asked: Asked): boolean {
  const { loaded, path, request } = asked;
  return !isForFiles(request) || program.claims(path) || loaded.shown?.others?.has(path) === true;
}

/** The answer to a visitor who asks too often. */
function refuseMany(
  { limits }: Parts,
  { request, loaded, address }: Asked,
): FileAnswer | undefined {
  const { site } = loaded;
  const allowance = limits.take(site.id, () => address, limits.perMinute(site));
  if (allowance.ok) return undefined;
  return plain(request, 429, { "retry-after": String(allowance.retryAfterSeconds) });
}

async function decideSlowly(parts: Parts, asked: Asked): Promise<Decided> {
  const { request, loaded, path, isGated, peer } = asked;
  const { site, shown } = loaded;
  const refusal = refuseMany(parts, asked);
  if (refusal) return refusal;
  if (isGated || path.startsWith(OWN)) {
    const gate = await parts.gate(site, request, peer);
    if (gate) return { response: gate, bytes: 0 };
    if (path.startsWith(OWN)) return plain(request, 404);
  }
  const program = parts.programs && shown?.program;
  if (program && isForProgram(program, asked)) return runProgram(parts, asked, program);
  if (request.method === "OPTIONS")
    return { response: new Response(null, { status: 204, headers: ALLOW }), bytes: 0 };
  if (!isForFiles(request)) return plain(request, 405, ALLOW);
  return shown ? show(parts, asked, shown) : plain(request, 404);
}

/** Whether a request cannot be for a file. */
function isForProgram(program: LoadedProgram, { request, path }: Asked): boolean {
  if (program.claims(path) || !isForFiles(request)) return true;
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

function isForFiles({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function runProgram({ programs }: Parts, asked: Asked, program: LoadedProgram): Promise<Decided> {
  const { request, peer, address } = asked;
  const { site } = asked.loaded;
  const { host } = asked.destination;
  if (!programs) return Promise.resolve(plain(request, 404));
  asked.isByProgram = true;
  const requestId = requestIdOf(request) ?? "";
  return programs.answer({ request, requestId, site, program, host, peer, address });
}

/** Milliseconds, to a hundredth. */
function since(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 100) / 100;
}

/** Answers from a deploy: a file, a redirect, or the page that says that nothing is there. */
async function show(parts: Parts, asked: Asked, shown: Shown): Promise<Decided> {
  const { request, loaded, isGated } = asked;
  const { manifest, rules } = shown;
  const { question, wasPersonal } = questionOf({ ...asked, countryOf: parts.countryOf });
  const resolution = resolve(rules.rules, (of) => hasFile(manifest, of), question);
  if (resolution.kind === "malformed") return plain(request, 400);
  if (resolution.kind === "redirect") {
    const headers = {
      location: resolution.location,
      "cache-control": isGated ? "private, max-age=0" : "public, max-age=0, must-revalidate",
      ...(loaded.isDeployAddress && { "x-robots-tag": "noindex" }),
      ...(wasPersonal() && { vary: "Accept-Language, Cookie" }),
    };
    const { status } = resolution;
    return { response: new Response(null, { status, headers }), bytes: 0 };
  }
  if (shown.program && parts.programs && resolution.status === 404) {
    if (!isGated) keepForProgram(shown, asked.path);
    return runProgram(parts, asked, shown.program);
  }
  const path = resolution.kind === "file" ? resolution.path : resolution.page;
  const file = path === undefined ? undefined : await findFile(manifest, path);
  if (path === undefined || file === undefined) return plain(request, resolution.status);
  const { route, status } = resolution;
  const { host } = asked.destination;
  const about = { loaded, shown, path, route, host, status, isGated };
  const headers = fileHeaders(parts.ctx.config, about);
  if (wasPersonal()) headers.append("vary", "Accept-Language, Cookie");
  const preference = parts.preferences.of(request.headers.get("accept-encoding"));
  const { changedAtMs } = shown;
  const answer = await answerFile(parts.ctx, parts.bodies, {
    request,
    file,
    status,
    headers,
    changedAtMs,
    preference,
  });
  if (!isGated && !wasPersonal()) prepare(parts, asked, { shown, path, answer });
  return answer;
}

/** Keeps an answer for `quick`, where the next one at that address is the same. */
function prepare(
  { ctx, hot, loader, limits, preferences }: Parts,
  asked: Asked,
  { shown, path: file, answer }: { shown: Shown; path: string; answer: FileAnswer },
): void {
  const { request, loaded, destination, peer, path, query } = asked;
  const { whole, response } = answer;
  const body = whole?.body;
  // What is coded fast is sent until its best is there, which nobody tells the answers that are ready.
  if (
    !body ||
    whole.isFast ||
    !("kept" in body) ||
    response.status !== 200 ||
    request.method !== "GET"
  )
    return;
  // Until then Last-Modified is no validator, and will be another.
  if (Math.ceil(shown.changedAtMs / 1000) * 1000 > ctx.now().getTime()) return;
  // There a handshake may come, which `quick` does not look for.
  if (shown.program && /^\/ws(?:\/|$)/.test(path)) return;
  // Endless addresses may lead to one file: only its own are kept.
  if (query !== "" || request.url.includes("#") || !isAddressOf(path, file)) return;
  // It may have changed while this answer was made.
  if (!loader.isCurrent(loaded, destination)) return;
  const host = request.headers.get("host");
  const tag = response.headers.get("etag");
  if (host === null || tag === null || !isPlainHost(ctx, host, destination.host)) return;
  const preference = preferences.of(request.headers.get("accept-encoding"));
  const kind = preference.id * 2 + (peer.secure ? 1 : 0);
  const place = { site: loaded.site.name, host, kind, url: request.url };
  if (!hot.isWanted(place)) return;
  const visit: Pick<Visit, "siteId" | "path" | "bytes" | "isPage" | "host"> = {
    siteId: loaded.site.id,
    path,
    bytes: answer.bytes,
    isPage: isPage(request, response),
    host: destination.host,
  };
  const headers = new Headers(response.headers);
  const perMinute = limits.perMinute(loaded.site);
  hot.put(place, { headers, tag, body: body.kept, visit, perMinute });
}

/** One spelling of a host, with our port or none: endless others mean the same, and each would be kept. */
function isPlainHost(ctx: Pick<Ctx, "publicUrl">, header: string, host: string): boolean {
  if (header === host) return true;
  const port = header.slice(host.length);
  return header.startsWith(host) && /^:\d+$/.test(port) && ctx.publicUrl().endsWith(port);
}

function isAddressOf(path: string, file: string): boolean {
  const name = path.slice(1);
  return file === name || file === `${name}.html` || file === `${name}index.html`;
}

function plain(request: Request, status: number, headers?: Record<string, string>): FileAnswer {
  const response = plainResponse(request, status, headers);
  return { response, bytes: Number(response.headers.get("content-length")), whole: undefined };
}
