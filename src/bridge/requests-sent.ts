import { cancelled, type Open, openIncoming, type Opens, readHead, writeHead } from "./bodies.ts";
import { createHeadReader, encodeRequestHead } from "./heads.ts";
import type { Incoming } from "./incoming.ts";
import {
  type Body,
  BridgeError,
  FRAME,
  type Link,
  type LinkResponse,
  type RequestHead,
  type Stop,
  WINDOW_BYTES,
} from "./model.ts";
import { cancelBody, sendBody } from "./outgoing.ts";
import { MAX_GUEST_REQUESTS, type Wire } from "./wire.ts";

/** Requests that this end asks. */
export type RequestsSent = Opens & {
  request: Link["request"];
  /** False: it answers nothing that is open. */
  onResponse: (id: number, buffer: Buffer, start: number, end: number) => boolean;
};

type Asked = Open & {
  /** Until the head of the answer is there. */
  resolve: ((response: LinkResponse) => void) | undefined;
  reject: (error: unknown) => void;
  incoming: Incoming | undefined;
  signal: AbortSignal | Stop | undefined;
  onAbort: (() => void) | undefined;
};

type Sent = {
  wire: Wire;
  states: Map<number, Asked>;
  /** Those that a guest keeps back until others are answered. */
  waiting: (() => void)[];
  most: number;
  readHead: ReturnType<typeof createHeadReader>;
};

/** Keeps the requests that this end asks. */
export function createRequestsSent(wire: Wire): RequestsSent {
  const states = new Map<number, Asked>();
  const most = wire.side === "guest" ? MAX_GUEST_REQUESTS : Infinity;
  const sent: Sent = { wire, states, waiting: [], most, readHead: createHeadReader() };
  const end = (id: number, error?: BridgeError): boolean => {
    const state = states.get(id);
    if (state) finish(sent, state, error);
    return state !== undefined;
  };
  return {
    states,
    request: (head, body, signal) => request(sent, head, body, signal),
    onResponse: (id, buffer, start, stop) => takeResponse(sent, id, buffer, start, stop),
    failed: end,
    cancelled: end,
    ended: end,
    count: () => states.size + sent.waiting.length,
    close(error) {
      for (const state of states.values()) finish(sent, state, error);
      for (const start of sent.waiting.splice(0)) start();
    },
  };
}

function request(
  sent: Sent,
  head: RequestHead,
  body: Body,
  signal: AbortSignal | Stop | undefined,
): Promise<LinkResponse> {
  return new Promise((resolve, reject) => {
    const state: Asked = {
      id: 0,
      resolve,
      reject,
      incoming: undefined,
      outgoing: undefined,
      signal,
      onAbort: undefined,
    };
    let text: string;
    try {
      text = encodeRequestHead(head);
    } catch (error) {
      cancelBody(body, error);
      reject(error);
      return;
    }
    if (sent.states.size >= sent.most) sent.waiting.push(() => begin(sent, state, text, body));
    else begin(sent, state, text, body);
  });
}

function begin(sent: Sent, state: Asked, text: string, body: Body): void {
  const { wire, states } = sent;
  const { signal } = state;
  if (wire.closed() || isStopped(signal)) {
    const error = wire.closed() ?? cancelled("Nobody wants the answer");
    cancelBody(body, error);
    state.reject(error);
    return;
  }
  state.id = wire.nextId();
  states.set(state.id, state);
  if (signal) {
    state.onAbort = () => cancel(sent, state, "Nobody wants the answer");
    if ("onStop" in signal) signal.onStop = state.onAbort;
    else signal.addEventListener("abort", state.onAbort);
  }
  const rest = writeHead(wire, FRAME.request, state.id, text, body);
  if (!rest) return;
  // What a guest sends is granted when somebody reads it.
  const credit = wire.side === "host" ? WINDOW_BYTES : 0;
  state.outgoing = sendBody(wire, state.id, rest, credit, (error) => {
    state.outgoing = undefined;
    if (error !== undefined) cancel(sent, state, "The body of the request broke off");
  });
}

/** The answer is whole or will not come: what of the request was not sent yet is not needed any more. */
function finish(sent: Sent, state: Asked, error?: BridgeError): void {
  if (!sent.states.delete(state.id)) return;
  unlisten(state);
  state.outgoing?.stop(error ?? cancelled("The answer is there already"));
  if (error && state.resolve) state.reject(error);
  if (error) state.incoming?.fail(error);
  if (sent.states.size < sent.most) sent.waiting.shift()?.();
}

function isStopped(signal: AbortSignal | Stop | undefined): boolean {
  if (signal === undefined) return false;
  return "isStopped" in signal ? signal.isStopped : signal.aborted;
}

function unlisten({ signal, onAbort }: Asked): void {
  if (!signal || !onAbort) return;
  if ("onStop" in signal) signal.onStop = undefined;
  else signal.removeEventListener("abort", onAbort);
}

function cancel(sent: Sent, state: Asked, reason: string): void {
  if (!sent.states.has(state.id)) return;
  sent.wire.writer.text(FRAME.cancel, state.id, reason);
  finish(sent, state, cancelled(reason));
}

function takeResponse(sent: Sent, id: number, buffer: Buffer, start: number, end: number): boolean {
  const { wire } = sent;
  const state = sent.states.get(id);
  if (!state?.resolve) {
    if (state || !wire.wasBegun(id)) wire.violate("an answer to nothing");
    return false;
  }
  const response = readResponse(sent, state, buffer, start, end);
  if (!response) return false;
  const { resolve } = state;
  state.resolve = undefined;
  if (!state.incoming) finish(sent, state);
  resolve(response);
  return true;
}

/** Undefined: it cannot be taken, and what is to be done about it is done. */
function readResponse(
  sent: Sent,
  state: Asked,
  buffer: Buffer,
  start: number,
  end: number,
): LinkResponse | undefined {
  const { wire } = sent;
  const parts = readHead(buffer, start, end);
  if (!parts) {
    wire.violate("a head that is none");
    return undefined;
  }
  try {
    const { status, statusText, headers } = sent.readHead(parts.head);
    if (!parts.isStream) return { status, statusText, headers, body: parts.body };
    const onCancel = (): void => cancel(sent, state, "Nobody reads the answer");
    const options = { granted: WINDOW_BYTES, inPlace: true, onCancel };
    state.incoming = openIncoming(wire, state.id, options);
    return { status, statusText, headers, body: state.incoming.stream };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    wire.writer.text(FRAME.cancel, state.id, error.message);
    finish(sent, state, error);
    return undefined;
  }
}
