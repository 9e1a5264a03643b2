import { BridgeError, FRAME, RING_SLOT_BYTES, WINDOW_BYTES } from "./model.ts";
import type { Wire } from "./wire.ts";

/** A body that is being sent. */
export type Outgoing = {
  /** The other end takes so many bytes more. False: more than the window. */
  grant: (bytes: number) => boolean;
  /** Nothing more is sent; its stream is cancelled. */
  stop: (reason: BridgeError) => void;
};

/** In one turn of the loop, what is over this goes through the ring. */
const SOCKET_BYTES = 32 * 1024;
const DATA_BYTES = 64 * 1024;
type Reader = ReturnType<ReadableStream<Uint8Array>["getReader"]>;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Sends a body in parts as the other end grants, `end` after the last. `onDone` is told once: when all is handed on, or what the
 * body's stream failed with; not after `stop`.
 */
export function sendBody(
  wire: Wire,
  id: number,
  body: Uint8Array | ReadableStream<Uint8Array>,
  credit: number,
  onDone: (error?: unknown) => void,
): Outgoing {
  const put = createPut(wire, id, credit);
  let stopped = false;
  let reader: Reader | undefined;

  async function putAll(bytes: Uint8Array): Promise<void> {
    let at = put.now(bytes, 0);
    while (at < bytes.length && !stopped) {
      await put.possible();
      if (!stopped) at = put.now(bytes, at);
    }
  }
  async function run(): Promise<void> {
    if (body instanceof Uint8Array) await putAll(body);
    else {
      const chunks = body.getReader();
      reader = chunks;
      for (;;) {
        const { done, value } = await chunks.read();
        if (done || stopped) break;
        await putAll(toBytes(value));
      }
    }
    if (stopped) return;
    put.flush();
    wire.writer.bytes(FRAME.end, id, NOTHING);
    onDone();
  }
  // A stream that is locked already, or fails, ends here.
  run().catch((error: unknown) => {
    if (stopped) return;
    stopped = true;
    put.drop();
    reader?.cancel(error).catch(() => undefined);
    onDone(error);
  });
  return {
    grant: put.grant,
    stop(reason) {
      if (stopped) return;
      stopped = true;
      put.drop();
      if (reader) reader.cancel(reason).catch(() => undefined);
      else cancelBody(body, reason);
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

type Put = {
  /** Sends what may go now, from `at`; tells where it stopped. */
  now: (bytes: Uint8Array, at: number) => number;
  /** Resolves when it may be worth trying again. */
  possible: () => Promise<void>;
  flush: () => void;
  drop: () => void;
  grant: (bytes: number) => boolean;
};

/** Chooses between socket and ring: a slot is filled for as long as the body comes without a pause, then told of. */
function createPut(wire: Wire, id: number, granted: number): Put {
  const { writer, slots } = wire;
  const ring = wire.side === "guest" ? slots : undefined;
  let credit = granted;
  let wake: (() => void) | undefined;
  let slot = -1;
  let fill = 0;
  let turnBytes = 0;
  let hooked = false;

  function endTurn(): void {
    hooked = false;
    turnBytes = 0;
    flush();
  }
  function hook(): void {
    if (hooked) return;
    hooked = true;
    writer.beforeFlush(endTurn);
  }
  function flush(): void {
    if (slot < 0) return;
    writer.numbers(FRAME.bulk, id, slot, fill);
    slot = -1;
  }
  function putPiece(bytes: Uint8Array, at: number): number {
    const most = Math.min(bytes.length - at, credit);
    if (ring && slot < 0 && turnBytes + most >= SOCKET_BYTES) {
      slot = ring.take();
      fill = 0;
    }
    const piece = Math.min(most, slot < 0 || !ring ? DATA_BYTES : RING_SLOT_BYTES - fill);
    const part = bytes.subarray(at, at + piece);
    credit -= piece;
    if (slot < 0 || !ring) {
      turnBytes += piece;
      writer.data(FRAME.data, id, part);
    } else {
      ring.copyIn(slot, fill, part);
      fill += piece;
      if (fill === RING_SLOT_BYTES) flush();
    }
    return piece;
  }
  return {
    now(bytes, from) {
      let at = from;
      while (at < bytes.length && credit > 0 && !wire.isFull()) at += putPiece(bytes, at);
      if (ring) hook();
      return at;
    },
    async possible() {
      if (credit > 0) return wire.room();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    flush,
    drop() {
      if (slot >= 0) ring?.give(slot);
      slot = -1;
      wake?.();
    },
    grant(bytes) {
      credit += bytes;
      if (credit > WINDOW_BYTES) return false;
      wake?.();
      wake = undefined;
      return true;
    },
  };
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
