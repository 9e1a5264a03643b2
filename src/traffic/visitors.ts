import { eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { trafficSalts } from "./tables.ts";

const SALT_BYTES = 32;

/** The salt of a day, made by whoever asks first. Without it no hash of that day can be made again, from any address. */
export async function readSalt(ctx: Ctx, tx: Tx, day: number): Promise<Uint8Array> {
  const [row] = await tx.select().from(trafficSalts).where(eq(trafficSalts.day, day));
  if (row) return row.salt;
  const salt = Buffer.from(ctx.random(SALT_BYTES));
  await tx.insert(trafficSalts).values({ day, salt });
  return salt;
}

/** Stands for a visitor of a site on one day: the first 53 bits of SHA-256, as many as a number holds. */
export function visitorHash(
  salt: Uint8Array,
  siteId: number,
  address: string,
  userAgent: string,
): number {
  const hash = new Bun.CryptoHasher("sha256")
    .update(salt)
    .update(`${siteId}\n${networkOf(address)}\n${userAgent}`)
    .digest();
  return hash.readUInt32BE(0) * 2 ** 21 + (hash.readUInt32BE(4) >>> 11);
}

/** What of an address tells visitors apart: of IPv6 the first 64 bits, since machines change the rest at will. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
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

/** `::ffff:192.0.2.1` as `192.0.2.1`; others as they are. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}
