import { fail, LandError } from "#base/errors.ts";
import { requirePace } from "#http/pace.ts";
import type { Ctx } from "#store/ctx.ts";

/**
 * The body of an upload as it arrives, held to a size and a pace. Where the client goes away it ends with an error at once.
 *
 * @throws payload_too_large, too_slow, bad_request for a body cut short
 */
export async function* readBody(
  ctx: Ctx,
  request: Request,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes)
    throw fail("payload_too_large", { limitBytes });
  if (!request.body) return;
  const pace = { bytesPerSecond: ctx.config["limits.uploadBytesPerSecond"], now: ctx.now };
  let sizeBytes = 0;
  try {
    for await (const chunk of requirePace(untilAborted(request, request.body), pace)) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > limitBytes) throw fail("payload_too_large", { limitBytes });
      yield chunk;
    }
  } catch (cause) {
    throw cause instanceof LandError
      ? cause
      : fail("bad_request", { problem: "its body ends too early" }, { cause });
  }
}

/** A body whose client is gone may neither end nor fail by itself. */
async function* untilAborted(
  { signal }: Request,
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => undefined);
  const abort = (): void => gone.reject(new Error("the client went away"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), gone.promise]);
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    await reader.cancel().catch(() => undefined);
  }
}
