import { quoted } from "./redirects-lines.ts";

const MAX_VALUE_LENGTH = 8192;

/** What the server alone decides, or what would reach beyond the site. */
const OWN = new Set([
  "accept-ranges",
  "age",
  "allow",
  "alt-svc",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "date",
  "etag",
  "host",
  "keep-alive",
  "last-modified",
  "location",
  "proxy-authenticate",
  "proxy-connection",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Why a header cannot be sent, as a sentence; undefined where it can. */
export function problemOfHeader(name: string, value: string): string | undefined {
  const problem = problemOfName(name);
  if (problem !== undefined) return problem;
  const lower = name.toLowerCase();
  // Cookies are cleared for the whole registrable domain: those of other sites and of the dashboard, too.
  if (lower === "clear-site-data" && /cookies|\*/i.test(value))
    return '"Clear-Site-Data" must not clear cookies: they may be those of other sites';
  if (lower === "set-cookie" && /;\s*domain\s*=/i.test(value))
    return '"Set-Cookie" must not name a Domain';
  if (value.length > MAX_VALUE_LENGTH)
    return `the value of ${quoted(name)} is longer than ${MAX_VALUE_LENGTH} characters`;
  if (/[^\t\u0020-\u007e\u00a0-\u00ff]/.test(value))
    return `the value of ${quoted(name)} holds a character that no header may have`;
  return undefined;
}

/**
 * Orders to a proxy in front, which it obeys and does not pass on: with `X-Accel-Redirect` or `X-Sendfile` a site would have it send
 * files of the machine.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers
 */
const TO_PROXIES = /^(?:x-accel-|x-sendfile|x-lighttpd-|x-litespeed-|x-reproxy-url)/;

/** Why no header of this name can be sent or taken away. */
export function problemOfName(name: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return `${quoted(name)} is no header name`;
  const lower = name.toLowerCase();
  if (lower === "basic-auth")
    return '"Basic-Auth" is not supported: `land sites protect` sets a password for the site';
  if (TO_PROXIES.test(lower)) return `${quoted(name)} is an order to a proxy`;
  return OWN.has(lower) ? `${quoted(name)} is set by the server alone` : undefined;
}

/** Several values as Netlify writes them: a comma and one space between. */
export function tidyValue(value: string): string {
  return value
    .split(",")
    .map((part) => part.trim())
    .join(", ");
}
