import { FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES } from "./model.ts";

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

type State = {
  onFrame: OnFrame;
  head: Buffer;
  headBytes: number;
  /** The payload of a frame of which a part has arrived. */
  partial: Buffer | undefined;
  partialBytes: number;
  waiting: Buffer[];
  isRunning: boolean;
};

/** A reader of frames. A frame that arrives in one piece is not copied. */
export function createFrameReader(onFrame: OnFrame): FrameReader {
  const state: State = {
    onFrame,
    head: Buffer.alloc(FRAME_HEAD_BYTES),
    headBytes: 0,
    partial: undefined,
    partialBytes: 0,
    waiting: [],
    isRunning: false,
  };
  return {
    push(bytes) {
      if (bytes.length > 0) state.waiting.push(toBuffer(bytes));
      // A handler may feed the reader again.
      if (state.isRunning) return true;
      state.isRunning = true;
      try {
        return readWaiting(state);
      } finally {
        state.isRunning = false;
      }
    },
    waits: () => state.waiting.length > 0,
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readWaiting(state: State): boolean {
  for (let first = state.waiting[0]; first; first = state.waiting[0]) {
    const used = read(state, first);
    if (used < 0) return false;
    if (used < first.length) {
      state.waiting[0] = first.subarray(used);
      return true;
    }
    state.waiting.shift();
  }
  return true;
}

/** How many bytes of a piece were used; -1: a frame is too long. */
function read(state: State, bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const start = at + FRAME_HEAD_BYTES;
    const size = state.headBytes > 0 || start > bytes.length ? 0 : bytes.readUInt32LE(at);
    if (size > MAX_PAYLOAD_BYTES) return -1;
    let goesOn: boolean;
    if (state.headBytes > 0 || start + size > bytes.length) {
      const taken = keep(state, at === 0 ? bytes : bytes.subarray(at));
      if (taken < 0) return -1;
      at += taken;
      goesOn = giveKept(state);
    } else {
      at = start + size;
      const id = bytes.readUInt32LE(start - 4);
      goesOn = state.onFrame(bytes.readUInt8(start - 5), id, bytes, start, at);
    }
    if (!goesOn) return at;
  }
  return at;
}

/** Keeps what belongs to a frame that arrives in pieces; tells how many bytes that are, -1: it is too long. */
function keep(state: State, bytes: Buffer): number {
  let at = 0;
  if (!state.partial) {
    at = bytes.copy(state.head, state.headBytes, 0, FRAME_HEAD_BYTES - state.headBytes);
    state.headBytes += at;
    if (state.headBytes < FRAME_HEAD_BYTES) return at;
    const size = state.head.readUInt32LE(0);
    if (size > MAX_PAYLOAD_BYTES) return -1;
    state.partial = Buffer.allocUnsafe(size);
    state.partialBytes = 0;
  }
  const taken = bytes.copy(state.partial, state.partialBytes, at);
  state.partialBytes += taken;
  return at + taken;
}

/** Gives a frame on that arrived in pieces, if it is whole now; whether to go on. */
function giveKept(state: State): boolean {
  const { head, partial, partialBytes } = state;
  if (!partial || partialBytes < partial.length) return true;
  state.partial = undefined;
  state.headBytes = 0;
  return state.onFrame(head.readUInt8(4), head.readUInt32LE(5), partial, 0, partial.length);
}
