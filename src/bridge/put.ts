import { FRAME, RING_SLOT_BYTES, WINDOW_BYTES } from "./model.ts";
import type { SlotOwner, Wire } from "./wire.ts";

/** Puts the bytes of one body where they go: into frames, or into the ring. */
export type Put = {
  /** Sends what may go now, from `at`; tells where it stopped. */
  now: (bytes: Uint8Array, at: number) => number;
  /** Resolves when it may be worth trying again. */
  possible: () => Promise<void>;
  /** Tells of a slot that is not full. */
  flush: () => void;
  drop: () => void;
  /** False: more than the window. */
  grant: (bytes: number) => boolean;
};

/** What is more than this in one turn of the loop goes through the ring. */
const SOCKET_BYTES = 32 * 1024;
const DATA_BYTES = 64 * 1024;
/** Slots of one body that wait to be read. */
const MAX_SLOTS = 8;

type State = SlotOwner & {
  wire: Wire;
  id: number;
  credit: number;
  /** Waits for credit or a slot. */
  woken: (() => void) | undefined;
  slot: number;
  fill: number;
  turnBytes: number;
  hooked: boolean;
  /** A slot is worth waiting for. */
  wantsSlot: boolean;
};

/** A slot is filled for as long as the body comes without a pause, then told of. Bytes in the ring need no credit. */
export function createPut(wire: Wire, id: number, credit: number): Put {
  const state: State = {
    wire,
    id,
    credit,
    woken: undefined,
    slot: -1,
    fill: 0,
    turnBytes: 0,
    hooked: false,
    wantsSlot: false,
    held: 0,
    onGiven: () => wake(state),
  };
  return {
    now: (bytes, at) => putNow(state, bytes, at),
    possible: () => waitFor(state),
    flush: () => flush(state),
    drop() {
      if (state.slot >= 0) wire.slots?.give(state.slot);
      state.slot = -1;
      wake(state);
    },
    grant(bytes) {
      state.credit += bytes;
      wake(state);
      return state.credit <= WINDOW_BYTES;
    },
  };
}

function wake(state: State): void {
  const { woken } = state;
  state.woken = undefined;
  woken?.();
}

async function waitFor(state: State): Promise<void> {
  if (!state.wantsSlot && state.credit > 0) return state.wire.room();
  return new Promise((resolve) => {
    state.woken = resolve;
  });
}

function putNow(state: State, bytes: Uint8Array, from: number): number {
  let at = from;
  state.wantsSlot = false;
  while (at < bytes.length && !state.wire.isFull()) {
    const put = state.slot >= 0 || openSlot(state, bytes.length - at) ? fillSlot : putData;
    const piece = state.wantsSlot ? 0 : put(state, bytes, at);
    if (piece === 0) break;
    at += piece;
  }
  if (state.slot >= 0 || state.turnBytes > 0) hook(state);
  return at;
}

/** Begins a slot where so much comes that it pays. */
function openSlot(state: State, bytes: number): boolean {
  const { wire, turnBytes } = state;
  if (wire.side !== "guest" || !wire.slots || turnBytes + bytes < SOCKET_BYTES) return false;
  state.slot = state.held < MAX_SLOTS ? wire.slots.take(state) : -1;
  state.fill = 0;
  // Where others have all slots, the socket it is.
  state.wantsSlot = state.slot < 0 && state.held > 0;
  return state.slot >= 0;
}

function fillSlot(state: State, bytes: Uint8Array, at: number): number {
  const piece = Math.min(bytes.length - at, RING_SLOT_BYTES - state.fill);
  state.wire.slots?.copyIn(state.slot, state.fill, bytes.subarray(at, at + piece));
  state.fill += piece;
  if (state.fill === RING_SLOT_BYTES) flush(state);
  return piece;
}

function putData(state: State, bytes: Uint8Array, at: number): number {
  const piece = Math.min(bytes.length - at, state.credit, DATA_BYTES);
  if (piece <= 0) return 0;
  state.credit -= piece;
  state.turnBytes += piece;
  state.wire.writer.data(FRAME.data, state.id, bytes.subarray(at, at + piece));
  return piece;
}

function flush(state: State): void {
  if (state.slot < 0) return;
  state.wire.writer.numbers(FRAME.bulk, state.id, state.slot, state.fill);
  state.slot = -1;
}

/** Once in this turn: when it ends, the slot goes as it is. */
function hook(state: State): void {
  if (state.hooked || state.wire.side !== "guest") return;
  state.hooked = true;
  state.wire.writer.beforeFlush(() => {
    state.hooked = false;
    state.turnBytes = 0;
    flush(state);
  });
}
