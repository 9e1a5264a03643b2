import { createAssembly, type Sink } from "./incoming.ts";
import {
  BridgeError,
  type CallAnswer,
  FRAME,
  type LinkHandlers,
  MAX_PAYLOAD_BYTES,
} from "./model.ts";
import { type Outgoing, sendBody } from "./outgoing.ts";
import { errorText, readTextMessage, type TextMessage } from "./texts.ts";
import { keepBytes, type Wire } from "./wire.ts";

/** First byte of a call or result that comes in parts; a u32 of its size follows, and the message as a body. No JSON begins so. */
const IN_PARTS = 1;
/** Calls of a guest that are not answered yet: its own link keeps more back, twice as many break the link. */
const MAX_GUEST_CALLS = 256;
const MAX_GUEST_CALL_BYTES = 8 * 1024 * 1024;
/** Of these a host runs so many at a time, none while so many bytes of answers wait for the guest to take them. */
const MAX_RUNNING = 64;
const MAX_HELD_BYTES = 8 * 1024 * 1024;

type Asking = {
  resolve: (answer: CallAnswer) => void;
  reject: (error: BridgeError) => void;
  sizeBytes: number;
  incoming: Sink | undefined;
  outgoing: Outgoing | undefined;
};
type Answering = {
  id: number;
  name: string;
  params: unknown;
  bytes: Uint8Array;
  incoming: Sink | undefined;
  outgoing: Outgoing | undefined;
};
type Assembly = ReturnType<typeof createAssembly>;

/** The calls and notes of one end, and those of the other. */
export type Asks = {
  call: (name: string, params: unknown, bytes?: Uint8Array) => Promise<CallAnswer>;
  note: (name: string, params: unknown, bytes?: Uint8Array) => void;
  onCall: (id: number, buffer: Buffer, start: number, end: number) => void;
  onNote: (buffer: Buffer, start: number, end: number) => void;
  onResult: (id: number, buffer: Buffer, start: number, end: number) => void;
  /** Frames of what comes in parts. False: there is no such call. */
  onData: (id: number, bytes: Uint8Array) => boolean;
  onEnd: (id: number) => boolean;
  onCredit: (id: number, bytes: number) => boolean;
  onFailure: (id: number, error: BridgeError) => boolean;
  /** What was written is gone: calls that waited for that begin. */
  onRoom: () => void;
  close: (error: BridgeError) => void;
  open: () => { asked: number; asking: number };
};

/** Keeps the calls of one link. `messageBytes`: the largest call or answer that is taken. */
export function createAsks(
  wire: Wire,
  handlers: Pick<LinkHandlers, "onCall" | "onNote">,
  messageBytes: number,
): Asks {
  const line = createLine();
  const asking = createAsking(wire, messageBytes, line);
  const answering = createAnswering(wire, handlers, messageBytes, line);
  const find = (id: number): Asking | Answering | undefined =>
    asking.states.get(id) ?? answering.states.get(id);
  return {
    call: asking.call,
    note(name, params, bytes) {
      wire.writer.text(FRAME.note, 0, JSON.stringify([name, params ?? null]), bytes);
    },
    onCall: answering.onCall,
    onNote(buffer, start, end) {
      const asked = readAsked(wire, buffer, start, end);
      if (asked && !(asked instanceof BridgeError))
        handlers.onNote(asked.name, asked.params, asked.bytes);
    },
    onResult: asking.onResult,
    onData(id, bytes) {
      const state = find(id);
      if (state && !state.incoming?.data(bytes)) wire.violate("bytes that were not granted");
      return state !== undefined;
    },
    onEnd(id) {
      const state = find(id);
      if (state?.incoming) state.incoming.end();
      else if (state) wire.violate("the end of nothing");
      return state !== undefined;
    },
    onCredit(id, bytes) {
      const state = find(id);
      if (state?.outgoing?.grant(bytes) === false) wire.violate("more credit than a window");
      return state !== undefined;
    },
    onFailure: asking.onFailure,
    onRoom: answering.startWaiting,
    close(error) {
      asking.close(error);
      answering.close(error);
    },
    open: () => ({ asked: answering.states.size, asking: asking.count() }),
  };
}

/** What comes in parts is put together one after another, so that it takes the memory of one. */
type Line = { enter: (next: Assembly) => void; leave: (done: Assembly) => void };
function createLine(): Line {
  const line: Assembly[] = [];
  return {
    enter(next) {
      line.push(next);
      if (line.length === 1) next.begin();
    },
    leave(done) {
      const at = line.indexOf(done);
      if (at < 0) return;
      line.splice(at, 1);
      if (at === 0) line[0]?.begin();
    },
  };
}

