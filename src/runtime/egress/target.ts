import { BridgeError } from "#bridge/model.ts";
import { parseHost } from "#http/host.ts";

/** What a program asks for, after its address was read once. */
export type Target = {
  /** Without fragment and credentials. */
  url: URL;
  isSecure: boolean;
  /** A name in lower case without trailing dot, or an address without brackets. */
  host: string;
  isAddress: boolean;
  port: number;
  /** For the Host header and the ledger: `host`, with the port where it is not that of the scheme. */
  authority: string;
};

/** A refusal by a rule. The guest turns it into a TypeError with this code. */
export function deny(what: string, why: string): BridgeError {
  return new BridgeError("egress_denied", `Cannot fetch ${what}: ${why}`);
}

/** Something went wrong on the way. */
export function broken(what: string, why: string): BridgeError {
  return new BridgeError("egress_failed", `Cannot fetch ${what}: ${why}`);
}

/**
 * Reads the address of a request. Nothing of it is read a second time, so that no two parsers can disagree.
 *
 * Throws BridgeError egress_denied
 */
export function parseTarget(text: string, base?: URL): Target {
  const url = URL.parse(text, base?.href);
  if (!url) throw deny("it", "its address cannot be read");
  url.hash = "";
  const shown = shorten(`${url.protocol}//${url.host}`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw deny(shown, "only http and https are there");
  if (url.username !== "" || url.password !== "")
    throw deny(shown, "an address with a password is refused; send an Authorization header");
  const host = parseHost(url.hostname);
  if (host === undefined) throw deny(shown, "its host is neither a name nor an address");
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  const isAddress = host.startsWith("[") || /^[\d.]+$/.test(host);
  return {
    url,
    isSecure,
    host: host.replace(/^\[|\]$/g, ""),
    isAddress,
    port,
    authority: url.port === "" ? host : `${host}:${port}`,
  };
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** Ports of services that are no web servers, and could be talked into something by the text of a request. @see https://fetch.spec.whatwg.org/#port-blocking */
const BAD_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10080,
]);

/** Whether no browser would ask that port, either. */
export function isBadPort(port: number): boolean {
  return BAD_PORTS.has(port);
}
