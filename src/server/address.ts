import { isIP } from "node:net";

import { plainAddress } from "#base/address.ts";

/**
 * The address of the client: the peer's, or, where the peer is a trusted proxy, the last address in X-Forwarded-For
 * that is not one itself. Anything before that one could be made up by the client.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | null,
  trustedProxies: readonly string[],
): string {
  const own = plainAddress(peer);
  if (forwardedFor === null || !trustedProxies.includes(own)) return own;
  const chain = forwardedFor.split(",").map((part) => plainAddress(part.trim()));
  for (const address of chain.toReversed()) {
    if (isIP(address) === 0) return own;
    if (!trustedProxies.includes(address)) return address;
  }
  return own;
}
