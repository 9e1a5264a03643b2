import type { RequestHead } from "#bridge/model.ts";
import { withoutPasses } from "#sites/gate/gate-pass.ts";
import { isForGate } from "#sites/gate/gate-password.ts";
import type { ProgramAsk } from "#sites/serving/program.ts";

/** Headers of one connection alone (RFC 9110 section 7.6.1), and those that only the server may tell a program. */
const KEPT_BACK = new Set([
  "cf-connecting-ip",
  "connection",
  "expect",
  "forwarded",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "true-client-ip",
  "upgrade",
  "x-real-ip",
  "x-request-id",
]);
const KEPT_BACK_START = /^x-(?:land|forwarded)-/;
/** What `Connection` names in nearly every request. */
const PLAIN_CONNECTION = /^(?:keep-alive|close)$/i;

/** A visitor's request as a program gets it: without what concerns the connection, with what only the server knows of it. */
export function requestHead({ request, requestId, site, peer, address }: ProgramAsk): RequestHead {
  const connection = request.headers.get("connection");
  const named =
    connection === null || PLAIN_CONNECTION.test(connection) ? undefined : namesIn(connection);
  const headers: [string, string][] = [];
  let host = "";
  // oxlint-disable-next-line unicorn/no-array-for-each -- Headers, and several times as fast as its iterator
  request.headers.forEach((value, name) => {
    if (KEPT_BACK.has(name) || (name.startsWith("x-") && KEPT_BACK_START.test(name))) return;
    if (named?.has(name)) return;
    // The password that opens the site is for its gate.
    if (name === "authorization" && isForGate(site, request)) return;
    if (name === "host") host = value;
    if (name === "cookie") {
      const cookies = withoutPasses(value);
      if (cookies !== undefined) headers.push([name, cookies]);
    } else headers.push([name, value]);
  });
  headers.push(
    ["x-request-id", requestId],
    ["x-forwarded-for", address],
    ["x-forwarded-proto", peer.secure ? "https" : "http"],
    ["x-forwarded-host", host],
    ["cf-connecting-ip", address],
  );
  const { method, url } = request;
  return {
    method,
    url: peer.secure ? url.replace(/^http:/, "https:") : url,
    headers,
    requestId,
    address,
  };
}

function namesIn(connection: string): Set<string> {
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}
