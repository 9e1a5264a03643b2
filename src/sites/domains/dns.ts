import { Resolver } from "node:dns/promises";

import { printable } from "#base/names.ts";
import { errorCode } from "#store/files.ts";

/**
 * What DNS says about TXT records of a name. `absent`: a server answered that there are none. `unreachable`: nobody knows,
 * which proves nothing.
 */
export type TxtAnswer =
  | { kind: "found"; strings: readonly string[] }
  | { kind: "absent" }
  | { kind: "unreachable"; problem: string };

const TIMEOUT_MS = 2500;
const TRIES = 3;
const LONGEST_MS = 15_000;

/**
 * Asks for the TXT records of a name: `servers` (address or address:port) in their order, the system's where there are none.
 * Answers within 15 seconds and never throws. Each look-up is a Resolver of its own, since one keeps answers.
 */
export async function lookUpTxt(servers: readonly string[], name: string): Promise<TxtAnswer> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  const ends = setTimeout(() => resolver.cancel(), LONGEST_MS);
  try {
    if (servers.length > 0) resolver.setServers(servers);
    const records = await resolver.resolveTxt(name);
    return { kind: "found", strings: records.flat() };
  } catch (cause) {
    const code = errorCode(cause) ?? "unknown";
    if (code === "ENOTFOUND" || code === "ENODATA") return { kind: "absent" };
    return { kind: "unreachable", problem: PROBLEMS[code] ?? `DNS failed with ${printable(code)}` };
  } finally {
    clearTimeout(ends);
  }
}

/**
 * Whether one TXT record of an answer is exactly `value`. A record may come in strings of up to 255 bytes, to be joined without
 * anything between (RFC 7208 section 3.3); Bun's resolver does not tell which strings are one record, so neighbours are joined.
 */
export function holdsTxt(strings: readonly string[], value: string): boolean {
  return strings.some((_, first) => {
    let joined = "";
    for (const part of strings.slice(first)) {
      joined += part;
      if (joined === value) return true;
      if (!value.startsWith(joined)) return false;
    }
    return false;
  });
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ESERVFAIL: "the DNS server answered SERVFAIL",
  EREFUSED: "the DNS server refused to answer",
  ETIMEOUT: "the DNS server did not answer in time",
  ECANCELLED: "the DNS server did not answer in time",
  ECONNREFUSED: "the DNS server cannot be reached",
  ERR_INVALID_IP_ADDRESS: "the setting dns.servers holds what is no address",
};
