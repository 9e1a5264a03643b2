import { isIP } from "node:net";

import type { ServerConfig } from "#base/config.ts";

/** Whom a request is for, by its Host header alone. */
export type Destination =
  { kind: "own"; host: string } | { kind: "unknown"; host: string } | { kind: "malformed" };

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Decides on the Host header before anything else does. Bun joins duplicate headers with a comma and passes odd values, so
 * only one host of letters, digits, hyphens and dots, or an IP literal, with an optional port is well formed.
 *
 * @see RFC 9110 section 7.2
 */
export function destinationOf(header: string | null, config: ServerConfig): Destination {
  const host = parseHost(header);
  if (host === undefined) return { kind: "malformed" };
  const publicHost = URL.parse(config.publicUrl)?.hostname;
  const own =
    host === config.domain || host === "localhost" || host === publicHost || isIpLiteral(host);
  return { kind: own ? "own" : "unknown", host };
}

/** The host of a Host header in lower case, without port and trailing dot, or undefined where it is malformed. */
function parseHost(header: string | null): string | undefined {
  if (header === null || header.length > 261) return undefined;
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(header);
  const [, name, port] = match ?? [];
  if (name === undefined || Number(port ?? 0) > 65_535) return undefined;
  const host = name.toLowerCase().replace(/\.$/, "");
  if (host.startsWith("[")) return isIP(host.slice(1, -1)) === 6 ? host : undefined;
  if (isIP(host) === 4) return host;
  const labels = host.split(".");
  // All-numeric last labels are addresses in other spellings, which browsers would rewrite.
  const wellFormed =
    labels.every((label) => LABEL.test(label)) &&
    !/^(?:0x[0-9a-f]*|\d+)$/.test(labels.at(-1) ?? "");
  return wellFormed && host.length <= 253 ? host : undefined;
}

function isIpLiteral(host: string): boolean {
  return host.startsWith("[") || isIP(host) === 4;
}
