import { isIP } from "node:net";

/** `::ffff:192.0.2.1` as `192.0.2.1`, and `[::1]` without its brackets; others as they are. */
export function plainAddress(address: string): string {
  // Asked for every request: most need no more than this look.
  if (!address.includes(":")) return address;
  return address.replace(/^\[|\]$/g, "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/**
 * What one customer of a provider has, as what an address counts for: the address itself, or of IPv6 the first 64 bits, since
 * machines change the rest at will.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = "", tail] = plain.toLowerCase().split("%", 1).join("").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  // Dotted numbers at the end are two groups.
  const written = left.length + right.length + (plain.includes(".") ? 1 : 0);
  const zeros = Array.from({ length: Math.max(0, 8 - written) }, () => "0");
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
