import { type FrameWriter, HEAD_PREFIX_BYTES } from "./frames.ts";
import {
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
} from "./heads.ts";
import { createIncoming, type Incoming } from "./incoming.ts";
import {
  type Body,
  BridgeError,
  FRAME,
  type LinkHandlers,
  type LinkResponse,
  type RequestHead,
  WINDOW_BYTES,
} from "./model.ts";
import { cancelBody, type Outgoing, sendBody } from "./outgoing.ts";
import { errorText } from "./texts.ts";
import { keepBytes, type Wire } from "./wire.ts";

/** How the body goes that belongs to a head. */
const BODY = { none: 0, whole: 1, stream: 2 } as const;
/** A whole body up to this goes with its head. */
const INLINE_BYTES = 64 * 1024;
/** Requests of a guest that a host has at a time; the guest's link keeps more back, and a host refuses them. */
const MAX_GUEST_REQUESTS = 256;

type Asking = {
  id: number;
  resolve: ((response: LinkResponse) => void) | undefined;
  reject: (error: BridgeError) => void;
  incoming: Incoming | undefined;
  outgoing: Outgoing | undefined;
  signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
};

type Answering = {
  id: number;
  abort: AbortController;
  incoming: Incoming | undefined;
  outgoing: Outgoing | undefined;
  cancelled: boolean;
};

/** The requests of one end, and those of the other. */
export type Exchanges = {
  request: (head: RequestHead, body: Body, signal?: AbortSignal) => Promise<LinkResponse>;
  onRequest: (id: number, buffer: Buffer, start: number, end: number) => void;
  onResponse: (id: number, buffer: Buffer, start: number, end: number) => void;
  /** Frames of a body. False: there is no such exchange. */
  onData: (id: number, bytes: Uint8Array) => boolean;
  onBulk: (id: number, slot: number, length: number) => boolean;
  onEnd: (id: number) => boolean;
  onCancel: (id: number, reason: string) => boolean;
  onCredit: (id: number, bytes: number) => boolean;
  onFailure: (id: number, error: BridgeError) => boolean;
  close: (error: BridgeError) => void;
  open: () => { asked: number; asking: number };
};

/** Keeps the exchanges of one link. */
export function createExchanges(wire: Wire, handlers: Pick<LinkHandlers, "onRequest">): Exchanges {
  const asking = createAsking(wire);
  const answering = createAnswering(wire, handlers);
  const sink = (id: number): { incoming: Incoming | undefined } | undefined =>
    asking.states.get(id) ?? answering.states.get(id);
  return {
    request: asking.request,
    onRequest: answering.onRequest,
    onResponse: asking.onResponse,
    onData(id, bytes) {
      const state = sink(id);
      if (state && !state.incoming?.data(bytes)) wire.violate("bytes that were not granted");
      return state !== undefined;
    },
    onBulk(id, slot, length) {
      const state = sink(id);
      if (!state) return false;
      if (!state.incoming) release(wire, slot);
      if (!state.incoming?.bulk(slot, length)) wire.violate("bytes that were not granted");
      return true;
    },
    onEnd(id) {
      const state = sink(id);
      if (!state) return false;
      if (state.incoming) state.incoming.end();
      else wire.violate("the end of nothing");
      const own = asking.states.get(id);
      if (own) asking.finish(own);
      return true;
    },
    onCancel: (id, reason) => asking.cancelled(id, reason) || answering.cancelled(id, reason),
    onCredit(id, bytes) {
      const state = asking.states.get(id) ?? answering.states.get(id);
      if (state?.outgoing?.grant(bytes) === false) wire.violate("more credit than a window");
      return state !== undefined;
    },
    onFailure: asking.failed,
    close(error) {
      asking.close(error);
      answering.close(error);
    },
    open: () => ({ asked: answering.states.size, asking: asking.count() }),
  };
}

/** Tells the guest that a slot may be used again. */
export function release(wire: Wire, slot: number): void {
  if (wire.slots?.give(slot)) wire.writer.numbers(FRAME.release, 0, slot);
}

function kindOf(body: Body): number {
  if (body === null) return BODY.none;
  if (!(body instanceof Uint8Array)) return BODY.stream;
  if (body.length === 0) return BODY.none;
  return body.length <= INLINE_BYTES ? BODY.whole : BODY.stream;
}

/** Writes a head with what belongs to it; tells of a body that is still to be sent. */
function writeHead(
  writer: FrameWriter,
  type: number,
  id: number,
  head: string,
  body: Body,
): boolean {
  const kind = kindOf(body);
  const whole = kind === BODY.whole && body instanceof Uint8Array ? body : undefined;
  writer.head(type, id, kind, head, whole);
  return kind === BODY.stream;
}

