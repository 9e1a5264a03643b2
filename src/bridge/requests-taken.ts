import {
  cancelled,
  type HeadParts,
  type Open,
  openIncoming,
  type Opens,
  readHead,
  writeHead,
} from "./bodies.ts";
import { decodeRequestHead, encodeResponseHead } from "./heads.ts";
import type { Incoming } from "./incoming.ts";
import {
  type Body,
  BridgeError,
  FRAME,
  type LinkHandlers,
  type LinkResponse,
  type RequestHead,
  WINDOW_BYTES,
} from "./model.ts";
import { cancelBody, sendBody } from "./outgoing.ts";
import { errorText } from "./texts.ts";
import { MAX_GUEST_REQUESTS, type Wire } from "./wire.ts";

/** Requests that the other end asks. */
export type RequestsTaken = Opens & {
  onRequest: (id: number, buffer: Buffer, start: number, end: number) => void;
};

type Answering = Open & {
  abort: AbortController;
  incoming: Incoming | undefined;
  /** Nobody wants the answer; it counts until what makes it has come to an end. */
  isCancelled: boolean;
};

type OnRequest = LinkHandlers["onRequest"];
type Taken = { wire: Wire; states: Map<number, Answering>; onRequest: OnRequest; most: number };

/** Keeps the requests that the other end asks, until they are answered. */
export function createRequestsTaken(wire: Wire, onRequest: OnRequest): RequestsTaken {
  const states = new Map<number, Answering>();
  const most = wire.side === "host" ? MAX_GUEST_REQUESTS : Infinity;
  const taken: Taken = { wire, states, onRequest, most };
  return {
    states,
    onRequest: (id, buffer, start, end) => takeRequest(taken, id, buffer, start, end),
    failed: () => false,
    cancelled(id, error) {
      const state = states.get(id);
      if (state) cancel(taken, state, error);
      return state !== undefined;
    },
    count: () => states.size,
    close(error) {
      for (const state of states.values()) cancel(taken, state, error);
    },
  };
}

function takeRequest(taken: Taken, id: number, buffer: Buffer, start: number, end: number): void {
  const { wire, states } = taken;
  const parts = readHead(buffer, start, end);
  if (!parts || !wire.begin(id)) return wire.violate("a request that is none");
  let head: RequestHead;
  try {
    head = decodeRequestHead(parts.head);
    if (states.size >= taken.most) throw new BridgeError("busy", "Too many requests at once");
  } catch (error) {
    return wire.writer.text(FRAME.failure, id, errorText(error));
  }
  const incoming = incomingOf(wire, id, parts);
  const abort = new AbortController();
  const state: Answering = { id, abort, incoming, outgoing: undefined, isCancelled: false };
  states.set(id, state);
  return run(taken, state, head, incoming ? incoming.stream : parts.body);
}

function incomingOf(wire: Wire, id: number, { isStream }: HeadParts): Incoming | undefined {
  if (!isStream) return undefined;
  const granted = wire.side === "guest" ? WINDOW_BYTES : 0;
  // The rest comes as far as it was granted, and is dropped.
  return openIncoming(wire, id, { granted, inPlace: false, onCancel: () => undefined });
}

function run(taken: Taken, state: Answering, head: RequestHead, body: Body): void {
  let answered: Promise<LinkResponse>;
  try {
    answered = taken.onRequest(head, body, state.abort.signal);
  } catch (error) {
    return fail(taken, state, error);
  }
  answered.then(
    (response) => answer(taken, state, response),
    (error: unknown) => fail(taken, state, error),
  );
  return undefined;
}

function answer(taken: Taken, state: Answering, response: LinkResponse): void {
  const { wire } = taken;
  const { body } = response;
  if (state.isCancelled) {
    cancelBody(body, cancelled("Nobody wants the answer"));
    return finish(taken, state);
  }
  let head: string;
  try {
    head = encodeResponseHead(response);
  } catch (error) {
    cancelBody(body, error);
    return fail(taken, state, error);
  }
  const rest = writeHead(wire, FRAME.response, state.id, head, body);
  if (!rest) return finish(taken, state);
  state.outgoing = sendBody(wire, state.id, rest, WINDOW_BYTES, (error) => {
    // What has a code says why, as a limit that it met; other errors are their end's own.
    if (error instanceof BridgeError) wire.writer.text(FRAME.failure, state.id, errorText(error));
    else if (error !== undefined)
      wire.writer.text(FRAME.cancel, state.id, "The body of the answer broke off");
    finish(taken, state);
  });
  return undefined;
}

function finish({ states }: Taken, state: Answering): void {
  states.delete(state.id);
  state.incoming?.fail(cancelled("The answer is sent"));
}

function fail(taken: Taken, state: Answering, error: unknown): void {
  if (!state.isCancelled) taken.wire.writer.text(FRAME.failure, state.id, errorText(error));
  finish(taken, state);
}

function cancel(taken: Taken, state: Answering, error: BridgeError): void {
  if (state.isCancelled) return;
  state.isCancelled = true;
  state.incoming?.fail(error);
  state.abort.abort(error);
  if (!state.outgoing) return;
  state.outgoing.stop(error);
  finish(taken, state);
}
