import { cookieNames } from "#http/cookies.ts";
import type { Peer } from "#http/peer.ts";
import type { CountryOf } from "#traffic/countries.ts";

import type { Question } from "../rules/resolve.ts";
import type { SiteDestination } from "./serve.ts";

/** The path and query of a request's address as they were sent; the query without "?". */
export function splitUrl(url: string): { path: string; query: string } {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const target = start === -1 ? "/" : url.slice(start);
  const [address = "/"] = target.split("#", 1);
  const at = address.indexOf("?");
  return at === -1
    ? { path: address, query: "" }
    : { path: address.slice(0, at), query: address.slice(at + 1) };
}

/** What is asked of the rules of a site, and whether they looked at the visitor and not only at the address. */
export function questionOf(asked: {
  request: Request;
  path: string;
  query: string;
  destination: SiteDestination;
  peer: Peer;
  countryOf: CountryOf | undefined;
}): { question: Question; wasPersonal: () => boolean } {
  const { headers } = asked.request;
  let personal = false;
  const question: Question = {
    path: asked.path,
    query: asked.query,
    host: asked.destination.host,
    scheme: asked.peer.secure ? "https" : "http",
    get country() {
      personal = true;
      return asked.countryOf?.(asked.peer.address());
    },
    get languages() {
      personal = true;
      return languagesOf(headers.get("accept-language"));
    },
    get cookies() {
      personal = true;
      return cookieNames(asked.request);
    },
  };
  return { question, wasPersonal: () => personal };
}

const MAX_HEADER = 1000;

/** The languages of an Accept-Language header, best first. @see RFC 9110 section 12.5.4 */
function languagesOf(header: string | null): string[] {
  if (header === null || header.length > MAX_HEADER) return [];
  return header
    .split(",")
    .map((item) => {
      const [tag = "", ...parameters] = item.split(";").map((part) => part.trim());
      const weight = parameters.find((part) => /^q=/i.test(part))?.slice(2) ?? "1";
      return { tag, weight: Number(weight) };
    })
    .filter(({ tag, weight }) => /^[A-Za-z0-9-]{1,35}$/.test(tag) && weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
