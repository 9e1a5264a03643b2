import { fail, LandError } from "#base/errors.ts";
import { isMap } from "#pack/json.ts";

import { ANSWER_LIMITS, parseJson, problemOfType } from "./answer.ts";
import type { Exchange, Opened } from "./exchange.ts";
import { type IndexAnswer, parseIndex } from "./index-lines.ts";
import { withRetry } from "./retry.ts";

/** Which indexes are asked for, by name: what is known of each already, and the range within which it is followed. */
export type IndexesWanted = ReadonlyMap<string, { etag?: string; range?: string }>;

/** What came of a question for many. */
export type ManyTold = {
  /** Whether the registry, and all that is before it, takes such questions. */
  taken: boolean;
  /** Seconds for which what it told may be believed without asking again, by its own words; 0 where it has none for that. */
  maxAgeSeconds: number;
};

/** Most packages that the answers to one question may tell of. */
const MAX_TOLD = 20_000;
/** Most bytes of all answers to one question. */
const MAX_BYTES = 134_217_728;
/** Answers that break off and are gone on with before it counts as a try. */
const MAX_GOINGS = 50;
const MAX_LINE = 4_194_304;
const HEAD = /^\s*\{\s*"package"\s*:/;

/**
 * Asks for many indexes at once and hands each over as soon as it is whole, each package once. With `follow` the registry tells
 * also of what the newest versions in the ranges need, and so on. Where the answer breaks off, the rest is asked for again.
 * Where the registry, or something before it, does not take the question, what was not handed over is to be asked for singly, which
 * tells the trouble too.
 *
 * @throws network, cancelled
 */
export async function readIndexes(
  exchange: Exchange,
  wanted: IndexesWanted,
  follow: boolean,
  take: (name: string, answer: IndexAnswer) => void,
): Promise<ManyTold> {
  const told = new Map<string, { etag?: string }>();
  const bytes = { left: MAX_BYTES };
  const ages: number[] = [];
  const isNew = (name: string): boolean => {
    if (!follow && !wanted.has(name)) return false;
    return told.size < MAX_TOLD;
  };
  const note = (name: string, answer: IndexAnswer): void => {
    const before = told.get(name);
    const etag = answer.kind === "fresh" ? answer.etag : (before ?? wanted.get(name))?.etag;
    told.set(name, etag === undefined ? {} : { etag });
    if (!before) take(name, answer);
  };
  const tryOnce = () =>
    exchange.sendOnce(
      {
        method: "POST",
        path: "/index",
        json: { packages: restOf(wanted, told, follow), follow },
        headers: { accept: "application/x-ndjson, application/problem+json" },
      },
      (response, watch, url) => {
        ages.push(maxAgeOf(response));
        const { idleTimeoutMs } = exchange.transport;
        return readAnswer({ response, watch, url, idleTimeoutMs, bytes }, { isNew, note });
      },
    );
  try {
    await withRetry(exchange.transport, `${exchange.registry}/api/v1/index`, async () => {
      for (let goings = 0; ; goings += 1) {
        const before = told.size;
        const tried = await tryOnce();
        // What brought something is worth going on with at once, but for answers that bring next to nothing again and again.
        if (tried.done || told.size === before || goings >= MAX_GOINGS) return tried;
      }
    });
    return { taken: true, maxAgeSeconds: Math.min(...ages) };
  } catch (error) {
    if (isRefusal(error)) return { taken: false, maxAgeSeconds: 0 };
    throw error;
  }
}

/** Seconds for which an answer may be used again without asking. @see RFC 9111, section 5.2.2 */
function maxAgeOf({ headers }: Response): number {
  const words = (headers.get("cache-control") ?? "").toLowerCase().split(/\s*,\s*/);
  if (words.includes("no-store") || words.includes("no-cache")) return 0;
  const [, seconds] =
    /^max-age=(\d{1,9})$/.exec(words.find((word) => word.startsWith("max-age")) ?? "") ?? [];
  return Number(seconds ?? 0);
}

/** Whether a registry refuses a way of asking, or answers it with something else, so that another way may do. */
export function isRefusal(error: unknown): boolean {
  return error instanceof LandError && error.code !== "network" && error.code !== "cancelled";
}

/** What is still to be told; what was followed and came is named with its ETag, so that it is not sent again. */
function restOf(
  wanted: IndexesWanted,
  told: ReadonlyMap<string, { etag?: string }>,
  follow: boolean,
): Record<string, { etag?: string; range?: string }> {
  const rest = [...wanted].filter(([name]) => follow || !told.has(name));
  const known = follow
    ? [...told].map(([name, about]) => [name, { ...wanted.get(name), ...about }] as const)
    : [];
  return Object.fromEntries([...rest, ...known]);
}

type Answer = Opened & { idleTimeoutMs: number; bytes: { left: number } };
type Telling = {
  isNew: (name: string) => boolean;
  note: (name: string, answer: IndexAnswer) => void;
};

async function readAnswer(answer: Answer, { isNew, note }: Telling): Promise<void> {
  const { response, url } = answer;
  const problem = problemOfType(response, "application/x-ndjson");
  if (problem !== undefined) throw fail("bad_answer", { url, problem });
  const seen = new Set<string>();
  let open: { name: string; etag: string | undefined; lines: string[] } | undefined;
  const finish = (): void => {
    if (!open) return;
    const { name, etag, lines } = open;
    const text = lines.map((line) => `${line}\n`).join("");
    note(name, {
      kind: "fresh",
      entries: parseIndex(name, text, url),
      text,
      ...(etag !== undefined && { etag }),
    });
    open = undefined;
  };
  for await (const line of linesOf(answer)) {
    if (!HEAD.test(line)) {
      if (!open) throw fail("bad_answer", { url, problem: "an index has no package" });
      open.lines.push(line);
      continue;
    }
    finish();
    const { name, etag, kind } = headOf(line, url);
    if (seen.has(name) || !isNew(name))
      throw fail("bad_answer", { url, problem: "it tells of a package that was not asked for" });
    seen.add(name);
    if (kind === "fresh") open = { name, etag, lines: [] };
    else note(name, { kind });
  }
  finish();
}

function headOf(
  line: string,
  url: string,
): { name: string; etag: string | undefined; kind: IndexAnswer["kind"] } {
  const head = parseJson(line, url);
  if (!isMap(head) || typeof head["package"] !== "string")
    throw fail("bad_answer", { url, problem: "an index has no package" });
  const { package: name, etag, unchanged, absent } = head;
  const kind = absent === true ? "absent" : unchanged === true ? "unchanged" : "fresh";
  return { name, etag: typeof etag === "string" ? etag : undefined, kind };
}

/** The lines as they come; the last one must have ended. */
async function* linesOf({
  response,
  watch,
  url,
  idleTimeoutMs,
  bytes,
}: Answer): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const tooLarge = (limit: number) =>
    fail("bad_answer", { url, problem: `it is larger than ${limit} bytes` });
  let rest = "";
  let inIndex = 0;
  watch.next(idleTimeoutMs);
  for await (const chunk of response.body ?? []) {
    watch.moved(chunk.byteLength, idleTimeoutMs);
    bytes.left -= chunk.byteLength;
    if (bytes.left < 0) throw tooLarge(MAX_BYTES);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw tooLarge(MAX_LINE);
    for (const line of lines) {
      inIndex = HEAD.test(line) ? 0 : inIndex + line.length;
      if (inIndex > ANSWER_LIMITS.index) throw tooLarge(ANSWER_LIMITS.index);
      yield line;
    }
  }
  if (rest !== "") throw fail("bad_answer", { url, problem: "it ends within a line" });
}
