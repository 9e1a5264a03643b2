import { and, eq } from "drizzle-orm";

import { type Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { variants } from "../tables.ts";
import { createLoads } from "./cache-loads.ts";
import { type Coding } from "./serve-encoding.ts";

/** A file in a coding: the blob that holds it. `none`: it does not get smaller. No entry: not made yet. */
export type Variant = { digest: Digest; sizeBytes: number; isBest: boolean } | "none";
/** What of a file is there. */
export type VariantSet = Partial<Record<Coding, Variant>>;

/** Which codings of which files are there, kept in memory. */
export type VariantIndex = {
  find: (digest: Digest) => Promise<VariantSet>;
  /** The same at once, where it is in memory. */
  peek: (digest: Digest) => VariantSet | undefined;
  forget: (digest: Digest) => void;
  /** Takes a variant off the books whose bytes are gone. */
  drop: (digest: Digest, coding: Coding) => Promise<void>;
};

/** Files smaller than this win nothing that fits a packet. */
export const MIN_VARIANT_BYTES = 256;
/** Coding larger ones takes minutes of a processor, and they are seldom text. */
export const MAX_VARIANT_BYTES = 16 * 1024 * 1024;
const MAX_KNOWN = 10_000;

/** Reads the table of variants on demand. */
export function createVariantIndex(ctx: Ctx): VariantIndex {
  const known = createLoads<VariantSet>(ctx.now, {
    maxWeight: MAX_KNOWN,
    weightOf: () => 1,
    maxUnknown: 0,
    unknownMs: 0,
  });
  return {
    async find(digest) {
      return (await known.find(digest, digest, () => readVariants(ctx, digest))) ?? {};
    },
    peek: (digest) => known.peek(digest),
    forget: (digest) => known.forget(digest),
    async drop(digest, coding) {
      await ctx.db.transaction(async (tx) => {
        await tx
          .delete(variants)
          .where(and(eq(variants.digest, digest), eq(variants.encoding, coding)));
      });
      known.forget(digest);
    },
  };
}

/** What the table of variants tells of a file. */
export async function readVariants(ctx: Ctx, digest: Digest): Promise<VariantSet> {
  const rows = await ctx.db.read.select().from(variants).where(eq(variants.digest, digest));
  const set: VariantSet = {};
  for (const { encoding, variant, sizeBytes, best } of rows)
    set[encoding] = variant === null ? "none" : { digest: variant, sizeBytes, isBest: best };
  return set;
}
