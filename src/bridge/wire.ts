import type { FrameWriter } from "./frames.ts";
import { type BridgeError, RING_SLOT_BYTES, RING_SLOTS } from "./model.ts";

/** Which end a link is. */
export type Side = "host" | "guest";

/** The ring as one end sees it: `RING_SLOTS` × `RING_SLOT_BYTES`, the same memory at both ends. Not for longer than the link is open. */
export type BulkEnd = { memory: Uint8Array };

/** Requests of a guest that a host has at a time: its own link keeps more back, and a host refuses them. */
export const MAX_GUEST_REQUESTS = 256;
/** Calls of a guest that are not answered yet: its own link keeps more back, twice as many break it. */
export const MAX_GUEST_CALLS = 256;
/** The same for the bytes of its calls. */
export const MAX_GUEST_CALL_BYTES = 8 * 1024 * 1024;

/** What the parts of one end of a link share. */
export type Wire = {
  side: Side;
  writer: FrameWriter;
  /** Whether so much waits to be written that bodies should wait. */
  isFull: () => boolean;
  /** Resolves when it is not full any more, or the link is over. */
  room: () => Promise<void>;
  /** A new id of this end. */
  nextId: () => number;
  isOwn: (id: number) => boolean;
  /** Takes an id that the other end begins; false: it may not be begun. */
  begin: (id: number) => boolean;
  /** Whether either end ever began this id. */
  wasBegun: (id: number) => boolean;
  slots: Slots | undefined;
  /** Closes the link because the other end broke the protocol. */
  violate: (problem: string) => void;
  /** Why nothing more goes, once the link is over. */
  closed: () => BridgeError | undefined;
};

/** Who fills slots: how many of its slots are in use, and what to do when one is given back. */
export type SlotOwner = { held: number; onGiven: () => void };

/** Which slots of the ring are in use. */
export type Slots = {
  /** Takes a free slot; -1: none is. */
  take: (owner: SlotOwner) => number;
  /** Takes this slot; false: it is none or in use. */
  takeThis: (slot: number) => boolean;
  /** Gives a slot back; false: it was not in use. */
  give: (slot: number) => boolean;
  /** The bytes of a slot, in place. */
  view: (slot: number, length: number) => Uint8Array;
  /** Copies into a slot. */
  copyIn: (slot: number, at: number, bytes: Uint8Array) => void;
};

/** The slots of a ring, all free. */
export function createSlots({ memory }: BulkEnd): Slots {
  const free: number[] = Array.from({ length: RING_SLOTS }, (_, slot) => slot);
  const owners = new Map<number, SlotOwner | undefined>();
  return {
    take(owner) {
      const slot = free.pop() ?? -1;
      if (slot < 0) return slot;
      owners.set(slot, owner);
      owner.held += 1;
      return slot;
    },
    takeThis(slot) {
      const index = free.indexOf(slot);
      if (index < 0) return false;
      free.splice(index, 1);
      owners.set(slot, undefined);
      return true;
    },
    give(slot) {
      if (!owners.has(slot)) return false;
      const owner = owners.get(slot);
      owners.delete(slot);
      free.push(slot);
      if (owner) {
        owner.held -= 1;
        owner.onGiven();
      }
      return true;
    },
    view: (slot, length) =>
      memory.subarray(slot * RING_SLOT_BYTES, slot * RING_SLOT_BYTES + length),
    copyIn(slot, at, bytes) {
      memory.set(bytes, slot * RING_SLOT_BYTES + at);
    },
  };
}

/** The bytes themselves, or a copy where keeping them would keep much else; never a Buffer, whose `slice` is no copy. */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteLength * 2 < buffer.byteLength) return new Uint8Array(bytes);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
