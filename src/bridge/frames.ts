import { BridgeError, FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES } from "./model.ts";

/** Where frames go. */
export type Transport = {
  /** Takes as many of the bytes as it can now and tells how many. They are copied or gone when it returns. */
  write: (bytes: Uint8Array) => number;
  /** Calls back once, later in this turn of the loop or at the start of the next. */
  schedule: (flush: () => void) => void;
};

/** Puts frames one after another into one buffer, which is written once per turn of the loop. */
export type FrameWriter = {
  /** A frame whose payload is these bytes. */
  bytes: (type: number, id: number, payload: Uint8Array) => void;
  /** Bytes of a body: joins the frame before, where that is of the same body and has not been written yet. */
  data: (type: number, id: number, payload: Uint8Array) => void;
  /** A frame of one or two u32. */
  numbers: (type: number, id: number, first: number, second?: number) => void;
  /** JSON or words in UTF-8; with bytes, a NUL and these follow. */
  text: (type: number, id: number, text: string, bytes?: Uint8Array) => void;
  /** The head of a request or an answer: u8 kind of the body, u32 length of the head, head in latin1, bytes of a whole body. */
  head: (type: number, id: number, kind: number, head: string, body?: Uint8Array) => void;
  /** Has something run once before the next write, in which it may add frames. */
  beforeFlush: (run: () => void) => void;
  flush: () => void;
  backlogBytes: () => number;
  /** What is added from now on is dropped. */
  close: () => void;
};

/** Bytes before the head in the payload of a request or an answer. */
export const HEAD_PREFIX_BYTES = 5;
/** Frames of small pieces of one body grow up to this. */
const JOINED_BYTES = 64 * 1024;
const FIRST_BYTES = 32 * 1024;
/** A buffer that grew past this is given back once it is empty. */
const KEPT_BYTES = 1024 * 1024;

/** A writer of frames. Payloads over the limit throw BridgeError `too_large` and leave nothing behind. */
export function createFrameWriter(transport: Transport): FrameWriter {
  let buffer = Buffer.allocUnsafe(FIRST_BYTES);
  let from = 0;
  let to = 0;
  let scheduled = false;
  let closed = false;
  // Where the last frame of a body begins, while it may still grow; -1: nowhere.
  let growing = -1;
  let hooks: (() => void)[] = [];

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    transport.schedule(flush);
  }
  function flush(): void {
    scheduled = false;
    while (hooks.length > 0 && !closed) {
      const run = hooks;
      hooks = [];
      for (const hook of run) hook();
    }
    if (from === to || closed) return;
    growing = -1;
    from += transport.write(buffer.subarray(from, to));
    if (from < to) return;
    from = 0;
    to = 0;
    if (buffer.length > KEPT_BYTES) buffer = Buffer.allocUnsafe(FIRST_BYTES);
  }
  function makeRoom(bytes: number): void {
    if (to + bytes <= buffer.length) return;
    const used = to - from;
    const larger =
      used + bytes <= buffer.length && from > used
        ? buffer
        : Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes));
    buffer.copy(larger, 0, from, to);
    if (growing >= 0) growing -= from;
    buffer = larger;
    from = 0;
    to = used;
  }
  /** Begins a frame and makes room for it; false: nothing may be added any more. */
  function begin(type: number, id: number, payloadBytes: number): boolean {
    if (closed) return false;
    if (payloadBytes > MAX_PAYLOAD_BYTES)
      throw new BridgeError("too_large", "The message is larger than the bridge takes");
    makeRoom(FRAME_HEAD_BYTES + payloadBytes);
    growing = -1;
    buffer.writeUInt32LE(payloadBytes, to);
    buffer[to + 4] = type;
    buffer.writeUInt32LE(id, to + 5);
    to += FRAME_HEAD_BYTES;
    schedule();
    return true;
  }
  function add(payload: Uint8Array): void {
    buffer.set(payload, to);
    to += payload.length;
  }
  return {
    bytes(type, id, payload) {
      if (begin(type, id, payload.length)) add(payload);
    },
    data(type, id, payload) {
      if (growing >= 0 && buffer.readUInt32LE(growing + 5) === id) {
        const joined = buffer.readUInt32LE(growing) + payload.length;
        if (joined <= JOINED_BYTES) {
          makeRoom(payload.length);
          buffer.writeUInt32LE(joined, growing);
          return add(payload);
        }
      }
      if (!begin(type, id, payload.length)) return undefined;
      growing = to - FRAME_HEAD_BYTES;
      return add(payload);
    },
    numbers(type, id, first, second) {
      if (!begin(type, id, second === undefined ? 4 : 8)) return;
      to = buffer.writeUInt32LE(first, to);
      if (second !== undefined) to = buffer.writeUInt32LE(second, to);
    },
    text(type, id, text, bytes) {
      const size = Buffer.byteLength(text);
      const more = bytes !== undefined && bytes.length > 0 ? bytes : undefined;
      if (!begin(type, id, size + (more ? more.length + 1 : 0))) return;
      to += buffer.write(text, to, size, "utf8");
      if (!more) return;
      buffer[to] = 0;
      to += 1;
      add(more);
    },
    head(type, id, kind, head, body) {
      if (!begin(type, id, HEAD_PREFIX_BYTES + head.length + (body?.length ?? 0))) return;
      buffer[to] = kind;
      buffer.writeUInt32LE(head.length, to + 1);
      to += HEAD_PREFIX_BYTES;
      to += buffer.write(head, to, head.length, "latin1");
      if (body) add(body);
    },
    beforeFlush(run) {
      hooks.push(run);
      schedule();
    },
    flush,
    backlogBytes: () => to - from,
    close() {
      closed = true;
      hooks = [];
      buffer = Buffer.alloc(0);
      from = 0;
      to = 0;
    },
  };
}

