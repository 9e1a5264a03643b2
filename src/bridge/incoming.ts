import { BridgeError, WINDOW_BYTES } from "./model.ts";
import { keepBytes, type Slots } from "./wire.ts";

/** Takes the bytes of something that comes in parts. */
export type Sink = {
  /** A view, good until this returns. False: more than was granted. */
  data: (bytes: Uint8Array) => boolean;
  /** Bytes in the ring, whose slot is given back in time. False: they may not come. */
  bulk: (slot: number, length: number) => boolean;
  end: () => void;
  fail: (error: BridgeError) => void;
};

/** A body that comes, and how it is read. */
export type Incoming = Sink & { stream: ReadableStream<Uint8Array> };

/** What a body that comes asks of its exchange. */
export type IncomingEnds = {
  /** Lets the other end send so many bytes more. */
  grant: (bytes: number) => void;
  /** Slots of the ring, and how one is told to be free. Without them nothing comes through it. */
  slots: Slots | undefined;
  release: (slot: number) => void;
  /** Whether chunks may lie in the ring until the next one is read; else they are copied. */
  inPlace: boolean;
  /** The reader does not want the rest. */
  onCancel: () => void;
};

/** `slot` -1: the bytes are ours; `room`: how many more fit behind them. */
type Item = { bytes: Uint8Array; slot: number; room: number };

type State = {
  ends: IncomingEnds;
  controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  queue: Item[];
  /** Bytes that may come before more are granted. */
  left: number;
  /** Bytes that were read and not granted again. */
  owed: number;
  /** The slot that the reader has; -1: none. */
  held: number;
  isWanted: boolean;
  isEnded: boolean;
  isOver: boolean;
};

/** Small pieces that nobody reads yet are put together in buffers of this size, so that each costs no object of its own. */
const JOINED_BYTES = 16 * 1024;

/**
 * A body as a stream that is filled as it is read: at most `WINDOW_BYTES` lie in it, the ring apart. `granted` is what the other
 * end may send before anything is read.
 */
export function createIncoming(ends: IncomingEnds, granted: number): Incoming {
  const state: State = {
    ends,
    controller: undefined,
    queue: [],
    left: granted,
    owed: WINDOW_BYTES - granted,
    held: -1,
    isWanted: false,
    isEnded: false,
    isOver: false,
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        state.controller = controller;
      },
      pull: () => pull(state),
      cancel() {
        drop(state);
        ends.onCancel();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    data: (bytes) => takeData(state, bytes),
    bulk: (slot, length) => takeBulk(state, slot, length),
    end() {
      state.isEnded = true;
      closeIfRead(state);
    },
    fail(error) {
      if (state.isOver) return;
      drop(state);
      state.controller?.error(error);
    },
  };
}

function pull(state: State): void {
  giveBack(state);
  const item = state.queue.shift();
  if (item) return give(state, item);
  if (state.isEnded) return closeIfRead(state);
  state.isWanted = true;
  return pay(state);
}

function give(state: State, { bytes, slot }: Item): void {
  const { ends } = state;
  state.isWanted = false;
  if (slot < 0) state.owed += bytes.length;
  else if (ends.inPlace) state.held = slot;
  // A copy, unlike that of `Buffer.slice`.
  const chunk = slot >= 0 && !ends.inPlace ? new Uint8Array(bytes) : bytes;
  if (slot >= 0 && !ends.inPlace) ends.release(slot);
  state.controller?.enqueue(chunk);
  pay(state);
  closeIfRead(state);
}

/** Grants what was read. What is granted for the first time is so when somebody reads. */
function pay(state: State): void {
  if (state.owed < WINDOW_BYTES / 2 || state.isEnded || state.isOver) return;
  state.left += state.owed;
  state.ends.grant(state.owed);
  state.owed = 0;
}

/** The last chunk in the ring is in use until the reader comes back. */
function closeIfRead(state: State): void {
  if (!state.isEnded || state.isOver || state.queue.length > 0 || state.held >= 0) return;
  state.isOver = true;
  state.controller?.close();
}

function giveBack(state: State): void {
  if (state.held >= 0) state.ends.release(state.held);
  state.held = -1;
}

function drop(state: State): void {
  state.isOver = true;
  giveBack(state);
  for (const { slot } of state.queue.splice(0)) if (slot >= 0) state.ends.release(slot);
}

function takeData(state: State, bytes: Uint8Array): boolean {
  if (state.isOver || bytes.length === 0) return true;
  state.left -= bytes.length;
  if (state.left < 0 || state.isEnded) return false;
  if (state.isWanted) give(state, { bytes: keepBytes(bytes), slot: -1, room: 0 });
  else if (bytes.length >= JOINED_BYTES)
    state.queue.push({ bytes: keepBytes(bytes), slot: -1, room: 0 });
  else if (!join(state.queue.at(-1), bytes)) state.queue.push(roomy(bytes));
  return true;
}

function takeBulk(state: State, slot: number, length: number): boolean {
  const { ends, isOver, isEnded } = state;
  if (isOver || isEnded || length === 0 || !ends.slots) {
    ends.release(slot);
    return isOver || (!isEnded && ends.slots !== undefined);
  }
  const item = { bytes: ends.slots.view(slot, length), slot, room: 0 };
  if (state.isWanted) give(state, item);
  else state.queue.push(item);
  return true;
}

function roomy(bytes: Uint8Array): Item {
  const buffer = new Uint8Array(JOINED_BYTES);
  buffer.set(bytes);
  return { bytes: buffer.subarray(0, bytes.length), slot: -1, room: JOINED_BYTES - bytes.length };
}

function join(last: Item | undefined, bytes: Uint8Array): boolean {
  if (!last || last.room < bytes.length) return false;
  const { buffer, byteOffset, length } = last.bytes;
  const longer = new Uint8Array(buffer, byteOffset, length + bytes.length);
  longer.set(bytes, length);
  last.bytes = longer;
  last.room -= bytes.length;
  return true;
}
