import type { ServerConfig } from "#base/config.ts";

import { cacheControlBehindGate } from "../gate/gate-protection.ts";
import { isFingerprinted } from "../rules/fingerprint.ts";
import { headersFor } from "../rules/headers.ts";
import { contentTypeOf } from "../rules/types.ts";
import type { LoadedSite, Shown } from "./load.ts";

/** Kept for a year, and never asked for again: the name says which bytes it is. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** Kept, and asked for each time whether it is still right. */
const ASK_EACH_TIME = "public, max-age=0, must-revalidate";

/** Headers of one connection or of the framing of a body, which a file of a deploy cannot decide. @see RFC 9110 section 7.6.1 */
const NOT_THEIRS = new Set(
  "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length content-range accept-ranges date etag last-modified age server alt-svc x-request-id strict-transport-security".split(
    " ",
  ),
);

/** What caches of networks and Expires obey beside, or before, Cache-Control. @see RFC 9213 */
const TELLS_CACHES = /^(?:expires|surrogate-control|(?:.+-)?cdn-cache-control)$/;

/** What of a request decides the headers of a file. */
export type HeadersAsk = {
  loaded: LoadedSite;
  shown: Shown;
  /** In the manifest. */
  path: string;
  /** As asked for, decoded. */
  route: string;
  host: string;
  status: number;
  /** Whether only some visitors are let in. */
  isGated: boolean;
};

/** The headers of a file but for those of its bytes: ours, changed by what `_headers` says. */
export function fileHeaders(config: ServerConfig, ask: HeadersAsk): Headers {
  const { loaded, shown, path, route, host, status, isGated } = ask;
  const headers = new Headers({
    "content-type": contentTypeOf(path),
    "cache-control": status === 200 && isFingerprinted(path) ? FOR_EVER : ASK_EACH_TIME,
    "x-content-type-options": "nosniff",
  });
  if (loaded.isDeployAddress) headers.set("x-robots-tag", "noindex");
  for (const [name, value] of headersFor(shown.rules.rules, route, host))
    apply(config, headers, name.toLowerCase(), value);
  if (isGated) {
    headers.set("cache-control", cacheControlBehindGate(headers.get("cache-control")));
    for (const name of headers.keys().toArray()) if (TELLS_CACHES.test(name)) headers.delete(name);
  }
  return headers;
}

/** Sets what `_headers` says; a value of "" takes the header away. */
function apply(config: ServerConfig, headers: Headers, name: string, value: string): void {
  if (NOT_THEIRS.has(name)) return;
  try {
    if (value === "") headers.delete(name);
    else if (name !== "set-cookie") headers.set(name, value);
    else if (!reachesOthers(config, value)) headers.append(name, value);
  } catch {
    // A name or value that no header can have: told at the deploy.
  }
}

/** Whether a cookie would be sent to the dashboard or to other sites: its `Domain` is ours or above. */
function reachesOthers({ domain, sitesDomain }: ServerConfig, cookie: string): boolean {
  const theirs = cookie
    .split(";")
    .slice(1)
    .map((part) => /^\s*domain\s*=\s*\.?(.*?)\.?\s*$/i.exec(part)?.[1]?.toLowerCase())
    .filter((host) => host !== undefined && host !== "");
  const ours = [domain, sitesDomain].filter((host) => host !== "");
  return ours.some((own) => theirs.some((host) => own === host || own.endsWith(`.${host}`)));
}