type Parts = { head: string; kind: number; body: Uint8Array | null };

/** @throws BridgeError `protocol` where the frame is not laid out as it must be */
function readParts(buffer: Buffer, start: number, end: number): Parts {
  const textStart = start + HEAD_PREFIX_BYTES;
  const kind = textStart <= end ? buffer.readUInt8(start) : -1;
  const textEnd = kind < 0 ? -1 : textStart + buffer.readUInt32LE(start + 1);
  const isWhole = kind === BODY.whole;
  if (kind < 0 || kind > BODY.stream || textEnd > end || (!isWhole && textEnd !== end))
    throw new BridgeError("protocol", "The other end broke the protocol: a head that is none");
  return {
    head: buffer.toString("latin1", textStart, textEnd),
    kind,
    body: isWhole ? keepBytes(buffer.subarray(textEnd, end)) : null,
  };
}

type AskingSide = Pick<Exchanges, "request" | "onResponse" | "close"> & {
  states: Map<number, Asking>;
  finish: (state: Asking) => void;
  cancelled: (id: number, reason: string) => boolean;
  failed: (id: number, error: BridgeError) => boolean;
  count: () => number;
};

function createAsking(wire: Wire): AskingSide {
  const states = new Map<number, Asking>();
  const waiting: (() => void)[] = [];
  const most = wire.side === "guest" ? MAX_GUEST_REQUESTS : Infinity;

  /** The answer is whole or will not come: what of the request was not sent yet is not needed any more. */
  function finish(state: Asking, error?: BridgeError): void {
    if (!states.delete(state.id)) return;
    if (state.onAbort) state.signal?.removeEventListener("abort", state.onAbort);
    state.outgoing?.stop(error ?? new BridgeError("cancelled", "The answer is there already"));
    if (error && state.resolve) state.reject(error);
    if (error) state.incoming?.fail(error);
    if (states.size < most) waiting.shift()?.();
  }
  function cancel(state: Asking, reason: string): void {
    if (!states.has(state.id)) return;
    wire.writer.text(FRAME.cancel, state.id, reason);
    finish(state, new BridgeError("cancelled", reason));
  }
  function begin(state: Asking, text: string, body: Body): void {
    const closed = wire.closed();
    if (closed || state.signal?.aborted) {
      cancelBody(body, closed);
      return state.reject(closed ?? new BridgeError("cancelled", "Nobody wants the answer"));
    }
    state.id = wire.nextId();
    states.set(state.id, state);
    if (state.signal) {
      state.onAbort = () => cancel(state, "Nobody wants the answer");
      state.signal.addEventListener("abort", state.onAbort);
    }
    if (writeHead(wire.writer, FRAME.request, state.id, text, body) && body)
      state.outgoing = sendBody(
        wire,
        state.id,
        body,
        wire.side === "host" ? WINDOW_BYTES : 0,
        (error) => {
          state.outgoing = undefined;
          if (error !== undefined) cancel(state, "The body of the request broke off");
        },
      );
    return undefined;
  }
  function readResponse(state: Asking, buffer: Buffer, start: number, end: number): LinkResponse {
    const { head, kind, body } = readParts(buffer, start, end);
    const { status, statusText, headers } = decodeResponseHead(head);
    if (kind !== BODY.stream) return { status, statusText, headers, body };
    state.incoming = createIncoming(
      {
        grant: (bytes) => wire.writer.numbers(FRAME.credit, state.id, bytes),
        slots: wire.slots,
        release: (slot) => release(wire, slot),
        inPlace: true,
        onCancel: () => cancel(state, "Nobody reads the answer"),
      },
      WINDOW_BYTES,
    );
    return { status, statusText, headers, body: state.incoming.stream };
  }
  return {
    states,
    finish,
    request(head, body, signal) {
      return new Promise((resolve, reject) => {
        let text: string;
        try {
          text = encodeRequestHead(head);
        } catch (error) {
          cancelBody(body, error);
          throw error;
        }
        const none = undefined;
        const state: Asking = {
          id: 0,
          resolve,
          reject,
          incoming: none,
          outgoing: none,
          signal,
          onAbort: none,
        };
        if (states.size >= most) waiting.push(() => begin(state, text, body));
        else begin(state, text, body);
      });
    },
    onResponse(id, buffer, start, end) {
      const state = states.get(id);
      if (!state?.resolve) {
        if (state || !wire.wasBegun(id)) wire.violate("an answer to nothing");
        return;
      }
      let response: LinkResponse;
      try {
        response = readResponse(state, buffer, start, end);
      } catch (error) {
        if (!(error instanceof BridgeError) || error.code === "protocol")
          return wire.violate("a head that is none");
        wire.writer.text(FRAME.cancel, id, error.message);
        return finish(state, error);
      }
      const { resolve } = state;
      state.resolve = undefined;
      if (!state.incoming) finish(state);
      resolve(response);
    },
    cancelled(id, reason) {
      const state = states.get(id);
      if (state) finish(state, new BridgeError("cancelled", reason));
      return state !== undefined;
    },
    failed(id, error) {
      const state = states.get(id);
      if (state) finish(state, error);
      return state !== undefined;
    },
    count: () => states.size + waiting.length,
    close(error) {
      for (const state of states.values()) finish(state, error);
      for (const start of waiting.splice(0)) start();
    },
  };
}

