import { domainToASCII } from "node:url";

import type { ServerConfig } from "#base/config.ts";
import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { isIpLiteral, parseHost } from "#http/host.ts";

/** Room for `_land.` and `_acme-challenge.` before it in 253 characters. */
const MAX_LENGTH = 237;
/** Names that stand in no public DNS (RFC 6761 and kin): no proof and no certificate can be had for them. */
const PRIVATE =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|invalid|onion|alt|arpa)$/;
/** What a URL parser would read as the end of a host, or decode. */
const NOT_A_HOST = /[\u0000-\u0020\u007f/\\?#@:%[\]<>^|]/;

/** A host as DNS knows it: lower case, punycode, without a trailing dot; undefined where it is none. Takes `münchen.de`. */
export function normalizeHost(input: string): string | undefined {
  if (NOT_A_HOST.test(input) || input.length > 512) return undefined;
  const host = parseHost(domainToASCII(input));
  return host?.includes("_") ? undefined : host;
}

/**
 * The host of a custom domain that may be claimed.
 *
 * @throws domain_refused for addresses, wildcards, one label, private names, and what is ours
 */
export function parseDomainHost(config: ServerConfig, input: string): string {
  const refuse = (problem: string): LandError =>
    fail("domain_refused", { host: printable(input), problem });
  if (input.startsWith("*.")) throw refuse("a wildcard cannot be claimed; name each host");
  const host = normalizeHost(input);
  if (host === undefined) throw refuse("it is not a host name such as www.example.com");
  if (isIpLiteral(host)) throw refuse("it is an address, and no name");
  if (!host.includes(".")) throw refuse("it has one label; use a name such as www.example.com");
  if (host.length > MAX_LENGTH) throw refuse(`it is longer than ${MAX_LENGTH} characters`);
  if (!isPublicHost(host)) throw refuse("names of private networks cannot be proven");
  if (isOwnHost(config, host))
    throw refuse("it belongs to this server; its sites have names there already");
  return host;
}

/** Whether a parsed host is a name that public DNS may know, so that others can check it. */
export function isPublicHost(host: string): boolean {
  return host.includes(".") && !isIpLiteral(host) && !PRIVATE.test(host);
}

/** Whether a host is this server's own, or under one of its own. */
export function isOwnHost(config: ServerConfig, host: string): boolean {
  const own = [config.domain, config.sitesDomain, URL.parse(config.publicUrl)?.hostname ?? ""];
  return own.some((name) => name !== "" && (host === name || host.endsWith(`.${name}`)));
}
