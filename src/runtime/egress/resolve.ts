import { lookup, Resolver } from "node:dns/promises";

import { errorCode } from "#store/files.ts";

/** All addresses of a name; none where there is no such name. Rejects where nobody knows. */
export type Resolve = (host: string) => Promise<string[]>;

const TIMEOUT_MS = 2500;
const TRIES = 2;
const LONGEST_MS = 5000;

/** Asks `servers` (address or address:port) for A and AAAA records, the system where there are none. Answers within 5 seconds. */
export function createResolve(servers: readonly string[]): Resolve {
  return (host) => withLimit(servers.length > 0 ? askServers(servers, host) : askSystem(host));
}

async function askSystem(host: string): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return found.map(({ address }) => address);
  } catch (cause) {
    return noneIfAbsent(cause);
  }
}

async function askServers(servers: readonly string[], host: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(servers);
  const [six, four] = await Promise.all([
    resolver.resolve6(host).catch(noneIfAbsent),
    resolver.resolve4(host).catch(noneIfAbsent),
  ]);
  return [...six, ...four];
}

function noneIfAbsent(cause: unknown): string[] {
  const code = errorCode(cause);
  if (code === "ENOTFOUND" || code === "ENODATA") return [];
  throw cause;
}

function withLimit<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("DNS did not answer in time")), LONGEST_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