/** Puts a message together; `done` gets it whole. */
function assemble(
  wire: Wire,
  line: Line,
  id: number,
  size: number,
  done: (message: Buffer | BridgeError) => void,
): Sink {
  const assembly = createAssembly(
    size,
    (bytes) => wire.writer.numbers(FRAME.credit, id, bytes),
    (message) => {
      line.leave(assembly);
      done(message);
    },
  );
  line.enter(assembly);
  return assembly;
}

function sizeInParts(buffer: Buffer, start: number, end: number): number | undefined {
  return end - start === 5 && buffer[start] === IN_PARTS
    ? buffer.readUInt32LE(start + 1)
    : undefined;
}

/** Writes a call or a result; what is too long for one frame goes in parts, and is given back while it does. */
function send(
  wire: Wire,
  type: number,
  id: number,
  text: string,
  bytes: Uint8Array | undefined,
  onDone: () => void,
): { outgoing: Outgoing; sizeBytes: number } | undefined {
  const most = MAX_PAYLOAD_BYTES - (bytes ? bytes.length + 1 : 0);
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) {
    wire.writer.text(type, id, text, bytes);
    return undefined;
  }
  const whole = Buffer.concat(
    bytes ? [Buffer.from(text), Buffer.alloc(1), bytes] : [Buffer.from(text)],
  );
  const start = Buffer.alloc(5, IN_PARTS);
  start.writeUInt32LE(whole.length, 1);
  wire.writer.bytes(type, id, start);
  return { outgoing: sendBody(wire, id, whole, 0, onDone), sizeBytes: whole.length };
}

function readMessage(
  wire: Wire,
  buffer: Buffer,
  start: number,
  end: number,
): TextMessage | BridgeError {
  try {
    return readTextMessage(buffer, start, end);
  } catch (error) {
    if (error instanceof BridgeError && error.code !== "bad_json") return error;
    wire.violate("a message that is not JSON");
    return new BridgeError("protocol", "The other end broke the protocol");
  }
}

/** The name, parameters and bytes of a call or note; undefined: the link was closed. */
function readAsked(
  wire: Wire,
  buffer: Buffer,
  start: number,
  end: number,
): Pick<Answering, "name" | "params" | "bytes"> | BridgeError | undefined {
  const message = readMessage(wire, buffer, start, end);
  if (message instanceof BridgeError) return message.code === "protocol" ? undefined : message;
  const asked: readonly unknown[] = Array.isArray(message.value) ? message.value : [];
  const [name, params] = asked;
  if (typeof name !== "string" || asked.length !== 2) {
    wire.violate("a call without a name");
    return undefined;
  }
  return { name, params, bytes: keepBytes(message.bytes) };
}

function createAsking(wire: Wire, messageBytes: number, line: Line) {
  const states = new Map<number, Asking>();
  const waiting: { start: () => void; reject: (error: BridgeError) => void }[] = [];
  let sentBytes = 0;
  const isFull = (): boolean =>
    wire.side === "guest" && (states.size >= MAX_GUEST_CALLS || sentBytes > MAX_GUEST_CALL_BYTES);

  function finish(id: number): Asking | undefined {
    const state = states.get(id);
    if (!state) return undefined;
    states.delete(id);
    sentBytes -= state.sizeBytes;
    while (waiting.length > 0 && !isFull()) waiting.shift()?.start();
    return state;
  }
  function onMessage(id: number, buffer: Buffer, start: number, end: number): void {
    const state = finish(id);
    const message = readMessage(wire, buffer, start, end);
    if (message instanceof BridgeError) return state?.reject(message);
    const { value, bytes } = message;
    return state?.resolve(bytes.length > 0 ? { value, bytes: keepBytes(bytes) } : { value });
  }
  function onFailure(id: number, error: BridgeError): boolean {
    const state = finish(id);
    state?.outgoing?.stop(error);
    state?.reject(error);
    return state !== undefined;
  }
  function start(
    text: string,
    bytes: Uint8Array | undefined,
    ends: Pick<Asking, "resolve" | "reject">,
  ): void {
    const closed = wire.closed();
    if (closed) return ends.reject(closed);
    const id = wire.nextId();
    const sizeBytes = text.length + (bytes?.length ?? 0);
    const { resolve, reject } = ends;
    const state: Asking = { resolve, reject, sizeBytes, incoming: undefined, outgoing: undefined };
    states.set(id, state);
    sentBytes += sizeBytes;
    state.outgoing = send(wire, FRAME.call, id, text, bytes, () => undefined)?.outgoing;
    return undefined;
  }
  return {
    states,
    call(name: string, params: unknown, bytes?: Uint8Array): Promise<CallAnswer> {
      return new Promise((resolve, reject) => {
        const text = JSON.stringify([name, params ?? null]);
        if (isFull())
          waiting.push({ start: () => start(text, bytes, { resolve, reject }), reject });
        else start(text, bytes, { resolve, reject });
      });
    },
    onResult(id: number, buffer: Buffer, from: number, end: number): void {
      const state = states.get(id);
      if (!state || state.incoming) {
        if (state || !wire.wasBegun(id)) wire.violate("a result of nothing");
        return;
      }
      const size = sizeInParts(buffer, from, end);
      if (size === undefined) return onMessage(id, buffer, from, end);
      if (size > messageBytes) return wire.violate("a message that is too large");
      state.incoming = assemble(wire, line, id, size, (message) => {
        if (message instanceof BridgeError) onFailure(id, message);
        else onMessage(id, message, 0, message.length);
      });
    },
    onFailure,
    count: () => states.size + waiting.length,
    close(error: BridgeError): void {
      for (const { reject } of waiting.splice(0)) reject(error);
      for (const id of states.keys()) onFailure(id, error);
    },
  };
}

