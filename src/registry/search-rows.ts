import { eq } from "drizzle-orm";

import { canonicalName, type PackageName } from "#base/names.ts";
import type { Tx } from "#store/db.ts";

import { packageSpellings, packageTrigrams, packageWords } from "./tables.ts";

/** Longest part of a name that is looked up by its spellings; longer ones share trigrams with their typos. */
const MAX_SPELLED = 16;

/** Makes a package found by these words and no others. */
export async function replaceSearchRows(
  tx: Tx,
  id: number,
  about: { name: PackageName; description: string; keywords: readonly string[] },
): Promise<void> {
  const { name, description, keywords } = about;
  await tx.delete(packageWords).where(eq(packageWords.id, id));
  await tx.insert(packageWords).values({ id, name, description, keywords: keywords.join(" ") });
  await tx.delete(packageTrigrams).where(eq(packageTrigrams.id, id));
  await tx.insert(packageTrigrams).values({ id, name: canonicalName(name) });
  await tx.delete(packageSpellings).where(eq(packageSpellings.packageId, id));
  const spellings = new Set(nameParts(name).flatMap(spellingsOf));
  const rows = [...spellings].map((spelling) => ({ spelling, packageId: id }));
  if (rows.length > 0) await tx.insert(packageSpellings).values(rows);
}

/** The words of a name and the name itself without its scope, each once. */
export function nameParts(name: string): string[] {
  const bare = name.slice(name.indexOf("/") + 1);
  return [...new Set([canonicalName(bare), ...name.split(/[-_.@/]+/)])].filter(Boolean);
}

/** The word itself and with each one letter left out; nothing for a word too short or too long to be told from others so. */
export function spellingsOf(word: string): string[] {
  if (word.length < 3 || word.length > MAX_SPELLED) return [];
  const shorter = Array.from(word, (_, at) => word.slice(0, at) + word.slice(at + 1));
  return [...new Set([word, ...shorter])];
}
