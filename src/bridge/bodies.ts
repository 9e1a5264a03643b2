import { HEAD_PREFIX_BYTES } from "./frames.ts";
import { createIncoming, type Incoming, type IncomingEnds, type Sink } from "./incoming.ts";
import { type Body, BridgeError, FRAME } from "./model.ts";
import type { Outgoing } from "./outgoing.ts";
import { keepBytes, type Wire } from "./wire.ts";

/** What a request or a call keeps while it is open: what comes for it and what goes. */
export type Open = { id: number; incoming: Sink | undefined; outgoing: Outgoing | undefined };

/** Those of one kind that are open at one end. */
export type Opens = {
  states: ReadonlyMap<number, Open>;
  /** The other end failed. False: no such id. */
  failed: (id: number, error: BridgeError) => boolean;
  /** The other end wants no more of it. False: no such id. */
  cancelled: (id: number, error: BridgeError) => boolean;
  /** All bytes have come. */
  ended?: (id: number) => void;
  close: (error: BridgeError) => void;
  count: () => number;
};

/** How the body goes that belongs to a head. */
const BODY = { none: 0, whole: 1, stream: 2 } as const;
/** A whole body up to this goes with its head. */
const INLINE_BYTES = 64 * 1024;

/** Writes a head with its body, and gives the body back where it has to be sent in parts. */
export function writeHead(
  { writer }: Wire,
  type: number,
  id: number,
  head: string,
  body: Body,
): Exclude<Body, null> | undefined {
  if (body === null) writer.head(type, id, BODY.none, head);
  else if (body instanceof Uint8Array && body.length <= INLINE_BYTES)
    writer.head(type, id, body.length === 0 ? BODY.none : BODY.whole, head, body);
  else {
    writer.head(type, id, BODY.stream, head);
    return body;
  }
  return undefined;
}

/** A head as it came, with its body; `isStream`: the body comes in parts. */
export type HeadParts = { head: string; isStream: boolean; body: Uint8Array | null };

/** Reads what `writeHead` writes; undefined: it is not laid out so. */
export function readHead(buffer: Buffer, start: number, end: number): HeadParts | undefined {
  const textStart = start + HEAD_PREFIX_BYTES;
  if (textStart > end) return undefined;
  const kind = buffer.readUInt8(start);
  const textEnd = textStart + buffer.readUInt32LE(start + 1);
  const isWhole = kind === BODY.whole;
  if (kind > BODY.stream || textEnd > end || (!isWhole && textEnd !== end)) return undefined;
  return {
    head: buffer.toString("latin1", textStart, textEnd),
    isStream: kind === BODY.stream,
    body: isWhole ? keepBytes(buffer.subarray(textEnd, end)) : null,
  };
}

/** A body that comes in parts. `inPlace`: its chunks may lie in the ring until the next one is read. */
export function openIncoming(
  wire: Wire,
  id: number,
  options: { granted: number; inPlace: boolean; onCancel: () => void },
): Incoming {
  const { granted, inPlace, onCancel } = options;
  return createIncoming({ ...endsOf(wire, id), inPlace, onCancel }, granted);
}

/** How what comes in parts is asked for, and its slots are given back. */
export function endsOf(wire: Wire, id: number): Pick<IncomingEnds, "grant" | "slots" | "release"> {
  return {
    grant: (bytes) => wire.writer.numbers(FRAME.credit, id, bytes),
    release: (slot) => release(wire, slot),
    slots: wire.slots,
  };
}

/** Tells the guest that a slot may be used again. */
export function release({ slots, writer }: Wire, slot: number): void {
  if (slots?.give(slot)) writer.numbers(FRAME.release, 0, slot);
}

/** Why something was given up. */
export function cancelled(reason: string): BridgeError {
  return new BridgeError("cancelled", reason);
}
