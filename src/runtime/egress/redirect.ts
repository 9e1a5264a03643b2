import type { Body } from "#bridge/model.ts";

import { redirectedHeaders } from "./headers.ts";
import { broken, parseTarget, type Target } from "./target.ts";

/** What a program wants done with redirects. */
export type RedirectMode = "follow" | "manual" | "error";

/** One request on its way to a program's answer. */
export type Hop = {
  target: Target;
  method: string;
  headers: [string, string][];
  body: Body;
};

/** Most redirects of one request. @see https://fetch.spec.whatwg.org/#http-redirect-fetch */
export const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Whether an answer with that status and `Location` leads elsewhere. */
export function isRedirect(status: number, location: string | undefined): location is string {
  return REDIRECTS.has(status) && location !== undefined;
}

/**
 * The request that a redirect leads to: by the rules of fetch, and without credentials where it leaves the origin.
 *
 * Throws BridgeError egress_denied for an address that is none, egress_failed for a body that cannot be sent twice
 */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  const target = parseTarget(decodeLatin1(location), hop.target.url);
  const becomesGet =
    ((status === 301 || status === 302) && hop.method === "POST") ||
    (status === 303 && hop.method !== "GET" && hop.method !== "HEAD");
  if (!becomesGet && hop.body instanceof ReadableStream)
    throw broken(
      hop.target.authority,
      `it redirects with ${status}, and a body that is a stream cannot be sent twice`,
    );
  return {
    target,
    method: becomesGet ? "GET" : hop.method,
    headers: redirectedHeaders(hop.headers, {
      dropsBody: becomesGet,
      leavesOrigin: target.url.origin !== hop.target.url.origin,
    }),
    body: becomesGet ? null : hop.body,
  };
}

/** Location as its bytes were meant: mostly ASCII, else UTF-8 that was read as Latin-1. */
function decodeLatin1(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const decoded = bytes.toString("utf8");
  return Buffer.from(decoded, "utf8").equals(bytes) ? decoded : text;
}
