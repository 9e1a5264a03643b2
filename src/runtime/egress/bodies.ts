import type { ClientRequest, IncomingMessage } from "node:http";

import { type Body, BridgeError } from "#bridge/model.ts";

/** How long nothing may happen on a body, in milliseconds. */
const IDLE_MS = 60_000;

/** What is counted and bounded about a body. */
export type BodyOptions = {
  what: string;
  limitBytes: number;
  onBytes: (count: number) => void;
};

/**
 * Sends the body of a request, no faster than the other side takes it. `declared` is what `Content-Length` says, undefined where
 * there is none: a stream that does not keep to it ends the request, since what is too much would be read as another request.
 * Never throws: what goes wrong ends the request.
 */
export async function sendBody(
  request: ClientRequest,
  body: Body,
  options: BodyOptions & { declared: number | undefined },
): Promise<void> {
  if (body === null) return void request.end();
  if (body instanceof Uint8Array) {
    options.onBytes(body.byteLength);
    return void request.end(body);
  }
  const reader = body.getReader();
  // Whoever waits for more of a body that nobody takes is let go.
  request.once("close", () => void reader.cancel("nobody takes it").catch(() => undefined));
  try {
    await pump(request, reader, options);
    request.end();
  } catch (cause) {
    request.destroy(cause instanceof Error ? cause : new Error("the body broke"));
  }
}

type BodyReader = {
  read: () => Promise<{ done: boolean; value?: Uint8Array | undefined }>;
};

async function pump(
  request: ClientRequest,
  reader: BodyReader,
  { what, limitBytes, onBytes, declared }: BodyOptions & { declared: number | undefined },
): Promise<void> {
  let sent = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !value) break;
    sent += value.byteLength;
    if (sent > limitBytes) throw tooLarge(what, "the body of the request", limitBytes);
    if (declared !== undefined && sent > declared) throw unlike(what);
    onBytes(value.byteLength);
    if (!request.write(value)) await drained(request);
  }
  if (declared !== undefined && sent !== declared) throw unlike(what);
}

function drained(request: ClientRequest): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = (): void => reject(new Error("the connection was closed"));
  request.once("drain", resolve);
  request.once("close", onClose);
  return promise.finally(() => {
    request.off("drain", resolve);
    request.off("close", onClose);
  });
}

/** The body of an answer as it is asked for; `onEnd` is called once, when its connection is needed no more. */
export function readBody(
  message: IncomingMessage,
  { what, limitBytes, onBytes, onEnd }: BodyOptions & { onEnd: () => void },
): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = message[Symbol.asyncIterator]();
  let got = 0;
  const idle = setTimeout(
    () => message.destroy(new BridgeError("egress_timeout", `Nothing more came from ${what}`)),
    IDLE_MS,
  );
  let isOver = false;
  const end = (): void => {
    clearTimeout(idle);
    message.destroy();
    if (!isOver) onEnd();
    isOver = true;
  };
  // Also where nobody reads any more: the program died, or the connection did.
  message.once("close", end);
  message.on("error", () => undefined);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done === true) {
            end();
            return controller.close();
          }
          idle.refresh();
          got += value.byteLength;
          onBytes(value.byteLength);
          if (got > limitBytes) throw tooLarge(what, "the answer", limitBytes);
          controller.enqueue(value);
        } catch (cause) {
          end();
          controller.error(errorOf(cause, what));
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

function errorOf(cause: unknown, what: string): BridgeError {
  return cause instanceof BridgeError
    ? cause
    : new BridgeError("egress_failed", `The answer of ${what} broke off`);
}

/** A body is larger than it may be. */
export function tooLarge(what: string, which: string, limitBytes: number): BridgeError {
  return new BridgeError(
    "egress_too_large",
    `Cannot fetch ${what}: ${which} is larger than ${limitBytes} bytes`,
  );
}

function unlike(what: string): BridgeError {
  return new BridgeError(
    "egress_failed",
    `Cannot fetch ${what}: the body has not the length that Content-Length says`,
  );
}
