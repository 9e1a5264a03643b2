import { identify } from "#accounts/actor.ts";
import { limitRequest } from "#accounts/limits.ts";
import { fail, type LandError, toLandError } from "#base/errors.ts";
import type { Peer } from "#http/peer.ts";
import { answerError } from "#http/problems.ts";
import type { RateLimiter } from "#http/rate.ts";
import { createRequestIds, requestIdOf, setRequestId } from "#http/request-id.ts";
import type { SiteAnswer } from "#sites/serving/program.ts";
import type { Ctx } from "#store/ctx.ts";
import { pageOfError } from "#web/pages.tsx";

import type { App } from "./app.ts";
import { bodyLimitOf, limitBody } from "./body.ts";
import { destinationOf } from "./edge.ts";
import { createElsewhere, type ElsewhereParts } from "./elsewhere.ts";
import { createRouteTable } from "./route-table.ts";

/** Answers one request. Never throws. */
export type Handler = (request: Request, peer: Peer) => Promise<SiteAnswer>;

/** What stands behind the request path. */
export type Parts = ElsewhereParts & { app: App; limiter: RateLimiter };

/** The request path: host → https → site, or address → method → rate → body → app, with a request id, base headers and one log line around it. */
export function createHandler(ctx: Ctx, { app, limiter, ...others }: Parts): Handler {
  const elsewhere = createElsewhere(ctx, others);
  const table = createRouteTable(app.routes);

  async function answer(request: Request, address: string): Promise<Response> {
    if (destinationOf(request.headers.get("host"), ctx.config).kind === "malformed")
      throw fail("bad_request", { problem: "its Host header is not one host name" });
    const path = pathOf(request.url);
    const refusal = refuseMethod(request.method, table.methodsOf(path));
    if (refusal) return refusal;
    const { headers, isVisitor } = await limitRate(ctx, limiter, { request, path, address });
    const limitBytes = bodyLimitOf(ctx.config, { method: request.method, path, isVisitor });
    const limited = limitBytes === "streamed" ? request : await limitBody(request, limitBytes);
    setRequestId(limited, requestIdOf(request) ?? "");
    const response = await app.fetch(limited);
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  }

  async function answerOwn(
    incoming: Request,
    peer: Peer,
    { requestId, startedMs }: { requestId: string; startedMs: number },
  ): Promise<Response> {
    const address = peer.address();
    const request = encodeScope(incoming);
    setRequestId(request, requestId);
    let response: Response;
    try {
      response = await answer(request, address);
    } catch (thrown) {
      const page = (error: LandError, of: Request) => pageOfError(ctx, error, of);
      response = await answerError({ ctx, page }, toLandError(thrown), request);
    }
    response.headers.set("x-request-id", requestId);
    response.headers.set("x-content-type-options", "nosniff");
    ctx.log.info("request", {
      requestId,
      method: request.method,
      path: pathnameOf(request.url),
      status: response.status,
      ms: Math.round((performance.now() - startedMs) * 100) / 100,
      address,
    });
    return response;
  }

  const nextId = createRequestIds(ctx.random);
  return (incoming, peer) => {
    const about = { requestId: nextId(), startedMs: performance.now() };
    setRequestId(incoming, about.requestId);
    const other = elsewhere(incoming, peer, about.requestId);
    if (!other) return answerOwn(incoming, peer, about);
    return other.then((response) => response ?? answerOwn(incoming, peer, about));
  };
}

/** Counts a request against the limits of who sends it, and tells whether that is a visitor without an account. */
async function limitRate(
  ctx: Ctx,
  limiter: RateLimiter,
  { request, path, address }: { request: Request; path: string; address: string },
): Promise<{ headers: Record<string, string>; isVisitor: boolean }> {
  if (!path.startsWith("/api/") && request.method !== "POST")
    return { headers: {}, isVisitor: true };
  const identified = identify(ctx, request);
  // Who comes with a token that is none counts as a visitor, before that is told.
  const actor = await identified.catch(() => undefined);
  const headers = limitRequest(ctx, limiter, { request, path, address, actor });
  await identified;
  return { headers, isVisitor: actor === undefined };
}

/**
 * The path that rules go by: without the one slash at its end that Elysia lets pass, so that both spellings are one address.
 *
 * @throws bad_request for malformed percent-encoding, which Elysia would hand on as null
 */
function pathOf(url: string): string {
  const pathname = pathnameOf(url).replace(/(?<=.)\/$/, "");
  if (!pathname.includes("%")) return pathname;
  try {
    if (decodeURIComponent(pathname).includes("\0")) throw new URIError("NUL");
  } catch {
    throw fail("bad_request", { problem: "its path has a malformed percent-encoding" });
  }
  return pathname;
}

/** The path as sent. Where the Host header was odd, Bun gives a url that is no more than the request target. */
function pathnameOf(url: string): string {
  return URL.parse(url, "http://localhost")?.pathname ?? "/";
}

/** `/packages/@a/b` means `/packages/@a%2Fb`: a router cannot tell it from a name and a version. */
function encodeScope(request: Request): Request {
  if (!request.url.includes("/@")) return request;
  const url = URL.parse(request.url);
  if (!url) return request;
  const pathname = url.pathname.replace(
    /^((?:\/api\/v1)?\/(?:packages|index)\/@[^/%]+)\/(?=[^/])/,
    "$1%2F",
  );
  if (pathname === url.pathname) return request;
  url.pathname = pathname;
  return new Request(url.href, request);
}

function refuseMethod(
  method: string,
  methods: readonly string[] | undefined,
): Response | undefined {
  if (!methods || (methods.includes(method) && method !== "OPTIONS")) return undefined;
  const allow = methods.join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  throw fail("method_not_allowed", { method, allow });
}
