import type { Peer } from "#http/peer.ts";
import type { Recorder } from "#traffic/visit.ts";

import type { DirectAsk } from "./serve-direct.ts";
import type { Preferences } from "./serve-encoding.ts";
import { headersOfCopy } from "./serve-file.ts";
import type { Hot, Prepared } from "./serve-hot.ts";
import type { VisitorLimits } from "./serve-limits.ts";

/** What an answer at once is made of. */
export type QuickParts = {
  hot: Pick<Hot, "find">;
  /** Prepares an answer that is not ready yet. */
  direct: (ask: DirectAsk) => Prepared | undefined;
  preferences: Preferences;
  limits: VisitorLimits;
  recorder: Recorder;
};

/**
 * The answer to a GET that was answered before in the same words or is plain, where nothing else about it matters. Every header that is
 * read costs: those that `answerSite` looks at and this does not must be without meaning for a whole open file.
 */
export function answerQuickly(
  { hot, direct, preferences, limits, recorder }: QuickParts,
  request: Request,
  peer: Peer,
): Response | undefined {
  const { headers } = request;
  const host = headers.get("host");
  const preference = preferences.known(headers.get("accept-encoding"));
  if (host === null || preference === undefined || request.method !== "GET") return undefined;
  const kind = preference.id * 2 + (peer.secure ? 1 : 0);
  const { url } = request;
  const prepared = hot.find(host, kind, url) ?? direct({ url, host, kind, preference });
  if (prepared === undefined || headers.get("range") !== null) return undefined;
  const status = statusFor(headers, prepared);
  const { blob } = prepared.body.value;
  if (status === undefined || blob === undefined) return undefined;
  const { siteId, path, bytes, isPage, host: name } = prepared.visit;
  if (!limits.take(siteId, peer.address, prepared.perMinute).ok) return undefined;
  const isWhole = status === 200;
  recorder.note({
    siteId,
    method: "GET",
    path,
    status,
    bytes: isWhole ? bytes : 0,
    isPage,
    address: peer.address,
    userAgent: headers.get("user-agent"),
    referrer: headers.get("referer"),
    host: name,
  });
  if (isWhole) return new Response(blob, { status, headers: prepared.headers });
  return new Response(null, { status, headers: headersOfCopy(prepared.headers) });
}

/** What is right for the conditions of a request, as long as they are plain. */
function statusFor(headers: Headers, { tag }: Prepared): 200 | 304 | undefined {
  if (headers.get("if-match") !== null || headers.get("if-unmodified-since") !== null)
    return undefined;
  const sent = headers.get("if-none-match");
  if (sent !== null) return sent === tag ? 304 : undefined;
  return headers.get("if-modified-since") === null ? 200 : undefined;
}