/** Gets each frame: the payload lies in `buffer` from `start` to `end`. False: enough for now. */
export type OnFrame = (
  type: number,
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
) => boolean;

/** Finds frames in what arrives in pieces. */
export type FrameReader = {
  /** Takes bytes, which must not change afterwards, and gives whole frames on until told that it is enough. False: a frame is too long. */
  push: (bytes: Uint8Array) => boolean;
  /** Whether bytes wait because it was told that it is enough. */
  waits: () => boolean;
};

/** A reader of frames. A frame that arrives in one piece is not copied. */
export function createFrameReader(onFrame: OnFrame): FrameReader {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  let headBytes = 0;
  /** The payload of a frame of which a part has arrived. */
  let partial: Buffer | undefined;
  let partialBytes = 0;
  let waiting: Buffer[] = [];
  let running = false;

  /** Finishes what a piece before began; tells how many bytes that took, -1: it is too long, -2: enough. */
  function finish(bytes: Buffer): number {
    let at = 0;
    if (!partial) {
      at = bytes.copy(head, headBytes, 0, FRAME_HEAD_BYTES - headBytes);
      headBytes += at;
      if (headBytes < FRAME_HEAD_BYTES) return at;
      const size = head.readUInt32LE(0);
      if (size > MAX_PAYLOAD_BYTES) return -1;
      partial = Buffer.allocUnsafe(size);
      partialBytes = 0;
    }
    const taken = bytes.copy(partial, partialBytes, at);
    partialBytes += taken;
    return at + taken;
  }
  /** Whether to go on, after a frame that arrived in pieces. */
  function giveFinished(): boolean {
    const payload = partial;
    if (!payload || partialBytes < payload.length) return true;
    partial = undefined;
    headBytes = 0;
    return onFrame(head.readUInt8(4), head.readUInt32LE(5), payload, 0, payload.length);
  }
  /** How many bytes of a piece were used; -1: a frame is too long. */
  function read(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      if (headBytes > 0 || bytes.length - at < FRAME_HEAD_BYTES) {
        const taken = finish(at === 0 ? bytes : bytes.subarray(at));
        if (taken < 0) return -1;
        at += taken;
        if (!giveFinished()) return at;
        continue;
      }
      const size = bytes.readUInt32LE(at);
      if (size > MAX_PAYLOAD_BYTES) return -1;
      const start = at + FRAME_HEAD_BYTES;
      if (start + size > bytes.length) {
        const taken = finish(bytes.subarray(at));
        if (taken < 0) return -1;
        return bytes.length;
      }
      at = start + size;
      if (!onFrame(bytes.readUInt8(start - 5), bytes.readUInt32LE(start - 4), bytes, start, at))
        return at;
    }
    return at;
  }
  return {
    push(bytes) {
      if (bytes.length > 0)
        waiting.push(
          Buffer.isBuffer(bytes)
            ? bytes
            : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        );
      // A handler may feed the reader again.
      if (running) return true;
      running = true;
      try {
        for (let first = waiting[0]; first; first = waiting[0]) {
          const used = read(first);
          if (used < 0) return false;
          if (used < first.length) {
            waiting[0] = first.subarray(used);
            return true;
          }
          waiting = waiting.length === 1 ? [] : waiting.slice(1);
        }
        return true;
      } finally {
        running = false;
      }
    },
    waits: () => waiting.length > 0,
  };
}