function createAnswering(
  wire: Wire,
  handlers: Pick<LinkHandlers, "onCall">,
  messageBytes: number,
  line: Line,
) {
  const isHost = wire.side === "host";
  const states = new Map<number, Answering>();
  let waiting: Answering[] = [];
  let running = 0;
  let askedBytes = 0;
  let heldBytes = 0;

  function finish(state: Answering): void {
    if (states.delete(state.id)) askedBytes -= state.bytes.length;
  }
  function fail(state: Answering, error: unknown): void {
    wire.writer.text(FRAME.failure, state.id, errorText(error));
    finish(state);
  }
  function answer(state: Answering, { value, bytes }: CallAnswer): void {
    if (wire.closed()) return;
    try {
      const sent = send(wire, FRAME.result, state.id, JSON.stringify(value ?? null), bytes, () => {
        heldBytes -= sent?.sizeBytes ?? 0;
        finish(state);
        startWaiting();
      });
      if (!sent) return finish(state);
      heldBytes += sent.sizeBytes;
      state.outgoing = sent.outgoing;
    } catch (error) {
      fail(state, error);
    }
    return undefined;
  }
  function settle(): void {
    running -= 1;
    startWaiting();
  }
  function run(state: Answering): void {
    let answered: CallAnswer | Promise<CallAnswer>;
    try {
      answered = handlers.onCall(state.name, state.params, state.bytes);
    } catch (error) {
      return fail(state, error);
    }
    if (!(answered instanceof Promise)) return answer(state, answered);
    running += 1;
    answered
      .then(
        (found) => answer(state, found),
        (error: unknown) => fail(state, error),
      )
      .finally(settle)
      .catch(wire.violate);
    return undefined;
  }
  function mayRun(): boolean {
    return (
      !isHost || (running < MAX_RUNNING && heldBytes + wire.writer.backlogBytes() < MAX_HELD_BYTES)
    );
  }
  function startWaiting(): void {
    while (waiting.length > 0 && mayRun()) {
      const [next] = waiting;
      waiting = waiting.slice(1);
      if (next) run(next);
    }
  }
  function take(state: Answering, buffer: Buffer, start: number, end: number): void {
    const asked = readAsked(wire, buffer, start, end);
    if (!asked) return;
    if (asked instanceof BridgeError) return fail(state, asked);
    Object.assign(state, asked);
    askedBytes += asked.bytes.length;
    if (isHost && askedBytes > MAX_GUEST_CALL_BYTES * 2 + messageBytes)
      return wire.violate("too many bytes of calls at once");
    if (waiting.length === 0 && mayRun()) run(state);
    else waiting.push(state);
  }
  return {
    states,
    startWaiting,
    onCall(id: number, buffer: Buffer, start: number, end: number): void {
      if (!wire.begin(id)) return wire.violate("a call with an id that is not its own");
      if (isHost && states.size >= MAX_GUEST_CALLS * 2)
        return wire.violate("too many calls at once");
      const none = { incoming: undefined, outgoing: undefined };
      const state: Answering = { id, name: "", params: null, bytes: Buffer.alloc(0), ...none };
      states.set(id, state);
      const size = sizeInParts(buffer, start, end);
      if (size === undefined) return take(state, buffer, start, end);
      if (size > messageBytes)
        return fail(state, new BridgeError("too_large", "The message is too large"));
      state.incoming = assemble(wire, line, id, size, (message) => {
        state.incoming = undefined;
        if (message instanceof BridgeError) fail(state, message);
        else take(state, message, 0, message.length);
      });
    },
    close(error: BridgeError): void {
      waiting = [];
      for (const state of states.values()) state.outgoing?.stop(error);
      states.clear();
    },
  };
}
