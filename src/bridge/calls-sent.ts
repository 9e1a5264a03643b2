import type { Open, Opens } from "./bodies.ts";
import { assemble, type Line, readMessage, sendMessage, sizeInParts } from "./calls-parts.ts";
import { BridgeError, type CallAnswer, FRAME } from "./model.ts";
import { keepBytes, MAX_GUEST_CALL_BYTES, MAX_GUEST_CALLS, type Wire } from "./wire.ts";

/** Calls that this end makes. */
export type CallsSent = Opens & {
  call: (name: string, params: unknown, bytes?: Uint8Array) => Promise<CallAnswer>;
  /** False: it answers nothing that is open. */
  onResult: (id: number, buffer: Buffer, start: number, end: number) => boolean;
};

type Asked = Open & {
  resolve: (answer: CallAnswer) => void;
  reject: (error: unknown) => void;
  sizeBytes: number;
};

type Sent = {
  wire: Wire;
  states: Map<number, Asked>;
  line: Line;
  messageBytes: number;
  /** Those that a guest keeps back until others are answered. */
  waiting: (() => void)[];
  sentBytes: number;
};

/** Keeps the calls that this end makes. `messageBytes`: the largest result that is taken. */
export function createCallsSent(wire: Wire, line: Line, messageBytes: number): CallsSent {
  const states = new Map<number, Asked>();
  const sent: Sent = { wire, states, line, messageBytes, waiting: [], sentBytes: 0 };
  const failed = (id: number, error: BridgeError): boolean => {
    const state = finish(sent, id);
    state?.outgoing?.stop(error);
    state?.incoming?.fail(error);
    state?.reject(error);
    return state !== undefined;
  };
  return {
    states,
    call: (name, params, bytes) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify([name, params ?? null]);
        const start = (): void => begin(sent, { text, bytes }, { resolve, reject });
        if (isFull(sent)) sent.waiting.push(start);
        else start();
      }),
    onResult: (id, buffer, start, end) => takeResult(sent, id, buffer, start, end),
    failed,
    cancelled: failed,
    count: () => states.size + sent.waiting.length,
    close(error) {
      for (const id of states.keys()) failed(id, error);
      for (const start of sent.waiting.splice(0)) start();
    },
  };
}

function isFull({ wire, states, sentBytes }: Sent): boolean {
  return (
    wire.side === "guest" && (states.size >= MAX_GUEST_CALLS || sentBytes > MAX_GUEST_CALL_BYTES)
  );
}

function begin(
  sent: Sent,
  message: { text: string; bytes: Uint8Array | undefined },
  { resolve, reject }: Pick<Asked, "resolve" | "reject">,
): void {
  const closed = sent.wire.closed();
  if (closed) return reject(closed);
  const id = sent.wire.nextId();
  const sizeBytes = message.text.length + (message.bytes?.length ?? 0);
  const none = { incoming: undefined, outgoing: undefined };
  const state: Asked = { id, resolve, reject, sizeBytes, ...none };
  sent.states.set(id, state);
  sent.sentBytes += sizeBytes;
  const frame = { type: FRAME.call, id };
  state.outgoing = sendMessage(sent.wire, frame, message, () => {
    state.outgoing = undefined;
  })?.outgoing;
  return undefined;
}

function finish(sent: Sent, id: number): Asked | undefined {
  const state = sent.states.get(id);
  if (!state) return undefined;
  sent.states.delete(id);
  sent.sentBytes -= state.sizeBytes;
  while (sent.waiting.length > 0 && !isFull(sent)) sent.waiting.shift()?.();
  return state;
}

function takeResult(sent: Sent, id: number, buffer: Buffer, start: number, end: number): boolean {
  const { wire, line, messageBytes } = sent;
  const state = sent.states.get(id);
  if (!state || state.incoming) {
    if (state || !wire.wasBegun(id)) wire.violate("a result of nothing");
    return false;
  }
  const sizeBytes = sizeInParts(buffer, start, end);
  if (sizeBytes === undefined) takeWhole(sent, id, buffer, start, end);
  else if (sizeBytes > messageBytes) wire.violate("a message that is too large");
  else
    state.incoming = assemble(wire, line, { id, sizeBytes }, (message) => {
      if (message instanceof BridgeError) finish(sent, id)?.reject(message);
      else takeWhole(sent, id, message, 0, message.length);
    });
  return true;
}

function takeWhole(sent: Sent, id: number, buffer: Buffer, start: number, end: number): void {
  const state = finish(sent, id);
  const message = readMessage(sent.wire, buffer, start, end);
  if (message instanceof BridgeError) return state?.reject(message);
  const { value, bytes } = message;
  return state?.resolve(bytes.length > 0 ? { value, bytes: keepBytes(bytes) } : { value });
}
