/** Names and shapes of what crosses the bridge by `call` and `note`. The end that answers checks what it gets; these types are a promise of the other. */

/** A moment as milliseconds since 1970. */
type Ms = number;

/** Guest → host, answered. Bytes beside the JSON are named in the comments. */
export type HostCalls = {
  /** Bytes of the answer: the value. `versionstamp` null: there is none. */
  "kv.get": { params: { key: string }; value: KvFound };
  /** Bytes: the values one after another; `sizes[i]` is -1 where there is none. */
  "kv.getMany": { params: { keys: string[] }; value: { entries: KvFound[]; sizes: number[] } };
  /** Bytes of the call: the value. */
  "kv.put": {
    params: { key: string; expiresAt?: Ms; metadata?: unknown };
    value: { versionstamp: string };
  };
  "kv.delete": { params: { key: string }; value: null };
  "kv.list": {
    params: { prefix?: string; limit?: number; cursor?: string };
    value: { keys: KvKey[]; complete: boolean; cursor: string | null };
  };
  /** Adds to a number (0 where there is none), as JSON text. Also for `db.add`. */
  "kv.add": { params: { key: string; by: number }; value: { value: number; versionstamp: string } };
  /** All or nothing. Bytes of the call: the values of `set`, one after another, each of `sizeBytes`. */
  "kv.commit": {
    params: { checks: { key: string; versionstamp: string | null }[]; mutations: KvMutation[] };
    value: { ok: true; versionstamp: string } | { ok: false };
  };
  /** How many sockets are open, of a topic or all. */
  "socket.count": { params: { topic?: string }; value: number };
  /** Bytes of the answer: the source map of the program; none where there is none. */
  "program.map": { params: Record<string, never>; value: null };
};

/** What is known of a key. */
export type KvFound = { versionstamp: string | null; expiresAt: Ms | null; metadata: unknown };
/** A key in a list. */
export type KvKey = { name: string; expiresAt: Ms | null; metadata: unknown };
/** One change of a commit; `sum`, `max` and `min` work on JSON numbers. */
export type KvMutation =
  | { type: "set"; key: string; sizeBytes: number; expiresAt?: Ms; metadata?: unknown }
  | { type: "delete"; key: string }
  | { type: "sum" | "max" | "min"; key: string; by: number };

/** Guest → host, not answered. */
export type HostNotes = {
  /** A line of the site's log; `requestId` "" outside a request. */
  log: { level: "debug" | "info" | "warn" | "error"; message: string; requestId: string };
  /** Bytes: the message. */
  "socket.send": { id: string; text: boolean };
  /** Bytes: the message, to everybody of the topic ("" is every socket of the site) but `except`. */
  "socket.publish": { topic: string; text: boolean; except?: string };
  "socket.subscribe": { id: string; topic: string };
  "socket.unsubscribe": { id: string; topic: string };
  "socket.close": { id: string; code?: number; reason?: string };
  /** What the program keeps with a socket: at most 4 kB of JSON. */
  "socket.data": { id: string; data: unknown };
};

/** A socket as a program sees it. `data` outlives the process. */
export type SocketInfo = {
  id: string;
  url: string;
  headers: Record<string, string>;
  protocol: string;
  address: string;
  data: unknown;
};

/** Host → guest, answered with null when the handler is done. */
export type GuestCalls = {
  /** Refused with `no_retry` where it failed and must not be tried again. Lines of the log carry `requestId`, if it is not "". */
  scheduled: { cron: string; scheduledTime: Ms; requestId: string };
  "socket.open": { socket: SocketInfo };
  /** Bytes: the message. */
  "socket.message": { socket: SocketInfo; text: boolean };
  "socket.close": { socket: SocketInfo; code: number; reason: string };
};
