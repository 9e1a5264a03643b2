import { canonicalName } from "#base/names.ts";

/** A search as the database takes it. */
export type SearchTerms = {
  /** For FTS5: every word quoted, the last one as a prefix; no operator of the user gets through. */
  match: string;
  /** The whole as a name, to compare with canonical names. Empty where it cannot be one. */
  canonical: string;
};

const MAX_LENGTH = 256;
const MAX_WORDS = 8;

/** What to search for, or undefined where the text has no letter and no digit. Takes any text. */
export function parseSearch(text: string): SearchTerms | undefined {
  const lower = text.slice(0, MAX_LENGTH).normalize("NFKC").toLowerCase();
  const words = lower.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu)?.slice(0, MAX_WORDS) ?? [];
  if (words.length === 0) return undefined;
  const name = canonicalName(lower).replace(/\s+/g, "");
  return {
    match: `${words.map((word) => `"${word}"`).join(" ")} *`,
    canonical: /^[a-z0-9@/]{1,64}$/.test(name) ? name : "",
  };
}
