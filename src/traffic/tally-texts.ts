/** Texts by a number, each kept once. Bounded. */
export type Texts = {
  ids: Map<string, number>;
  texts: string[];
  /** Of user agents: whether each is a bot. */
  bots: (boolean | undefined)[];
};

/** Enough for all paths, referrers, visitors and agents that a tally has room for. */
const MAX_TEXTS = 20_000;

/** Holds the given texts, numbered from 0. */
export function createTexts(first: readonly string[]): Texts {
  return { ids: new Map(first.map((text, id) => [text, id])), texts: [...first], bots: [] };
}

/** The number of a text, where it has one. */
export function knownText({ ids }: Texts, text: string): number | undefined {
  return ids.get(text);
}

/** The number of a text, which it is given where it has none; undefined where there is no room for more. */
export function idOfText({ ids, texts }: Texts, text: string): number | undefined {
  const known = ids.get(text);
  if (known !== undefined || texts.length >= MAX_TEXTS) return known;
  const id = texts.length;
  // In memory of its own: a slice would keep all of what it was sliced from.
  const own = Buffer.from(text, "utf8").toString("utf8");
  ids.set(own, id);
  texts.push(own);
  return id;
}

/** The text of a number that was given. */
export function textOf({ texts }: Texts, id: number): string {
  return texts[id] ?? "";
}
