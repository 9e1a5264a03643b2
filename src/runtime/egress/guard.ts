import type { ServerConfig } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { addressKey, parseAddress } from "./address.ts";
import { classify, KIND_WORDS } from "./classify.ts";
import type { Resolve } from "./resolve.ts";
import { broken, deny, isBadPort, type Target } from "./target.ts";

/** What decides where programs may connect to. */
export type GuardParts = {
  config: Pick<ServerConfig, "functions.egressPrivate">;
  resolve: Resolve;
  /** Addresses under which this server is reached. */
  ownAddresses: () => readonly string[];
  /** Whether a name leads to this server. */
  isOwnHost: (host: string) => Promise<boolean>;
};

/** Answers the addresses that may be connected to, in the order to try. Throws BridgeError egress_denied, egress_failed */
export type Guard = (target: Target) => Promise<string[]>;

/**
 * Makes a guard. A name is resolved once for each request, and one bad address among its answers refuses all: what is
 * connected to is what was judged, so a name that answers differently the next time gains nothing.
 *
 * @throws config_invalid for an entry of functions.egressPrivate that is no address with a port
 */
export function createGuard(parts: GuardParts): Guard {
  const opened = new Set(
    parts.config["functions.egressPrivate"].map((entry) => parseOpened(entry)),
  );
  const judge = (target: Target, address: string): string | undefined => {
    const bytes = parseAddress(address);
    if (!bytes) return "DNS answered with what is no address";
    const key = addressKey(bytes);
    if (opened.has(openedKey(key, target.port))) return undefined;
    if (isBadPort(target.port)) return `port ${target.port} is not for the web`;
    const kind = classify(bytes);
    if (kind !== "public") return `${aboutOf(target, address)} ${KIND_WORDS[kind]}`;
    const isOwn = parts.ownAddresses().some((own) => keyOf(own) === key);
    return isOwn ? `${aboutOf(target, address)} an address of this server` : undefined;
  };
  return async (target) => {
    const what = target.authority;
    const addresses = target.isAddress ? [target.host] : await resolveName(parts.resolve, target);
    const isOpened =
      addresses.length > 0 &&
      addresses.every((address) => opened.has(openedKey(keyOf(address) ?? "", target.port)));
    if (isOpened) return addresses;
    if (!target.isAddress && (await parts.isOwnHost(target.host)))
      throw deny(what, "it is this server, which programs cannot ask");
    if (addresses.length === 0) throw broken(what, "there is no host of that name");
    for (const address of addresses) {
      const problem = judge(target, address);
      if (problem !== undefined) throw deny(what, problem);
    }
    return addresses;
  };
}

async function resolveName(resolve: Resolve, { host, authority }: Target): Promise<string[]> {
  try {
    return await resolve(host);
  } catch (cause) {
    const problem = cause instanceof Error ? printable(cause.message) : "DNS failed";
    throw broken(authority, problem);
  }
}

function aboutOf({ isAddress }: Target, address: string): string {
  return isAddress ? "it is" : `it leads to ${printable(address)}, which is`;
}

function keyOf(address: string): string | undefined {
  const bytes = parseAddress(address);
  return bytes && addressKey(bytes);
}

function openedKey(key: string, port: number): string {
  return `${key} ${port}`;
}

function parseOpened(entry: string): string {
  const [, six, four, port = ""] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(entry) ?? [];
  const key = keyOf(six ?? four ?? "");
  if (key === undefined)
    throw fail("config_invalid", {
      key: "functions.egressPrivate",
      source: "the configuration",
      problem: `"${printable(entry)}" is no address with a port, such as 10.0.0.5:8080`,
    });
  return openedKey(key, Number(port));
}
