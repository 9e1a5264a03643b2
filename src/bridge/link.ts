import type { Opens } from "./bodies.ts";
import { createCallsSent } from "./calls-sent.ts";
import { createCallsTaken } from "./calls-taken.ts";
import { dispatch, type Parties } from "./dispatch.ts";
import { createFrameReader, type FrameReader } from "./frame-reader.ts";
import { createFrameWriter, type FrameWriter, type Transport } from "./frames.ts";
import { BridgeError, FRAME, type Link, type LinkHandlers } from "./model.ts";
import { createRequestsSent } from "./requests-sent.ts";
import { createRequestsTaken } from "./requests-taken.ts";
import { type BulkEnd, createSlots, type Side, type Wire } from "./wire.ts";

/** Where the bytes of a link go, and how much it takes. */
export type LinkTransport = Transport & {
  /**
   * Told after each frame whether this end had asked for it; whether the rest of what arrived should wait until `receive` is
   * called again.
   */
  yields?: (wasAsked: boolean) => boolean;
  /** Largest call or answer to one, in bytes; 32 MB where it is not given. */
  messageBytes?: number;
};

type Counts = ReturnType<Link["open"]>;

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
  const room = createRoom(() => callsTaken.onRoom());
  const afterFlush = (flush: () => void): void =>
    transport.schedule(() => {
      flush();
      tellRoom();
    });
  const writer = createFrameWriter({ ...transport, schedule: afterFlush });
  const wire: Wire = {
    ...createIds(side),
    side,
    writer,
    isFull: () => writer.backlogBytes() > FULL_BYTES,
    room: () => room.wait(over === undefined && wire.isFull()),
    slots: bulk && createSlots(bulk),
    violate: (problem) => close(violation(problem)),
    closed: () => over,
  };
  const parties = createParties(wire, handlers, transport.messageBytes ?? DEFAULT_MESSAGE_BYTES);
  const { requestsSent, callsSent, callsTaken } = parties;
  const reader = createFrameReader((type, id, buffer, start, end) => {
    const wasAsked = dispatch(parties, type, id, buffer, start, end);
    return over === undefined && transport.yields?.(wasAsked) !== true;
  });

  function tellRoom(): void {
    if (writer.backlogBytes() > MAX_BACKLOG_BYTES) wire.violate("it does not read");
    else if (!wire.isFull()) room.tell();
  }
  function close(error?: BridgeError): void {
    if (over) return;
    writer.flush();
    over = error ?? new BridgeError("link_closed", "The process has ended");
    writer.close();
    for (const opens of opensOf(parties)) opens.close(over);
    room.tell();
    handlers.onClose(error);
  }
  return {
    ...sending(writer),
    receive(bytes) {
      const problem = over ? undefined : feed(reader, bytes);
      if (problem) close(problem);
    },
    drained() {
      writer.flush();
      if (!over) tellRoom();
    },
    request: requestsSent.request,
    call: callsSent.call,
    close,
    open: () => countOpen(parties),
    backlogBytes: writer.backlogBytes,
  };
}

function opensOf(parties: Parties): readonly Opens[] {
  const { requestsSent, requestsTaken, callsSent, callsTaken } = parties;
  return [requestsSent, requestsTaken, callsSent, callsTaken];
}

function countOpen({ requestsSent, requestsTaken, callsSent, callsTaken }: Parties): Counts {
  return {
    asked: requestsTaken.count() + callsTaken.count(),
    asking: requestsSent.count() + callsSent.count(),
  };
}

function violation(problem: string): BridgeError {
  return new BridgeError("protocol", `The other end broke the protocol: ${problem}`);
}

/** Why the link cannot go on after these bytes, if so. */
function feed(reader: FrameReader, bytes: Uint8Array): BridgeError | undefined {
  try {
    return reader.push(bytes) ? undefined : violation("a frame that is too long");
  } catch (error) {
    // A handler threw: what became of the rest is not known.
    if (error instanceof BridgeError) return error;
    return new BridgeError("internal", `A handler failed: ${String(error)}`);
  }
}

function sending(writer: FrameWriter): Pick<Link, "control" | "note"> {
  return {
    control: (message, bytes) => writer.text(FRAME.control, 0, JSON.stringify(message), bytes),
    note: (name, params, bytes) =>
      writer.text(FRAME.note, 0, JSON.stringify([name, params ?? null]), bytes),
  };
}

function createParties(wire: Wire, handlers: LinkHandlers, messageBytes: number): Parties {
  const line: Parameters<typeof createCallsSent>[1] = [];
  return {
    wire,
    handlers,
    requestsSent: createRequestsSent(wire),
    requestsTaken: createRequestsTaken(wire, handlers.onRequest),
    callsSent: createCallsSent(wire, line, messageBytes),
    callsTaken: createCallsTaken(wire, line, messageBytes, handlers.onCall),
  };
}

/** Those that wait for room in the backlog. */
function createRoom(onRoom: () => void): {
  wait: (isFull: boolean) => Promise<void>;
  tell: () => void;
} {
  let waiters: (() => void)[] = [];
  return {
    wait: (isFull) =>
      new Promise((resolve) => {
        if (isFull) waiters.push(resolve);
        else resolve();
      }),
    tell() {
      const woken = waiters;
      waiters = [];
      for (const wake of woken) wake();
      onRoom();
    },
  };
}

/** Even ids are the host's. Each end counts upwards, so an id that is not larger than the last was used. */
function createIds(side: Side): Pick<Wire, "nextId" | "begin" | "wasBegun" | "isOwn"> {
  const own = side === "host" ? 0 : 1;
  // 0 names nothing, so the host begins with 2.
  let lastOwn = side === "host" ? 0 : -1;
  let lastOther = side === "host" ? -1 : 0;
  const isOwn = (id: number): boolean => id % 2 === own;
  return {
    isOwn,
    nextId() {
      lastOwn += 2;
      return lastOwn;
    },
    begin(id) {
      if (isOwn(id) || id <= lastOther || id > MAX_ID) return false;
      lastOther = id;
      return true;
    },
    wasBegun: (id) => id > 0 && id <= (isOwn(id) ? lastOwn : lastOther),
  };
}
