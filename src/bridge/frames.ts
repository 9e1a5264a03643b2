import { BridgeError, FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES } from "./model.ts";

/** Where frames go. */
export type Transport = {
  /** Takes as many of the bytes as it can now and tells how many. They are copied or gone when it returns. */
  write: (bytes: Uint8Array) => number;
  /** Calls back once, later in this turn of the loop or at the start of the next. */
  schedule: (flush: () => void) => void;
  /** So many requests and answers are written without waiting for that: the other end works on them meanwhile. All wait where it is not given. */
  headsAtOnce?: number;
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

type State = {
  transport: Transport;
  buffer: Buffer;
  /** What is not written yet lies between. */
  from: number;
  to: number;
  isScheduled: boolean;
  isClosed: boolean;
  /** Where the last frame of a body begins, while it may still grow; -1: nowhere. */
  growing: number;
  hooks: (() => void)[];
  /** Requests and answers that are not written yet. */
  heads: number;
  flush: () => void;
};

/** A writer of frames. Payloads over the limit throw BridgeError `too_large` and leave nothing behind. */
export function createFrameWriter(transport: Transport): FrameWriter {
  const state: State = {
    transport,
    buffer: Buffer.allocUnsafe(FIRST_BYTES),
    from: 0,
    to: 0,
    isScheduled: false,
    isClosed: false,
    growing: -1,
    hooks: [],
    heads: 0,
    flush: () => flush(state),
  };
  return {
    bytes(type, id, payload) {
      if (begin(state, type, id, payload.length)) add(state, payload);
    },
    data: (type, id, payload) => addData(state, type, id, payload),
    numbers(type, id, first, second) {
      if (!begin(state, type, id, second === undefined ? 4 : 8)) return;
      state.to = state.buffer.writeUInt32LE(first, state.to);
      if (second !== undefined) state.to = state.buffer.writeUInt32LE(second, state.to);
    },
    text: (type, id, text, bytes) => addText(state, type, id, text, bytes),
    head: (type, id, kind, head, body) => addHead(state, type, id, kind, head, body),
    beforeFlush(run) {
      state.hooks.push(run);
      schedule(state);
    },
    flush: state.flush,
    backlogBytes: () => state.to - state.from,
    close() {
      Object.assign(state, { isClosed: true, hooks: [], buffer: Buffer.alloc(0), from: 0, to: 0 });
    },
  };
}

function schedule(state: State): void {
  if (state.isScheduled || state.isClosed) return;
  state.isScheduled = true;
  state.transport.schedule(state.flush);
}

function flush(state: State): void {
  state.isScheduled = false;
  while (state.hooks.length > 0) for (const hook of state.hooks.splice(0)) hook();
  write(state);
}

function write(state: State): void {
  state.heads = 0;
  if (state.from === state.to) return;
  state.growing = -1;
  state.from += state.transport.write(state.buffer.subarray(state.from, state.to));
  if (state.from < state.to) return;
  state.from = 0;
  state.to = 0;
  if (state.buffer.length > KEPT_BYTES) state.buffer = Buffer.allocUnsafe(FIRST_BYTES);
}

function makeRoom(state: State, bytes: number): void {
  const { buffer, from, to } = state;
  if (to + bytes <= buffer.length) return;
  const used = to - from;
  // Moved to the front where that is worth it; else into twice the room.
  const hasRoom = used + bytes <= buffer.length && from > used;
  const target = hasRoom ? buffer : Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes));
  buffer.copy(target, 0, from, to);
  if (state.growing >= 0) state.growing -= from;
  state.buffer = target;
  state.from = 0;
  state.to = used;
}

/** Begins a frame and makes room for it; false: nothing may be added any more. */
function begin(state: State, type: number, id: number, payloadBytes: number): boolean {
  if (state.isClosed) return false;
  if (payloadBytes > MAX_PAYLOAD_BYTES)
    throw new BridgeError("too_large", "The message is larger than the bridge takes");
  makeRoom(state, FRAME_HEAD_BYTES + payloadBytes);
  const { buffer, to } = state;
  state.growing = -1;
  buffer.writeUInt32LE(payloadBytes, to);
  buffer[to + 4] = type;
  buffer.writeUInt32LE(id, to + 5);
  state.to = to + FRAME_HEAD_BYTES;
  schedule(state);
  return true;
}

function add(state: State, payload: Uint8Array): void {
  state.buffer.set(payload, state.to);
  state.to += payload.length;
}

function addData(state: State, type: number, id: number, payload: Uint8Array): void {
  const { growing } = state;
  if (growing >= 0 && state.buffer.readUInt32LE(growing + 5) === id) {
    const joined = state.buffer.readUInt32LE(growing) + payload.length;
    if (joined <= JOINED_BYTES) {
      makeRoom(state, payload.length);
      state.buffer.writeUInt32LE(joined, state.growing);
      add(state, payload);
      return;
    }
  }
  if (!begin(state, type, id, payload.length)) return;
  state.growing = state.to - FRAME_HEAD_BYTES;
  add(state, payload);
}

function addText(state: State, type: number, id: number, text: string, bytes?: Uint8Array): void {
  const size = Buffer.byteLength(text);
  const more = bytes !== undefined && bytes.length > 0 ? bytes : undefined;
  if (!begin(state, type, id, size + (more ? more.length + 1 : 0))) return;
  state.to += state.buffer.write(text, state.to, size, "utf8");
  if (!more) return;
  state.buffer[state.to] = 0;
  state.to += 1;
  add(state, more);
}

function addHead(
  state: State,
  type: number,
  id: number,
  kind: number,
  head: string,
  body: Uint8Array | undefined,
): void {
  if (!begin(state, type, id, HEAD_PREFIX_BYTES + head.length + (body?.length ?? 0))) return;
  const { buffer, to } = state;
  buffer[to] = kind;
  buffer.writeUInt32LE(head.length, to + 1);
  state.to = to + HEAD_PREFIX_BYTES;
  state.to += buffer.write(head, state.to, head.length, "latin1");
  if (body) add(state, body);
  state.heads += 1;
  if (state.heads >= (state.transport.headsAtOnce ?? Number.POSITIVE_INFINITY)) write(state);
}
