import { BridgeError } from "#bridge/model.ts";

/** A body that breaks off where it is longer than that, which `isOver` tells. */
export function limitBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): { body: ReadableStream<Uint8Array>; isOver: () => boolean } {
  let left = maxBytes;
  const limited = passBody(body, (bytes) => {
    left -= bytes;
    return left < 0 ? tooLarge() : undefined;
  });
  return { body: limited, isOver: () => left < 0 };
}

/** What a visitor is told who sends too much. */
export function tooLarge(): BridgeError {
  return new BridgeError("body_too_large", "The body is too large");
}

/**
 * A body that is looked at chunk by chunk: `look` may end it with an error; at its end, with nothing, too. Nothing is read
 * ahead, since a chunk may lie in memory that is used again when the next one is read. `rest`: the next is read after that.
 */
export function passBody(
  body: ReadableStream<Uint8Array>,
  look: (bytes: number) => Error | undefined,
  onEnd: (isWhole: boolean) => Error | undefined = () => undefined,
  rest?: (bytes: number) => Promise<void> | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          const problem = done ? onEnd(true) : look(value.length);
          if (problem) throw problem;
          if (done) controller.close();
          else controller.enqueue(value);
          if (!done) await rest?.(value.length);
        } catch (error) {
          onEnd(false);
          controller.error(error);
          reader.cancel(error).catch(() => undefined);
        }
      },
      async cancel(reason) {
        onEnd(false);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
