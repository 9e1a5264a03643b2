import { eq } from "drizzle-orm";

import { networkOf } from "#base/address.ts";
import type { Ctx } from "#store/ctx.ts";
import type { LossyTx } from "#store/lossy.ts";

import { trafficSalts } from "./tables.ts";

const SALT_BYTES = 32;

/** The salt of a day, made by whoever asks first. Without it no hash of that day can be made again, from any address. */
export async function readSalt(ctx: Ctx, tx: LossyTx, day: number): Promise<Uint8Array> {
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
