import { cancelled, type Open, type Opens, release } from "./bodies.ts";
import { readMessage, readNamed } from "./calls-parts.ts";
import type { CallsSent } from "./calls-sent.ts";
import type { CallsTaken } from "./calls-taken.ts";
import {
  BridgeError,
  type Control,
  FRAME,
  type LinkHandlers,
  RING_SLOT_BYTES,
  RING_SLOTS,
} from "./model.ts";
import type { RequestsSent } from "./requests-sent.ts";
import type { RequestsTaken } from "./requests-taken.ts";
import { readError } from "./texts.ts";
import type { Wire } from "./wire.ts";

/** All that is open at one end of a link. */
export type Parties = {
  wire: Wire;
  handlers: Pick<LinkHandlers, "onControl" | "onNote">;
  requestsSent: RequestsSent;
  requestsTaken: RequestsTaken;
  callsSent: CallsSent;
  callsTaken: CallsTaken;
};

const MAX_REASON_BYTES = 500;
/** Frames that bring or grant less are work for little, whoever asked: they count against the time of who sends them. */
const WORTH_BYTES = 1024;

/** Does what a frame says. Whether it belongs to something that this end asked and has not got yet. */
export function dispatch(
  parties: Parties,
  type: number,
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  switch (type) {
    case FRAME.response:
      return parties.requestsSent.onResponse(id, buffer, start, end);
    case FRAME.result:
      return parties.callsSent.onResult(id, buffer, start, end);
    case FRAME.data:
      return onData(parties, id, buffer.subarray(start, end));
    case FRAME.bulk:
      return onBulk(parties, id, buffer, start, end);
    case FRAME.end:
      return onEnd(parties, id);
    case FRAME.credit:
      return onCredit(parties, id, buffer, start, end);
    case FRAME.failure:
      return onFailure(parties, id, buffer, start, end);
    default:
      begun(parties, type, id, buffer, start, end);
      return false;
  }
}

/** Frames by which the other end begins or ends something. */
function begun(
  parties: Parties,
  type: number,
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
): void {
  switch (type) {
    case FRAME.request:
      return parties.requestsTaken.onRequest(id, buffer, start, end);
    case FRAME.call:
      return parties.callsTaken.onCall(id, buffer, start, end);
    case FRAME.note:
      return onNote(parties, buffer, start, end);
    case FRAME.release:
      return onRelease(parties, buffer, start, end);
    case FRAME.control:
      return onControl(parties, buffer, start, end);
    case FRAME.cancel:
      return onCancel(
        parties,
        id,
        buffer.toString("utf8", start, Math.min(end, start + MAX_REASON_BYTES)),
      );
    default:
      return parties.wire.violate("a frame of no known type");
  }
}

function partiesOf({ wire, ...all }: Parties, id: number): readonly [Opens, Opens] {
  return wire.isOwn(id) ? [all.requestsSent, all.callsSent] : [all.requestsTaken, all.callsTaken];
}

/** What is open by this id. Late frames of what is finished are normal; of what never was they are not. */
function find(parties: Parties, id: number): Open | undefined {
  const [requests, calls] = partiesOf(parties, id);
  const open = requests.states.get(id) ?? calls.states.get(id);
  if (!open) mustHaveBegun(parties, id);
  return open;
}

function mustHaveBegun({ wire }: Parties, id: number): void {
  if (!wire.wasBegun(id)) wire.violate("a frame of nothing");
}

function onData(parties: Parties, id: number, bytes: Uint8Array): boolean {
  const open = find(parties, id);
  if (open && !open.incoming?.data(bytes)) parties.wire.violate("bytes that were not granted");
  return open !== undefined && parties.wire.isOwn(id) && bytes.length >= WORTH_BYTES;
}

function onBulk(parties: Parties, id: number, buffer: Buffer, start: number, end: number): boolean {
  const { wire } = parties;
  const { slots } = wire;
  const slot = end - start === 8 ? buffer.readUInt32LE(start) : RING_SLOTS;
  const length = slot < RING_SLOTS ? buffer.readUInt32LE(start + 4) : 0;
  if (!slots || wire.side !== "host" || length > RING_SLOT_BYTES || !slots.takeThis(slot)) {
    wire.violate("a slot that is not free");
    return false;
  }
  const open = find(parties, id);
  if (!open?.incoming) release(wire, slot);
  if (open && !open.incoming?.bulk(slot, length)) wire.violate("bytes that were not granted");
  return open !== undefined && wire.isOwn(id) && length >= WORTH_BYTES;
}

function onEnd(parties: Parties, id: number): boolean {
  const open = find(parties, id);
  if (!open) return false;
  if (!open.incoming) parties.wire.violate("the end of nothing");
  open.incoming?.end();
  if (parties.requestsSent.states.has(id)) parties.requestsSent.ended?.(id);
  return parties.wire.isOwn(id);
}

function onCredit(
  parties: Parties,
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  const open = find(parties, id);
  const bytes = end - start === 4 ? buffer.readUInt32LE(start) : Infinity;
  if (bytes === Infinity || open?.outgoing?.grant(bytes) === false)
    parties.wire.violate("more credit than a window");
  return open !== undefined && bytes >= WORTH_BYTES;
}

function onFailure(
  parties: Parties,
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  const message = readMessage(parties.wire, buffer, start, end);
  const error = message instanceof BridgeError ? message : readError(message.value);
  const isKnown = partiesOf(parties, id).some((opens) => opens.failed(id, error));
  if (!isKnown) mustHaveBegun(parties, id);
  return isKnown;
}

function onCancel(parties: Parties, id: number, reason: string): void {
  const error = cancelled(reason);
  if (!partiesOf(parties, id).some((opens) => opens.cancelled(id, error)))
    mustHaveBegun(parties, id);
}

function onNote({ wire, handlers }: Parties, buffer: Buffer, start: number, end: number): void {
  const named = readNamed(wire, buffer, start, end);
  if (named && !(named instanceof BridgeError))
    handlers.onNote(named.name, named.params, named.bytes);
}

function onRelease({ wire }: Parties, buffer: Buffer, start: number, end: number): void {
  const slot = end - start === 4 ? buffer.readUInt32LE(start) : RING_SLOTS;
  if (wire.side !== "guest" || wire.slots?.give(slot) !== true)
    wire.violate("a slot that is not in use");
}

function onControl({ wire, handlers }: Parties, buffer: Buffer, start: number, end: number): void {
  const message = readMessage(wire, buffer, start, end);
  if (message instanceof BridgeError || !isControl(message.value))
    return wire.violate("a control message without a kind");
  return handlers.onControl(message.value, message.bytes);
}

/** Only that it names a kind: who takes it checks the rest. */
function isControl(value: unknown): value is Control {
  return (
    value !== null &&
    typeof value === "object" &&
    Object.hasOwn(value, "kind") &&
    typeof Reflect.get(value, "kind") === "string"
  );
}
