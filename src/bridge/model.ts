/**
 * `src/bridge` is the protocol between the server (the host) and a sandboxed process (the guest): frames, messages and the
 * link that speaks them. `src/runtime` and `src/guest` call it. It must never do I/O of its own, nor trust a byte it is fed.
 */

/** Told in `hello`; a host takes only its own. */
export const BRIDGE_VERSION = 1;

/** Descriptors that a guest is started with: all made by the host, so a guest needs neither a listener nor `connect`. */
export const DESCRIPTORS = {
  /** One end of a socket pair: the link. */
  link: 3,
  /** One end of a second socket pair, for calls that block the guest (`db` of scripts). Same frames, `call` and its answers only. */
  sync: 4,
  /** A sealed memfd of `RING_SLOTS` × `RING_SLOT_BYTES`, mapped by both: large bodies of answers go through it without a copy by the kernel. */
  ring: 5,
} as const;

/** Slots of the ring. */
export const RING_SLOTS = 16;
/** Bytes of a slot. */
export const RING_SLOT_BYTES = 256 * 1024;

/** `u32 length of the payload, u8 type, u32 id, payload`, little-endian. */
export const FRAME_HEAD_BYTES = 9;
/** Largest payload. A frame that says more breaks the link. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024 + 64 * 1024;
/**
 * Most bytes of a body that go on one exchange and direction before the other side grants more. A body that a guest asks with is
 * granted nothing before it is read; what goes through the ring needs no grant.
 */
export const WINDOW_BYTES = 1024 * 1024;
/** Largest head of a request or an answer: names and values of all headers. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Most headers of a request or an answer. */
export const MAX_HEADERS = 256;

/**
 * Types of frames. `id` names the exchange or call: even ids are begun by the host, odd ones by the guest, none is used twice
 * on a link; 0 for control, notes and releases.
 */
export const FRAME = {
  /** JSON `Control`, a NUL, bytes. */
  control: 1,
  /** Head of a request, with the whole body where it is at hand. Host to guest: a visitor's. Guest to host: egress. */
  request: 2,
  response: 3,
  /** Bytes of a body. */
  data: 4,
  /** Bytes of a body that lie in the ring: u32 slot, u32 length. Guest to host only. */
  bulk: 5,
  /** u32 slot that may be used again. Host to guest only. */
  release: 6,
  /** The body is whole. */
  end: 7,
  /** Nobody wants the rest of this exchange; text tells why. */
  cancel: 8,
  /** u32 bytes of body more that may be sent. */
  credit: 9,
  /** Asks something by name: JSON `[name, params]`, a NUL, bytes. */
  call: 10,
  /** JSON, a NUL, bytes. What is too long for one frame begins with a byte 1 and a u32 of its size, and follows as a body; so may a call. */
  result: 11,
  /** JSON `{code, message}`. */
  failure: 12,
  /** As a call, and nobody answers. */
  note: 13,
} as const;

/** What is said about the process itself. */
export type Control =
  /** Guest: the sandbox is closed, code may come. */
  | { kind: "hello"; version: number }
  /** Host: run this. The code is in the bytes, in parts of at most 1 MB; `more` where another `load` frame follows. */
  | ({ kind: "load"; more: boolean } & Partial<LoadMessage>)
  /** Guest: it runs, or not. */
  | { kind: "loaded"; shape: Shape; handlers: Handlers }
  | { kind: "broken"; error: GuestError }
  /** Host: other variables from now on. */
  | { kind: "env"; env: Readonly<Record<string, string>> }
  | { kind: "ping"; n: number }
  | { kind: "pong"; n: number }
  /** Guest: how many promises of `waitUntil` are open. */
  | { kind: "waiting"; count: number }
  /** Host: finish what runs, take nothing new, then exit. */
  | { kind: "stop" };

