import { BridgeError, FRAME } from "./model.ts";
import { createPut, type Put } from "./put.ts";
import type { Wire } from "./wire.ts";

/** A body that is being sent. */
export type Outgoing = {
  /** The other end takes so many bytes more. False: more than the window. */
  grant: (bytes: number) => boolean;
  /** Nothing more is sent; its stream is cancelled. */
  stop: (reason: BridgeError) => void;
};

type Reader = ReturnType<ReadableStream<Uint8Array>["getReader"]>;
type Sending = { put: Put; isStopped: boolean; reader: Reader | undefined };

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Sends a body in parts as the other end grants, `end` after the last. `onDone` is told once: when all is handed on, or what the
 * body's stream failed with; not after `stop`, and never before this returns.
 */
export function sendBody(
  wire: Wire,
  id: number,
  body: Uint8Array | ReadableStream<Uint8Array>,
  credit: number,
  onDone: (error?: unknown) => void,
): Outgoing {
  const sending: Sending = {
    put: createPut(wire, id, credit),
    isStopped: false,
    reader: undefined,
  };
  void run();
  async function run(): Promise<void> {
    try {
      if (body instanceof Uint8Array) await putAll(sending, body);
      else await putStream(sending, body);
      if (sending.isStopped) return;
      sending.put.flush();
      wire.writer.bytes(FRAME.end, id, NOTHING);
    } catch (error) {
      // A stream that is locked already, or fails, ends here.
      if (!sending.isStopped) {
        stop(sending, error);
        onDone(error);
      }
      return;
    }
    onDone();
  }
  return {
    grant: sending.put.grant,
    stop(reason) {
      if (sending.isStopped) return;
      if (!sending.reader) cancelBody(body, reason);
      stop(sending, reason);
    },
  };
}

/** Cancels a body that nobody will read. */
export function cancelBody(
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  reason: unknown,
): void {
  if (body instanceof ReadableStream) body.cancel(reason).catch(() => undefined);
}

function stop(sending: Sending, reason: unknown): void {
  sending.isStopped = true;
  sending.put.drop();
  sending.reader?.cancel(reason).catch(() => undefined);
}

async function putStream(sending: Sending, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  sending.reader = reader;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || sending.isStopped) return;
    const bytes = toBytes(value);
    // Without a turn where it goes at once.
    const at = sending.put.now(bytes, 0);
    if (at < bytes.length) await putAll(sending, bytes, at);
  }
}

async function putAll(sending: Sending, bytes: Uint8Array, from = 0): Promise<void> {
  let at = sending.put.now(bytes, from);
  while (at < bytes.length) {
    await sending.put.possible();
    if (sending.isStopped) return;
    at = sending.put.now(bytes, at);
  }
}

/** Streams of programs may hold what `Response` takes besides bytes. */
function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new BridgeError("bad_body", "A stream of a body gave something that is no bytes");
}
