import { fail, LandError } from "#base/errors.ts";

import { dropBody, problemOfType } from "./answer.ts";
import type { Exchange, Opened } from "./exchange.ts";
import { afterTries, backoff, withRetry } from "./retry.ts";

/** A connection that brought so much before it broke does not count as a try. */
const PROGRESS_BYTES = 4096;
const ARCHIVE_TYPES = ["application/gzip", "application/octet-stream", "application/x-gzip"];

/**
 * The bytes of an archive, piece by piece. Where the connection breaks, the rest is asked for by Range and the stream
 * goes on, so what comes out is one archive: its checksum still has to be verified.
 *
 * @throws network, bad_answer also past `limitBytes`, cancelled, and what the registry tells
 */
export async function* downloadArchive(
  exchange: Exchange,
  path: string,
  limitBytes: number,
): AsyncGenerator<Uint8Array, void> {
  const { transport } = exchange;
  const url = `${exchange.registry}/api/v1${path}`;
  let received = 0;
  let etag: string | undefined;
  for (let breaks = 0; ;) {
    const opened = await withRetry(transport, url, () =>
      exchange.open({ method: "GET", path, headers: headersFrom(received, etag) }),
    );
    const start = received;
    try {
      etag = sameTag(opened, etag);
      for await (const piece of piecesFrom(opened, received, transport.idleTimeoutMs)) {
        received += piece.byteLength;
        if (received > limitBytes)
          throw fail("bad_answer", { url, problem: `it is larger than ${limitBytes} bytes` });
        yield piece;
      }
      transport.answers.count += 1;
      return;
    } catch (error) {
      if (error instanceof LandError) throw error;
      const problem = opened.watch.explain(error);
      breaks = received - start >= PROGRESS_BYTES ? 0 : breaks + 1;
      if (breaks >= transport.tries)
        throw fail("network", { url, problem: afterTries(problem, breaks) }, { cause: error });
      await transport.sleep(backoff(Math.max(1, breaks), transport.random));
    } finally {
      opened.watch.end();
      // Not read to its end where the caller stopped or the size was wrong.
      if (!opened.response.bodyUsed) await dropBody(opened.response);
    }
  }
}

/** Packed as it is: an encoding on the way would only be taken off again. */
function headersFrom(received: number, etag: string | undefined): Record<string, string> {
  return {
    accept: "application/gzip, application/octet-stream, application/problem+json",
    "accept-encoding": "identity",
    ...(received > 0 && { range: `bytes=${received}-` }),
    // A weak one says nothing of bytes.
    ...(received > 0 && etag?.startsWith('"') && { "if-range": etag }),
  };
}

/** The ETag of what is sent, which must stay the same from one part to the next. @throws bad_answer */
function sameTag({ response, url }: Opened, before: string | undefined): string | undefined {
  const now = response.headers.get("etag") ?? undefined;
  if (before !== undefined && now !== undefined && now !== before)
    throw fail("bad_answer", { url, problem: "it became another while it was sent" });
  return now ?? before;
}

/** What follows after the first `received` bytes, also where the other side sends all again. */
async function* piecesFrom(
  { response, watch, url }: Opened,
  received: number,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const wrong = ARCHIVE_TYPES.map((type) => problemOfType(response, type));
  if (!wrong.includes(undefined))
    throw fail("bad_answer", { url, problem: wrong[0] ?? "it is no archive" });
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
