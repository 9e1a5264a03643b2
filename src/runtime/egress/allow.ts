import { domainToASCII } from "node:url";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { parseHost } from "#http/host.ts";

import type { Target } from "./target.ts";

/**
 * The hosts of a list as they are kept: lower case, punycode, each once, sorted. An entry is `api.example.com`, an address
 * (`203.0.113.5`, `[2001:db8::1]`), or `*.example.com` for all names below that one; with `:8443` for that port alone, else
 * for the ports of http and https.
 *
 * @throws egress_invalid
 */
export function parseAllow(list: readonly string[]): string[] {
  return [...new Set(list.map((entry) => parseEntry(entry)))].toSorted();
}

function parseEntry(input: string): string {
  const text = input.trim();
  const refuse = (problem: string) => fail("egress_invalid", { host: printable(input), problem });
  if (text === "*") throw refuse("take the list away to allow every public host");
  if (text.includes("/")) throw refuse("it is an address of a page; name the host alone");
  const [, star = "", name = "", port] =
    /^(\*\.)?(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw refuse("its port is not 1 to 65535");
  const host = parseHost(name.startsWith("[") ? canonicalV6(name) : domainToASCII(name));
  if (host === undefined || host.includes("*")) throw refuse("it is not a host");
  if (star !== "" && (host.startsWith("[") || /^[\d.]+$/.test(host)))
    throw refuse("nothing stands below an address");
  return `${star}${host}${port === undefined ? "" : `:${Number(port)}`}`;
}

/** The form in which an address of a request is compared. */
function canonicalV6(text: string): string {
  return URL.parse(`http://${text}/`)?.hostname ?? "";
}

/** Whether a list as `parseAllow` made it lets a program ask there. */
export function isAllowed(allow: readonly string[], target: Target): boolean {
  const { url, port, isSecure } = target;
  const host = target.host.includes(":") ? url.hostname : target.host;
  const isPlainPort = port === (isSecure ? 443 : 80);
  return allow.some((entry) => {
    const [, name = "", wanted] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (wanted === undefined ? !isPlainPort : Number(wanted) !== port) return false;
    return name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name;
  });
}
