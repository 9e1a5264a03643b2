import { isIP } from "node:net";

import { isLoopbackHost } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { isIpLiteral } from "#http/host.ts";
import { problemResponse } from "#http/problems.ts";

/**
 * Whether a name is one of this machine. A page of anybody could let its own name lead here, and read what is served: a name
 * that nobody else can have is not that.
 */
export function isOurs(host: string, listening: string): boolean {
  if (isLoopbackHost(host) || host.endsWith(".localhost")) return true;
  if (isLoopbackHost(listening)) return false;
  return isIpLiteral(host) || (isIP(listening) === 0 && host === listening.toLowerCase());
}

/** The answer to a request for another name; undefined: the header is not one host name. */
export function refuseHost(host: string | undefined): Response {
  const problem =
    host === undefined
      ? "its Host header is not one host name"
      : "its Host header names another machine";
  return problemResponse(fail("bad_request", { problem }), {});
}
