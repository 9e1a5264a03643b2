import { readWeights } from "#http/encoding.ts";

/** The content codings of variants, the one that we like best first. */
export const CODINGS = ["br", "zstd", "gzip"] as const;
/** How a body is coded. */
export type Coding = (typeof CODINGS)[number];

/** What a visitor takes. */
export type Preference = {
  /** Small, and the same for the same order. */
  readonly id: number;
  /** Codings and identity, the most wanted first. What is not in it is refused. */
  readonly order: readonly (Coding | "identity")[];
};

/** Reads `Accept-Encoding` headers. */
export type Preferences = {
  /** @see RFC 9110 section 12.5.3 */
  of: (header: string | null) => Preference;
  /** The same, where that header was read before; else undefined. */
  known: (header: string | null) => Preference | undefined;
};

/** Longest header that is looked at. */
const MAX_HEADER = 1000;
/** Headers that are remembered. Browsers send a handful of different ones. */
const MAX_KNOWN = 500;

/** Makes a reader that remembers what it read, within bounds. Without a header only identity is taken, as old clients mean it. */
export function createPreferences(): Preferences {
  const known = new Map<string, Preference>();
  const byOrder = new Map<string, Preference>();
  return {
    known: (header) => known.get(header ?? ""),
    of(header) {
      const text = header ?? "";
      const found = known.get(text);
      if (found) return found;
      const order = text.length > MAX_HEADER ? (["identity"] as const) : orderOf(text);
      const name = order.join();
      const preference = byOrder.get(name) ?? { id: byOrder.size, order };
      byOrder.set(name, preference);
      if (known.size >= MAX_KNOWN) known.clear();
      if (text.length <= MAX_HEADER) known.set(text, preference);
      return preference;
    },
  };
}

function orderOf(header: string): Preference["order"] {
  const weights = readWeights(header);
  const others = weights.get("*");
  const identity = weights.get("identity") ?? (others === 0 ? 0 : Number.MIN_VALUE);
  const weighed = CODINGS.map((name) => ({
    name,
    // RFC 9110 section 8.4.1.3: recipients treat x-gzip as gzip.
    weight:
      weights.get(name) ?? (name === "gzip" ? weights.get("x-gzip") : undefined) ?? others ?? 0,
  }));
  return [...weighed, { name: "identity" as const, weight: identity }]
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ name }) => name);
}
