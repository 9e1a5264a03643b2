import { fail } from "#base/errors.ts";

/** How slow a body may come. */
export type Pace = {
  /** Averaged from the first byte on; 0 takes any. */
  bytesPerSecond: number;
  now: () => Date;
};

/** Time in which nothing is judged: connections start slowly. */
const GRACE_MS = 30_000;

/**
 * Passes a body on, and ends it when it comes too slowly: a client that sends a byte now and then would hold what it
 * occupies for ever. One that sends nothing at all is cut off by the server's idle time.
 *
 * @throws too_slow
 */
export async function* requirePace(
  source: AsyncIterable<Uint8Array>,
  { bytesPerSecond, now }: Pace,
): AsyncGenerator<Uint8Array> {
  const startedMs = now().getTime();
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.byteLength;
    const elapsedMs = now().getTime() - startedMs;
    if (elapsedMs > GRACE_MS && sizeBytes < (elapsedMs / 1000) * bytesPerSecond)
      throw fail("too_slow", { bytesPerSecond });
    yield chunk;
  }
}
