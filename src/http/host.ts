import { isIP } from "node:net";

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * The host of a Host header in lower case, without port and trailing dot, or undefined where it is malformed. Bun joins duplicate
 * headers with a comma and passes odd values, so only one host of letters, digits, hyphens and dots, or an IP literal,
 * with an optional port is well formed.
 *
 * @see RFC 9110 section 7.2
 */
export function parseHost(header: string | null): string | undefined {
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

/** Whether a parsed host is an address and no name. */
export function isIpLiteral(host: string): boolean {
  return host.startsWith("[") || isIP(host) === 4;
}
