import type { Open, Opens } from "./bodies.ts";
import {
  assemble,
  type Line,
  type Named,
  readNamed,
  sendMessage,
  sizeInParts,
} from "./calls-parts.ts";
import { BridgeError, type CallAnswer, FRAME, type LinkHandlers } from "./model.ts";
import { errorText } from "./texts.ts";
import { keepBytes, MAX_GUEST_CALL_BYTES, MAX_GUEST_CALLS, type Wire } from "./wire.ts";

/** Calls that the other end makes. */
export type CallsTaken = Opens & {
  onCall: (id: number, buffer: Buffer, start: number, end: number) => void;
  /** What was written is gone: calls that waited for that begin. */
  onRoom: () => void;
};

/** Of a guest's calls a host runs so many at a time, none while so many bytes of answers wait for the guest to take them. */
const MAX_RUNNING = 64;
const MAX_HELD_BYTES = 8 * 1024 * 1024;

type OnCall = LinkHandlers["onCall"];
type Taken = {
  wire: Wire;
  states: Map<number, Open>;
  line: Line;
  messageBytes: number;
  onCall: OnCall;
  waiting: { state: Open; named: Named }[];
  running: number;
  /** Bytes that came with calls that run. */
  runningBytes: number;
  /** Bytes that came with calls that wait. */
  waitingBytes: number;
  /** Bytes of answers in parts that were not sent yet, and what is to be told once they are. */
  heldBytes: number;
  undone: Set<() => void>;
};

/** Keeps the calls that the other end makes, until they are answered. `messageBytes`: the largest one that is taken. */
export function createCallsTaken(
  wire: Wire,
  line: Line,
  messageBytes: number,
  onCall: OnCall,
): CallsTaken {
  const states = new Map<number, Open>();
  const counts = { running: 0, runningBytes: 0, waitingBytes: 0, heldBytes: 0 };
  const taken: Taken = {
    wire,
    states,
    line,
    messageBytes,
    onCall,
    waiting: [],
    undone: new Set(),
    ...counts,
  };
  return {
    states,
    onCall: (id, buffer, start, end) => takeCall(taken, id, buffer, start, end),
    onRoom: () => startWaiting(taken),
    failed: () => false,
    cancelled: (id) => states.has(id),
    count: () => states.size,
    close(error) {
      taken.waiting = [];
      for (const state of states.values()) state.outgoing?.stop(error);
      states.clear();
      for (const done of taken.undone) done();
      taken.undone.clear();
    },
  };
}

function takeCall(taken: Taken, id: number, buffer: Buffer, start: number, end: number): void {
  const { wire, states, line, messageBytes } = taken;
  if (!wire.begin(id)) return wire.violate("a call with an id that is not its own");
  if (wire.side === "host" && states.size >= MAX_GUEST_CALLS * 2)
    return wire.violate("too many calls at once");
  const state: Open = { id, incoming: undefined, outgoing: undefined };
  states.set(id, state);
  const sizeBytes = sizeInParts(buffer, start, end);
  if (sizeBytes === undefined) return takeWhole(taken, state, buffer, start, end);
  if (sizeBytes > messageBytes)
    return fail(taken, state, new BridgeError("too_large", "The message is too large"));
  state.incoming = assemble(wire, line, { id, sizeBytes }, (message) => {
    state.incoming = undefined;
    if (message instanceof BridgeError) fail(taken, state, message);
    else takeWhole(taken, state, message, 0, message.length);
  });
  return undefined;
}

function takeWhole(taken: Taken, state: Open, buffer: Buffer, start: number, end: number): void {
  const { wire, messageBytes } = taken;
  const named = readNamed(wire, buffer, start, end);
  if (!named) return undefined;
  if (named instanceof BridgeError) return fail(taken, state, named);
  if (taken.waiting.length === 0 && mayRun(taken)) return run(taken, state, named);
  const bytes = keepBytes(named.bytes);
  taken.waitingBytes += bytes.length;
  taken.waiting.push({ state, named: { ...named, bytes } });
  if (taken.waitingBytes > MAX_GUEST_CALL_BYTES * 2 + messageBytes)
    wire.violate("too many bytes of calls at once");
  return undefined;
}

function mayRun({ wire, running, runningBytes, heldBytes }: Taken): boolean {
  if (wire.side === "guest") return true;
  const bytes = runningBytes + heldBytes + wire.writer.backlogBytes();
  return running < MAX_RUNNING && bytes < MAX_HELD_BYTES;
}

function startWaiting(taken: Taken): void {
  while (taken.waiting.length > 0 && mayRun(taken)) {
    const next = taken.waiting.shift();
    if (!next) return;
    taken.waitingBytes -= next.named.bytes.length;
    run(taken, next.state, next.named);
  }
}

function run(taken: Taken, state: Open, { name, params, bytes }: Named): void {
  let answered: CallAnswer | Promise<CallAnswer>;
  try {
    answered = taken.onCall(name, params, keepBytes(bytes));
  } catch (error) {
    return fail(taken, state, error);
  }
  // Without a turn where it is answered at once.
  if (!(answered instanceof Promise)) return answer(taken, state, answered);
  void runLater(taken, state, answered, bytes.length);
  return undefined;
}

async function runLater(
  taken: Taken,
  state: Open,
  answered: Promise<CallAnswer>,
  bytes: number,
): Promise<void> {
  taken.running += 1;
  taken.runningBytes += bytes;
  try {
    answer(taken, state, await answered);
  } catch (error) {
    fail(taken, state, error);
  }
  taken.running -= 1;
  taken.runningBytes -= bytes;
  startWaiting(taken);
}

function answer(taken: Taken, state: Open, answered: CallAnswer): void {
  const { wire, states } = taken;
  const { value, bytes, done } = answered;
  if (wire.closed()) return done?.();
  const frame = { type: FRAME.result, id: state.id };
  let text: string;
  try {
    text = JSON.stringify(value ?? null);
  } catch (error) {
    done?.();
    return fail(taken, state, error);
  }
  const sent = sendMessage(wire, frame, { text, bytes }, () => {
    taken.heldBytes -= sent?.sizeBytes ?? 0;
    states.delete(state.id);
    if (done) taken.undone.delete(done);
    done?.();
    startWaiting(taken);
  });
  if (sent) {
    taken.heldBytes += sent.sizeBytes;
    state.outgoing = sent.outgoing;
    // Also where the link ends before it is sent.
    if (done) taken.undone.add(done);
  } else {
    states.delete(state.id);
    done?.();
  }
  return undefined;
}

function fail({ wire, states }: Taken, state: Open, error: unknown): void {
  wire.writer.text(FRAME.failure, state.id, errorText(error));
  states.delete(state.id);
}
