import { fail } from "#base/errors.ts";
import { letGo } from "#base/let-go.ts";
import type { Digest } from "#base/names.ts";
import { type ByteReader, createByteReader } from "#pack/byte-reader.ts";
import { isMap } from "#pack/json.ts";

import { parseJson, problemOfType } from "./answer.ts";
import type { Exchange, Opened } from "./exchange.ts";
import { isRefusal } from "./index-many.ts";
import { backoff } from "./retry.ts";

/** An archive of a stream of many. Its pieces must be read to their end, each is good until the next is asked for; their checksum is the reader's to verify. */
export type SentArchive = {
  digest: Digest;
  sizeBytes: number;
  pieces: AsyncGenerator<Uint8Array, void>;
};

/** Most bytes that an archive may have, by its digest. */
export type ArchivesWanted = ReadonlyMap<Digest, number>;

/** What came of asking for many. */
export type ManyDownloaded = {
  /** What did not come: it is to be asked for singly, which tells the trouble too. */
  left: Digest[];
  /** False where the registry, or something before it, does not take the question. */
  supported: boolean;
};

/** Most archives that one question names. */
const AT_ONCE = 500;
/** Breaks in a row with no whole archive between them, after which no more is asked for so. */
const MAX_BREAKS = 2;
const MAX_HEAD_BYTES = 1024;
/** Nothing is late while an archive is worked on. */
const WORKING_MS = 86_400_000;
const NEWLINE = 10;

/**
 * Asks for many archives in one stream and hands each to `take`, one after the other. One that breaks off is left to those who
 * can resume it; what follows is asked for again. What `take` throws comes out.
 *
 * @throws cancelled
 */
export async function downloadMany(
  exchange: Exchange,
  wanted: ArchivesWanted,
  take: (archive: SentArchive) => Promise<void>,
): Promise<ManyDownloaded> {
  const waiting = new Map(wanted);
  const left: Digest[] = [];
  const { sleep, random } = exchange.transport;
  for (let breaks = 0; waiting.size > 0 && breaks < MAX_BREAKS;) {
    const state = { waiting, left, whole: 0, failures: [] };
    const end = await askOnce(exchange, state, take);
    if (end === "refused") return { left: [...left, ...waiting.keys()], supported: false };
    if (end === "ended") continue;
    breaks = state.whole > 0 ? 0 : breaks + 1;
    if (breaks < MAX_BREAKS) await sleep(backoff(1, random));
  }
  return { left: [...left, ...waiting.keys()], supported: true };
}

type State = {
  waiting: Map<Digest, number>;
  left: Digest[];
  /** How many came whole. */
  whole: number;
  /** What `take` threw. */
  failures: unknown[];
};

/** One stream. What came, and what will not come so, is taken out of those that wait. */
async function askOnce(
  exchange: Exchange,
  state: State,
  take: (archive: SentArchive) => Promise<void>,
): Promise<"ended" | "broken" | "refused"> {
  const asked = [...state.waiting.keys()].slice(0, AT_ONCE);
  try {
    const tried = await exchange.sendOnce(
      {
        method: "POST",
        path: "/archives",
        json: { digests: asked },
        headers: {
          accept: "application/x-land-archives, application/problem+json",
          "accept-encoding": "identity",
        },
      },
      async (response, watch, url) => {
        const { idleTimeoutMs } = exchange.transport;
        await readStream({ response, watch, url }, idleTimeoutMs, state, take);
        // What was not even told of will not come.
        for (const digest of asked) leave(state, digest);
      },
    );
    if (state.failures.length > 0) throw state.failures[0];
    return tried.done ? "ended" : "broken";
  } catch (error) {
    if (state.failures.length > 0) throw state.failures[0];
    if (isRefusal(error)) return "refused";
    throw error;
  }
}

function leave({ waiting, left }: State, digest: Digest): void {
  if (waiting.delete(digest)) left.push(digest);
}

async function readStream(
  { response, watch, url }: Opened,
  idleTimeoutMs: number,
  state: State,
  take: (archive: SentArchive) => Promise<void>,
): Promise<void> {
  const problem = problemOfType(response, "application/x-land-archives");
  if (problem !== undefined) throw fail("bad_answer", { url, problem });
  watch.next(idleTimeoutMs);
  const reader = createByteReader(chunksOf(response, watch, idleTimeoutMs));
  for (let head = await readHead(reader, url); head; head = await readHead(reader, url)) {
    const { digest, sizeBytes } = checkHead(head, state.waiting, url);
    leave(state, digest);
    if (sizeBytes === undefined) continue;
    const body = bodyOf(reader, sizeBytes, () => watch.next(WORKING_MS));
    try {
      await take({ digest, sizeBytes, pieces: body.pieces });
    } catch (error) {
      // Either the stream broke off, which another may mend, or who takes the archive will not have it.
      if (body.broken()) throw body.broken();
      state.failures.push(error);
      throw error;
    }
    if (!body.isWhole()) throw fail("bad_answer", { url, problem: "an archive was not read" });
    state.left.splice(state.left.indexOf(digest), 1);
    state.whole += 1;
    watch.next(idleTimeoutMs);
  }
}

async function* chunksOf(
  response: Response,
  watch: Opened["watch"],
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of response.body ?? []) {
    watch.moved(chunk.byteLength, idleTimeoutMs);
    yield chunk;
    letGo(chunk);
  }
}

/** The bytes of one archive. `ended` is called when the last of them was handed over. */
function bodyOf(
  reader: ByteReader,
  sizeBytes: number,
  ended: () => void,
): { pieces: SentArchive["pieces"]; isWhole: () => boolean; broken: () => unknown } {
  let left = sizeBytes;
  let broken: unknown;
  async function* pieces(): SentArchive["pieces"] {
    while (left > 0) {
      let piece: Uint8Array;
      try {
        piece = await reader.some(left);
        if (piece.length === 0) throw new Error("the connection broke");
      } catch (error) {
        broken = error;
        throw error;
      }
      left -= piece.length;
      yield piece;
    }
    ended();
  }
  return { pieces: pieces(), isWhole: () => left === 0, broken: () => broken };
}

/** The next line of JSON; undefined at the end of the stream. */
async function readHead(reader: ByteReader, url: string): Promise<unknown> {
  const bytes: number[] = [];
  for (;;) {
    const [byte] = reader.now(1) ?? (await reader.some(1));
    if (byte === undefined && bytes.length === 0) return undefined;
    if (byte === undefined) throw new Error("the connection broke");
    if (byte === NEWLINE) return parseJson(Buffer.from(bytes).toString(), url);
    bytes.push(byte);
    if (bytes.length > MAX_HEAD_BYTES)
      throw fail("bad_answer", { url, problem: "the head of an archive is too long" });
  }
}

function checkHead(
  head: unknown,
  waiting: ArchivesWanted,
  url: string,
): { digest: Digest; sizeBytes: number | undefined } {
  const refuse = (problem: string) => fail("bad_answer", { url, problem });
  if (!isMap(head)) throw refuse("the head of an archive is no object");
  const digest = [...waiting.keys()].find((known) => known === head["digest"]);
  const limitBytes = digest && waiting.get(digest);
  if (digest === undefined || limitBytes === undefined)
    throw refuse("it sends an archive that was not asked for");
  const { size, missing } = head;
  if (missing === true) return { digest, sizeBytes: undefined };
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1)
    throw refuse("an archive has no size");
  if (size > limitBytes) throw refuse(`an archive is larger than ${limitBytes} bytes`);
  return { digest, sizeBytes: size };
}
