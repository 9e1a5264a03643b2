import { BridgeError } from "#bridge/model.ts";

/** A body that breaks off where it is longer than that, which `isOver` tells. */
export function limitBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): { body: ReadableStream<Uint8Array>; isOver: () => boolean } {
  let left = maxBytes;
  const limited = passBody(body, (bytes) => {
    left -= bytes;
    return left < 0 ? tooLarge(maxBytes) : undefined;
  });
  return { body: limited, isOver: () => left < 0 };
}

/** What a visitor is told who sends too much, by its code; the owner reads the figure. */
export function tooLarge(limitBytes: number): BridgeError {
  const message = `A request was refused: its body has more than ${limitBytes} bytes`;
  return new BridgeError("body_too_large", message);
}

/** Looks at a body on its way. */
type Watch = {
  look: (bytes: number) => Error | undefined;
  onEnd: (isWhole: boolean) => Error | undefined;
  rest: ((bytes: number) => Promise<void> | undefined) | undefined;
};

/** Those who look at a body that was made here, in the order they came: each stream more would cost a turn or two per chunk. */
const watched = new WeakMap<ReadableStream, Watch[]>();

/**
 * A body that is looked at chunk by chunk: `look` may end it with an error; at its end, with nothing, too. Nothing is read
 * ahead, since a chunk may lie in memory that is used again when the next one is read. `rest`: the next is read after that.
 */
export function passBody(
  body: ReadableStream<Uint8Array>,
  look: Watch["look"],
  onEnd: Watch["onEnd"] = () => undefined,
  rest?: Watch["rest"],
): ReadableStream<Uint8Array> {
  const watch = { look, onEnd, rest };
  const others = body.locked ? undefined : watched.get(body);
  if (others) {
    others.push(watch);
    return body;
  }
  const watches = [watch];
  const passed = passTo(body, watches);
  watched.set(passed, watches);
  return passed;
}

function passTo(
  body: ReadableStream<Uint8Array>,
  watches: readonly Watch[],
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const end = (isWhole: boolean): Error | undefined => {
    let problem: Error | undefined;
    for (const { onEnd } of watches) {
      const found = onEnd(isWhole);
      problem ??= found;
    }
    return problem;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          let problem = done ? end(true) : undefined;
          if (!done) for (const { look } of watches) problem ??= look(value.length);
          if (problem) throw problem;
          if (done) return controller.close();
          controller.enqueue(value);
          for (const { rest } of watches) {
            const wait = rest?.(value.length);
            if (wait) await wait;
          }
        } catch (error) {
          end(false);
          controller.error(error);
          reader.cancel(error).catch(() => undefined);
        }
      },
      async cancel(reason) {
        end(false);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
