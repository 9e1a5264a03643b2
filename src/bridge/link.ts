import { type Asks, createAsks } from "./asks.ts";
import { createExchanges, type Exchanges, release } from "./exchanges.ts";
import { createFrameReader, createFrameWriter, type Transport } from "./frames.ts";
import {
  BridgeError,
  type Control,
  FRAME,
  type Link,
  type LinkHandlers,
  RING_SLOT_BYTES,
  RING_SLOTS,
} from "./model.ts";
import { readError, readTextMessage } from "./texts.ts";
import { type BulkEnd, createSlots, type Side, type Wire } from "./wire.ts";

/** Where the bytes of a link go, and how much it takes. */
export type LinkTransport = Transport & {
  /** Asked after each frame: whether the rest of what arrived should wait until `receive` is called again. */
  yields?: () => boolean;
  /** Largest call or answer to one, in bytes; 32 MB where it is not given. */
  messageBytes?: number;
};

const DEFAULT_MESSAGE_BYTES = 32 * 1024 * 1024;
/** Bodies wait while so much waits to be written. */
const FULL_BYTES = 512 * 1024;
/** The other end does not read at all, or far too little. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
const MAX_ID = 0xffff_fffe;

/**
 * One end of a link over `transport`. Whatever arrives, it never throws: what breaks the protocol closes it, as `onClose` is
 * told. Chunks of an answer's body may lie in the ring, so each is good only until the next one is read.
 */
export function createLink(
  side: Side,
  transport: LinkTransport,
  handlers: LinkHandlers,
  bulk?: BulkEnd,
): Link {
  let over: BridgeError | undefined;
  let roomWaiters: (() => void)[] = [];

  const writer = createFrameWriter({
    write: transport.write,
    schedule: (flush) =>
      transport.schedule(() => {
        flush();
        tellRoom();
      }),
  });
  const ids = createIds(side);
  const wire: Wire = {
    side,
    writer,
    isFull: () => writer.backlogBytes() > FULL_BYTES,
    room: () =>
      new Promise((resolve) => {
        if (over || writer.backlogBytes() <= FULL_BYTES) resolve();
        else roomWaiters.push(resolve);
      }),
    ...ids,
    slots: bulk && createSlots(bulk),
    violate: (problem) =>
      close(new BridgeError("protocol", `The other end broke the protocol: ${problem}`)),
    closed: () => over,
  };
  const exchanges = createExchanges(wire, handlers);
  const asks = createAsks(wire, handlers, transport.messageBytes ?? DEFAULT_MESSAGE_BYTES);
  const dispatch = createDispatch(wire, exchanges, asks, handlers);
  const reader = createFrameReader((type, id, buffer, start, end) => {
    dispatch(type, id, buffer, start, end);
    return over === undefined && transport.yields?.() !== true;
  });

  function tellRoom(): void {
    const backlog = writer.backlogBytes();
    if (backlog > MAX_BACKLOG_BYTES) return wire.violate("it does not read");
    if (backlog > FULL_BYTES) return undefined;
    const waiters = roomWaiters;
    roomWaiters = [];
    for (const wake of waiters) wake();
    return asks.onRoom();
  }
  function close(error?: BridgeError): void {
    if (over) return;
    writer.flush();
    over = error ?? new BridgeError("link_closed", "The process has ended");
    writer.close();
    exchanges.close(over);
    asks.close(over);
    for (const wake of roomWaiters.splice(0)) wake();
    handlers.onClose(error);
  }
  return {
    receive(bytes) {
      if (over) return;
      try {
        if (!reader.push(bytes)) wire.violate("a frame that is too long");
      } catch (error) {
        // A handler threw: what is to be done with the rest is not known.
        close(new BridgeError("internal", `A handler failed: ${String(error)}`));
      }
    },
    drained() {
      writer.flush();
      if (!over) tellRoom();
    },
    control: (message, bytes) => writer.text(FRAME.control, 0, JSON.stringify(message), bytes),
    request: exchanges.request,
    call: asks.call,
    note: asks.note,
    close,
    open() {
      const requests = exchanges.open();
      const calls = asks.open();
      return { asked: requests.asked + calls.asked, asking: requests.asking + calls.asking };
    },
    backlogBytes: writer.backlogBytes,
  };
}

