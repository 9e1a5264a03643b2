import { join } from "node:path";

import { isMap, readJson } from "#pack/json.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

/** A word that may stand there, and what it is about. */
export type Candidate = { text: string; about?: string };

/** How many questions are remembered. */
const MAX_ENTRIES = 60;
/** What is older may still be better than nothing where nobody answers. */
const STALE_MS = 24 * 60 * 60 * 1000;

type Entry = { at: number; words: Candidate[] };

/**
 * The answer to `question`, from `$LAND_HOME/cache/completions.json` where it is not older than `freshMs`, else asked for and
 * remembered. Where asking fails, what was remembered for up to a day; else nothing. Never throws.
 */
export async function rememberedWords(
  from: { landHome: string; now: () => Date },
  question: string,
  freshMs: number,
  ask: () => Promise<Candidate[]>,
): Promise<Candidate[]> {
  const path = join(from.landHome, "cache", "completions.json");
  const entries = parseEntries(await readTextIfAny(path).catch(() => undefined));
  const known = entries.get(question);
  const age = known === undefined ? Number.POSITIVE_INFINITY : from.now().getTime() - known.at;
  if (known && age >= 0 && age < freshMs) return known.words;
  try {
    const words = await ask();
    entries.delete(question);
    const all = [...entries, [question, { at: from.now().getTime(), words }] as const];
    const kept = Object.fromEntries(all.slice(-MAX_ENTRIES));
    const text = `${JSON.stringify({ version: 1, entries: kept })}\n`;
    await writeFileAtomic(path, text, { mode: 0o600 }).catch(() => undefined);
    return words;
  } catch {
    return known && age < STALE_MS ? known.words : [];
  }
}

/** What is not readable is as good as not there: it is a cache. */
function parseEntries(text: string | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const read = text === undefined ? undefined : readJson(text);
  if (!read || "problem" in read || !isMap(read.value)) return entries;
  const { version, entries: found } = read.value;
  if (version !== 1 || !isMap(found)) return entries;
  for (const [question, entry] of Object.entries(found)) {
    if (!isMap(entry) || typeof entry["at"] !== "number" || !Array.isArray(entry["words"]))
      continue;
    entries.set(question, { at: entry["at"], words: entry["words"].flatMap(parseCandidate) });
  }
  return entries;
}

function parseCandidate(value: unknown): Candidate[] {
  if (!isMap(value) || typeof value["text"] !== "string") return [];
  const { text, about } = value;
  return [{ text, ...(typeof about === "string" && { about }) }];
}
