import type { Body, RequestHead } from "#bridge/model.ts";

import { natives } from "../natives.ts";

/** A visitor's request, as the program sees it. `signal` fires where the visitor left. */
export function toRequest(head: RequestHead, body: Body, signal: AbortSignal): Request {
  const { method, url } = head;
  // A Request takes no body for these, whatever came.
  const sent = method === "GET" || method === "HEAD" ? null : body;
  return new natives.Request(url, {
    method,
    headers: pairsOf(head.headers),
    body: toBodyInit(sent),
    signal,
  });
}

/** Bytes that own their buffer, as types of bodies want them. */
export function toBodyInit(body: Body): Bun.BodyInit | null {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- never shared memory: it is read from a socket
  return body as Bun.BodyInit | null;
}

/** Headers in the form that constructors take; they copy them. */
export function pairsOf(list: RequestHead["headers"]): [string, string][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read only
  return list as [string, string][];
}