/** What a guest is to run. The first `load` frame carries it. */
export type LoadMessage = {
  /** How stacks call the program: `main.ts`. */
  name: string;
  /** `ts`: types are stripped before it runs. */
  language: "js" | "ts";
  env: Readonly<Record<string, string>>;
  /** Whether `env.DB` is there; then the working folder is the site's own and may be written. */
  database: boolean;
  /** Bytes of one line of a log; longer ones are cut by the guest. */
  logLineBytes: number;
  /** `fetch`es per request. */
  subrequests: number;
};

/** `module`: the program exports handlers. `script`: it exports nothing and is run anew for each request. */
export type Shape = "module" | "script";
/** Which handlers a program has. A script has `fetch`, and `websocket` where it calls `socket.on`. */
export type Handlers = { fetch: boolean; scheduled: boolean; websocket: boolean };
/** An error of a program; the stack is mapped to the author's lines by the guest. */
export type GuestError = { name: string; message: string; stack: string };

/** `[name, value]` in the order they were sent; names in lower case. */
export type HeaderList = readonly (readonly [string, string])[];

/** Head of a request. */
export type RequestHead = {
  method: string;
  /** Absolute. */
  url: string;
  headers: HeaderList;
  /** Id of the visitor's request, for logs; of the request that an egress belongs to, else "". */
  requestId: string;
  /** The visitor's address; "" for egress. */
  address: string;
};

/** Head of an answer. */
export type ResponseHead = { status: number; statusText: string; headers: HeaderList };

/** A body: whole, as a stream, or none. */
export type Body = Uint8Array | ReadableStream<Uint8Array> | null;

/** An answer as the asking side gets it. */
export type LinkResponse = ResponseHead & { body: Body };

/** What a call gives back: a JSON value, and bytes. `done` is told once when the bytes are sent or will not be: until then they take memory. */
export type CallAnswer = { value: unknown; bytes?: Uint8Array; done?: () => void };

/** Why a link broke, or what the other end refused. `code` is a word like `egress_denied`; `cancelled`, `link_closed` and `protocol` are the link's own. */
export class BridgeError extends Error {
  readonly code: string;
  /** Whole seconds after which it may be tried again, where that is known. It never crosses the bridge. */
  readonly retryAfterSeconds: number | undefined;
  constructor(code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    // Programs look for that name where a visitor left.
    this.name = code === "cancelled" ? "AbortError" : "BridgeError";
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What an end does with what comes. What these throw or reject with is told to the other end as `{code, message}`, `internal` where it has no code. */
export type LinkHandlers = {
  onControl: (message: Control, bytes: Uint8Array) => void;
  /** `signal` fires when the other end does not want the answer any more. */
  onRequest: (head: RequestHead, body: Body, signal: AbortSignal) => Promise<LinkResponse>;
  onCall: (name: string, params: unknown, bytes: Uint8Array) => CallAnswer | Promise<CallAnswer>;
  onNote: (name: string, params: unknown, bytes: Uint8Array) => void;
  /** The link is over: an error where the other end broke the protocol. */
  onClose: (error: BridgeError | undefined) => void;
};

/** Gives a request up, as a signal does that nobody else listens to, at a tenth of its price: set `isStopped` and call `onStop`. */
export type Stop = { isStopped: boolean; onStop: (() => void) | undefined };

/** One end of a link. */
export type Link = {
  /** Takes what arrived. Never throws: a violation closes the link. */
  receive: (bytes: Uint8Array) => void;
  /** The transport takes bytes again. */
  drained: () => void;
  control: (message: Control, bytes?: Uint8Array) => void;
  /** Rejects with BridgeError where the link closes, the other end fails, or `signal` fires; a stream that was begun errors then. */
  request: (head: RequestHead, body: Body, signal?: AbortSignal | Stop) => Promise<LinkResponse>;
  call: (name: string, params: unknown, bytes?: Uint8Array) => Promise<CallAnswer>;
  note: (name: string, params: unknown, bytes?: Uint8Array) => void;
  /** Ends everything that is open. `onClose` is called once. */
  close: (error?: BridgeError) => void;
  /** Exchanges and calls that this end is asked and has not finished answering, and those it asked. */
  open: () => { asked: number; asking: number };
  /** Bytes that wait to be written. */
  backlogBytes: () => number;
};
