import { fail } from "#base/errors.ts";

import { dropBody, problemOfType } from "./answer.ts";
import type { Exchange, Opened } from "./exchange.ts";
import { rangeFrom, receiveRest } from "./resume.ts";
import { withRetry } from "./retry.ts";

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
  let etag: string | undefined;
  const open = async (received: number): Promise<Opened> => {
    const opened = await withRetry(transport, url, () =>
      exchange.open({ method: "GET", path, headers: headersFrom(received, etag) }),
    );
    try {
      requireArchive(opened);
      etag = sameTag(opened, etag);
      return opened;
    } catch (error) {
      opened.watch.end();
      await dropBody(opened.response);
      throw error;
    }
  };
  let received = 0;
  const whole = { url, received, open, progressBytes: PROGRESS_BYTES };
  for await (const piece of receiveRest(transport, whole)) {
    received += piece.byteLength;
    if (received > limitBytes)
      throw fail("bad_answer", { url, problem: `it is larger than ${limitBytes} bytes` });
    yield piece;
  }
  transport.answers.count += 1;
}

/** Packed as it is: an encoding on the way would only be taken off again. */
function headersFrom(received: number, etag: string | undefined): Record<string, string> {
  return {
    accept: "application/gzip, application/octet-stream, application/problem+json",
    "accept-encoding": "identity",
    ...rangeFrom(received),
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

/** @throws bad_answer */
function requireArchive({ response, url }: Opened): void {
  const wrong = ARCHIVE_TYPES.map((type) => problemOfType(response, type));
  if (!wrong.includes(undefined))
    throw fail("bad_answer", { url, problem: wrong[0] ?? "it is no archive" });
}
