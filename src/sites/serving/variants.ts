import { and, eq, sql } from "drizzle-orm";

import { type Digest, parseDigest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { variants } from "../tables.ts";
import { createLoads } from "./cache-loads.ts";
import { type Coding } from "./serve-encoding.ts";

/** A file in a coding: the blob that holds it. `none`: it does not get smaller. */
export type Variant = { digest: Digest; sizeBytes: number; isBest: boolean } | "none";
/** Which codings of a file are there, as one text for each file: objects would take three times the memory. */
export type VariantSet = { text: string };

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
/** Of what is known, with what each file takes besides its text: some 12,000 files with three codings. */
const MAX_KNOWN_BYTES = 6 * 1024 * 1024;
const SET_BYTES = 300;

/** What stands after the name of a coding, which no hex digit can be mistaken for. */
const BEST = "+";
const FAST = "-";
const NONE = "0";
const END = "\n";
const HEX = 64;

/** Reads the table of variants on demand. */
export function createVariantIndex(ctx: Ctx): VariantIndex {
  const read = createVariantReader(ctx);
  const known = createLoads<VariantSet>(ctx.now, {
    maxWeight: MAX_KNOWN_BYTES,
    weightOf: ({ text }) => SET_BYTES + text.length,
    maxUnknown: 0,
    unknownMs: 0,
  });
  return {
    async find(digest) {
      return (await known.find(digest, digest, () => read(digest))) ?? noVariants();
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

/** Asks the table of variants about a file, by one statement that is prepared once. */
export function createVariantReader({
  db,
}: Pick<Ctx, "db">): (digest: Digest) => Promise<VariantSet> {
  const { encoding, variant, sizeBytes, best } = variants;
  const query = db.read
    .select({ encoding, variant, sizeBytes, best })
    .from(variants)
    .where(eq(variants.digest, sql.placeholder("digest")))
    .prepare();
  return async (digest) => {
    let text = "";
    for (const row of await query.execute({ digest })) {
      const facts =
        row.variant === null
          ? NONE
          : `${row.best ? BEST : FAST}${row.variant.slice("sha256:".length)}${row.sizeBytes}`;
      text += row.encoding + facts + END;
    }
    // As one piece: a text that is put together holds on to its parts.
    return { text: Buffer.from(text, "latin1").toString("latin1") };
  };
}

/** Nothing is made yet. */
export function noVariants(): VariantSet {
  return { text: "" };
}

/** A file in a coding; undefined: not made yet. */
export function variantIn({ text }: VariantSet, coding: Coding): Variant | undefined {
  const at = text.indexOf(coding);
  if (at === -1) return undefined;
  const mark = text[at + coding.length];
  if (mark === NONE) return "none";
  const from = at + coding.length + 1;
  return {
    digest: parseDigest(`sha256:${text.slice(from, from + HEX)}`),
    sizeBytes: Number(text.slice(from + HEX, text.indexOf(END, from))),
    isBest: mark === BEST,
  };
}

/** Remembers that a file does not get smaller in a coding that is not made yet. */
export function noteNone(set: VariantSet, coding: Coding): void {
  if (!set.text.includes(coding)) set.text += coding + NONE + END;
}
