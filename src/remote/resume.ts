import { fail, LandError } from "#base/errors.ts";

import { dropBody } from "./answer.ts";
import type { Opened } from "./exchange.ts";
import type { Transport } from "./network.ts";
import { afterTries, backoff } from "./retry.ts";

/** What is fetched in parts where it has to be. */
export type Resumable = {
  /** As told in errors. */
  url: string;
  /** Bytes that are there already. */
  received: number;
  /** Asks for all that follows these bytes; what is sent may begin anew all the same. */
  open: (received: number) => Promise<Opened>;
  /** A connection that brought so much before it broke does not count as a try. */
  progressBytes: number;
  /** Whether that is all of it, where an answer came to its end; an answer tells its own end unless this says otherwise. */
  isWhole?: (received: number) => boolean;
};

/** The header that asks for what follows; none where there is nothing yet. */
export function rangeFrom(received: number): Record<string, string> {
  return received > 0 ? { range: `bytes=${received}-` } : {};
}

/**
 * The bytes that are missing, piece by piece. Where the connection breaks, the rest is asked for and the stream goes on. What
 * comes out still has to be verified.
 *
 * @throws network, bad_answer, cancelled, and what `open` throws
 */
export async function* receiveRest(
  transport: Transport,
  { url, received: already, open, progressBytes, isWhole = () => true }: Resumable,
): AsyncGenerator<Uint8Array, void> {
  let received = already;
  for (let breaks = 0; ;) {
    const opened = await open(received);
    const start = received;
    let trouble: { problem: string; cause?: unknown };
    try {
      for await (const piece of piecesAfter(opened, received, transport.idleTimeoutMs)) {
        received += piece.byteLength;
        yield piece;
      }
      if (isWhole(received)) return;
      trouble = { problem: "the connection broke" };
    } catch (cause) {
      if (cause instanceof LandError) throw cause;
      trouble = { problem: opened.watch.explain(cause), cause };
    } finally {
      opened.watch.end();
      // Not read to its end where the caller stopped or the size was wrong.
      if (!opened.response.bodyUsed) await dropBody(opened.response);
    }
    breaks = received - start >= progressBytes ? 0 : breaks + 1;
    const { problem, cause } = trouble;
    if (breaks >= transport.tries)
      throw fail("network", { url, problem: afterTries(problem, breaks) }, { cause });
    await transport.sleep(backoff(Math.max(1, breaks), transport.random));
  }
}

/** What follows after the first `received` bytes, also where the other side sends all again. @throws bad_answer */
async function* piecesAfter(
  { response, watch, url }: Opened,
  received: number,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (response.status === 206 && Number(start) !== received)
    throw fail("bad_answer", { url, problem: "it sends another part than was asked for" });
  let skip = response.status === 206 ? 0 : received;
  watch.next(idleTimeoutMs);
  for await (const piece of response.body ?? []) {
    watch.moved(piece.byteLength, idleTimeoutMs);
    const rest = piece.subarray(Math.min(skip, piece.byteLength));
    skip -= piece.byteLength - rest.byteLength;
    if (rest.byteLength > 0) yield rest;
  }
}