/** Even ids are the host's. Each end counts upwards, so an id that is not larger than the last was used. */
function createIds(side: Side): Pick<Wire, "nextId" | "begin" | "wasBegun"> {
  const own = side === "host" ? 0 : 1;
  // 0 names nothing, so the host begins with 2.
  let lastOwn = side === "host" ? 0 : -1;
  let lastOther = side === "host" ? -1 : 0;
  return {
    nextId() {
      lastOwn += 2;
      return lastOwn;
    },
    begin(id) {
      if (id % 2 === own || id <= lastOther || id > MAX_ID) return false;
      lastOther = id;
      return true;
    },
    wasBegun: (id) => id > 0 && id <= (id % 2 === own ? lastOwn : lastOther),
  };
}

type Dispatch = (type: number, id: number, buffer: Buffer, start: number, end: number) => void;

function createDispatch(
  wire: Wire,
  exchanges: Exchanges,
  asks: Asks,
  handlers: LinkHandlers,
): Dispatch {
  /** Late frames of what is finished are normal; of what never was they are not. */
  function must(known: boolean, id: number): void {
    if (!known && !wire.wasBegun(id)) wire.violate("a frame of nothing");
  }
  function onBulk(id: number, buffer: Buffer, start: number, end: number): void {
    const { slots } = wire;
    if (!slots || wire.side !== "host" || end - start !== 8) return wire.violate("no such ring");
    const slot = buffer.readUInt32LE(start);
    const length = buffer.readUInt32LE(start + 4);
    if (slot >= RING_SLOTS || length > RING_SLOT_BYTES || !slots.takeThis(slot))
      return wire.violate("a slot that is not free");
    const known = exchanges.onBulk(id, slot, length);
    if (!known) release(wire, slot);
    return must(known, id);
  }
  function onText(type: number, id: number, buffer: Buffer, start: number, end: number): void {
    let message;
    try {
      message = readTextMessage(buffer, start, end);
    } catch {
      return wire.violate("a message that is not JSON");
    }
    const { value, bytes } = message;
    if (type === FRAME.failure) {
      const error = readError(value);
      return must(asks.onFailure(id, error) || exchanges.onFailure(id, error), id);
    }
    if (!isControl(value)) return wire.violate("a control message without a kind");
    return handlers.onControl(value, bytes);
  }
  function number(buffer: Buffer, start: number, end: number): number {
    return end - start === 4 ? buffer.readUInt32LE(start) : -1;
  }
  // oxlint-disable-next-line max-lines-per-function -- one case per type of frame
  return (type, id, buffer, start, end) => {
    switch (type) {
      case FRAME.request:
        return exchanges.onRequest(id, buffer, start, end);
      case FRAME.response:
        return exchanges.onResponse(id, buffer, start, end);
      case FRAME.data: {
        const bytes = buffer.subarray(start, end);
        return must(exchanges.onData(id, bytes) || asks.onData(id, bytes), id);
      }
      case FRAME.bulk:
        return onBulk(id, buffer, start, end);
      case FRAME.release: {
        const known =
          wire.side === "guest" && wire.slots?.give(number(buffer, start, end)) === true;
        return known ? undefined : wire.violate("a slot that is not in use");
      }
      case FRAME.end:
        return must(exchanges.onEnd(id) || asks.onEnd(id), id);
      case FRAME.cancel:
        return must(
          exchanges.onCancel(id, buffer.toString("utf8", start, Math.min(end, start + 500))),
          id,
        );
      case FRAME.credit: {
        const bytes = number(buffer, start, end);
        if (bytes < 0) return wire.violate("credit that is none");
        return must(exchanges.onCredit(id, bytes) || asks.onCredit(id, bytes), id);
      }
      case FRAME.call:
        return asks.onCall(id, buffer, start, end);
      case FRAME.result:
        return asks.onResult(id, buffer, start, end);
      case FRAME.note:
        return asks.onNote(buffer, start, end);
      case FRAME.control:
      case FRAME.failure:
        return onText(type, id, buffer, start, end);
      default:
        return wire.violate("a frame of no known type");
    }
  };
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