type AnsweringSide = Pick<Exchanges, "onRequest" | "close"> & {
  states: Map<number, Answering>;
  cancelled: (id: number, reason: string) => boolean;
};

function createAnswering(wire: Wire, handlers: Pick<LinkHandlers, "onRequest">): AnsweringSide {
  const states = new Map<number, Answering>();
  const most = wire.side === "host" ? MAX_GUEST_REQUESTS : Infinity;

  function finish(state: Answering): void {
    states.delete(state.id);
    state.incoming?.fail(new BridgeError("cancelled", "The answer is sent"));
  }
  function fail(state: Answering, error: unknown): void {
    if (!state.cancelled) wire.writer.text(FRAME.failure, state.id, errorText(error));
    finish(state);
  }
  function answer(state: Answering, response: LinkResponse): void {
    const { body } = response;
    if (state.cancelled) {
      cancelBody(body, new BridgeError("cancelled", "Nobody wants the answer"));
      return finish(state);
    }
    let head: string;
    try {
      head = encodeResponseHead(response);
    } catch (error) {
      cancelBody(body, error);
      return fail(state, error);
    }
    if (!writeHead(wire.writer, FRAME.response, state.id, head, body) || !body)
      return finish(state);
    state.outgoing = sendBody(wire, state.id, body, WINDOW_BYTES, (error) => {
      if (error !== undefined)
        wire.writer.text(FRAME.cancel, state.id, "The body of the answer broke off");
      finish(state);
    });
    return undefined;
  }
  function cancel(state: Answering, error: BridgeError): void {
    state.cancelled = true;
    state.incoming?.fail(error);
    state.abort.abort(error);
    if (!state.outgoing) return;
    state.outgoing.stop(error);
    finish(state);
  }
  function readBody(id: number, { kind, body }: Parts): Incoming | Uint8Array | null {
    if (kind !== BODY.stream) return body;
    return createIncoming(
      {
        grant: (bytes) => wire.writer.numbers(FRAME.credit, id, bytes),
        slots: wire.slots,
        release: (slot) => release(wire, slot),
        inPlace: false,
        // The rest comes as far as it was granted and is dropped.
        onCancel: () => undefined,
      },
      wire.side === "guest" ? WINDOW_BYTES : 0,
    );
  }
  function run(state: Answering, head: RequestHead, body: Body): void {
    let answered: Promise<LinkResponse>;
    try {
      answered = handlers.onRequest(head, body, state.abort.signal);
    } catch (error) {
      return fail(state, error);
    }
    answered.then(
      (response) => answer(state, response),
      (error: unknown) => fail(state, error),
    );
    return undefined;
  }
  return {
    states,
    onRequest(id, buffer, start, end) {
      if (!wire.begin(id)) return wire.violate("a request with an id that is not its own");
      let head: RequestHead;
      let parts: Parts;
      try {
        parts = readParts(buffer, start, end);
        head = decodeRequestHead(parts.head);
      } catch (error) {
        if (!(error instanceof BridgeError) || error.code === "protocol")
          return wire.violate("a head that is none");
        return wire.writer.text(FRAME.failure, id, errorText(error));
      }
      if (states.size >= most)
        return wire.writer.text(
          FRAME.failure,
          id,
          errorText(new BridgeError("busy", "Too many requests at once")),
        );
      const body = readBody(id, parts);
      const incoming = body === null || body instanceof Uint8Array ? undefined : body;
      const state: Answering = {
        id,
        abort: new AbortController(),
        incoming,
        outgoing: undefined,
        cancelled: false,
      };
      states.set(id, state);
      return run(state, head, body === null || body instanceof Uint8Array ? body : body.stream);
    },
    cancelled(id, reason) {
      const state = states.get(id);
      if (state) cancel(state, new BridgeError("cancelled", reason));
      return state !== undefined;
    },
    close(error) {
      for (const state of states.values()) cancel(state, error);
    },
  };
}
