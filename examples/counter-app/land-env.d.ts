// Types of what a program of a land site is given. Made by `land init`; run it again after an upgrade.
// Keep your own variables in an interface of your own: interface Env extends LandEnv { API_KEY: string }

/** Values by key: kept by the server, the same for every process of the site at once. */
interface KVNamespace {
  get(key: string, options?: "text" | { type?: "text"; cacheTtl?: number }): Promise<string | null>;
  get<T = unknown>(key: string, options: "json" | { type: "json"; cacheTtl?: number }): Promise<T | null>;
  get(key: string, options: "arrayBuffer" | { type: "arrayBuffer"; cacheTtl?: number }): Promise<ArrayBuffer | null>;
  get(key: string, options: "stream" | { type: "stream"; cacheTtl?: number }): Promise<ReadableStream | null>;
  /** At most 100 keys. */
  get(keys: string[], options?: "text" | { type?: "text" }): Promise<Map<string, string | null>>;
  get<T = unknown>(keys: string[], options: "json" | { type: "json" }): Promise<Map<string, T | null>>;
  getWithMetadata<M = unknown>(key: string, options?: "text" | { type?: "text" }): Promise<KVFound<string, M>>;
  getWithMetadata<T = unknown, M = unknown>(key: string, options: "json" | { type: "json" }): Promise<KVFound<T, M>>;
  getWithMetadata<M = unknown>(key: string, options: "arrayBuffer" | { type: "arrayBuffer" }): Promise<KVFound<ArrayBuffer, M>>;
  getWithMetadata<M = unknown>(key: string, options: "stream" | { type: "stream" }): Promise<KVFound<ReadableStream, M>>;
  getWithMetadata<M = unknown>(keys: string[], options?: "text" | { type?: "text" }): Promise<Map<string, KVFound<string, M>>>;
  getWithMetadata<T = unknown, M = unknown>(keys: string[], options: "json" | { type: "json" }): Promise<Map<string, KVFound<T, M>>>;
  put(key: string, value: string | ArrayBuffer | ArrayBufferView | ReadableStream, options?: KVPutOptions): Promise<void>;
  delete(key: string): Promise<void>;
  list<M = unknown>(options?: { prefix?: string | null; limit?: number; cursor?: string | null }): Promise<KVList<M>>;
  /** Changes that happen all or not at all. */
  atomic(): KVAtomic;
}
interface KVFound<V, M> {
  value: V | null;
  metadata: M | null;
  /** Changes with every write of the key; null: there is no such key. */
  versionstamp: string | null;
  cacheStatus: null;
}
interface KVPutOptions {
  /** When it ends, in seconds since 1970, at least 60 s from now. */
  expiration?: number;
  /** Seconds that it lives, at least 60. */
  expirationTtl?: number;
  /** Seconds that it lives, at least 1. */
  ttl?: number;
  /** JSON of at most 1024 bytes. */
  metadata?: unknown;
}
type KVList<M> = { keys: { name: string; expiration?: number; metadata?: M }[]; cacheStatus: null } & (
  | { list_complete: true }
  | { list_complete: false; cursor: string }
);
interface KVAtomic {
  /** The commit fails unless the key still has this versionstamp; null: unless it is not there. */
  check(...checks: { key: string; versionstamp: string | null }[]): KVAtomic;
  set(key: string, value: string | ArrayBuffer | ArrayBufferView, options?: KVPutOptions): KVAtomic;
  delete(key: string): KVAtomic;
  /** Adds to a number, 0 where there is none. */
  sum(key: string, by: number): KVAtomic;
  max(key: string, by: number): KVAtomic;
  min(key: string, by: number): KVAtomic;
  commit(): Promise<{ ok: true; versionstamp: string } | { ok: false }>;
}

/** The site's SQLite database, in the process of the program. */
interface D1Database {
  prepare(sql: string): D1PreparedStatement;
  /** All or nothing. */
  batch<T = Record<string, unknown>>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]>;
  exec(sql: string): Promise<{ count: number; duration: number }>;
  withSession(constraint?: string): Pick<D1Database, "prepare" | "batch"> & { getBookmark(): null };
}
interface D1PreparedStatement {
  bind(...values: (string | number | boolean | null | ArrayBuffer | ArrayBufferView | number[])[]): D1PreparedStatement;
  first<T = Record<string, unknown>>(): Promise<T | null>;
  first<T = unknown>(column: string): Promise<T | null>;
  all<T = Record<string, unknown>>(): Promise<D1Result<T>>;
  run<T = Record<string, unknown>>(): Promise<D1Result<T>>;
  raw<T = unknown[]>(options?: { columnNames?: boolean }): Promise<T[]>;
}
interface D1Result<T = Record<string, unknown>> {
  success: true;
  results: T[];
  meta: {
    served_by: string;
    duration: number;
    changes: number;
    last_row_id: number;
    changed_db: boolean;
    size_after: number;
    rows_read: number;
    rows_written: number;
  };
}

/** All WebSockets of the site. Objects are sent as JSON. */
interface LandSockets {
  broadcast(message: unknown, topic?: string): void;
  publish(topic: string, message: unknown): void;
  count(topic?: string): Promise<number>;
}
/** A visitor's WebSocket. The server holds it: it outlives processes and deploys. */
interface LandSocket<D = unknown> {
  readonly id: string;
  readonly url: string;
  readonly headers: Headers;
  readonly protocol: string;
  readonly address: string;
  /** Kept with the socket, at most 4 kB of JSON. Assign to change it. */
  data: D;
  send(message: unknown): void;
  close(code?: number, reason?: string): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** To everybody of the topic but this socket. */
  publish(topic: string, message: unknown): void;
}

/** Bindings that every site has; `DB` where the program names it. */
interface LandEnv {
  KV: KVNamespace;
  DB: D1Database;
  SOCKETS: LandSockets;
}
interface ExecutionContext {
  /** Keeps the process until the promise settles. */
  waitUntil(promise: Promise<unknown>): void;
  /** Does nothing: there is nothing behind a program that could answer in its place. */
  passThroughOnException(): void;
  readonly props: Record<string, unknown>;
}
interface ScheduledController {
  readonly type: "scheduled";
  readonly cron: string;
  /** When it was due, in milliseconds since 1970. */
  readonly scheduledTime: number;
  /** A run that fails is not tried again. */
  noRetry(): void;
}
type ScheduledEvent = ScheduledController;

/** `export default { … } satisfies LandModule<Env>` */
interface LandModule<E = LandEnv> {
  fetch?(request: Request, env: E, ctx: ExecutionContext): Response | Promise<Response>;
  scheduled?(controller: ScheduledController, env: E, ctx: ExecutionContext): void | Promise<void>;
  websocket?: {
    open?(socket: LandSocket, env: E, ctx: ExecutionContext): void | Promise<void>;
    message?(socket: LandSocket, message: string | Uint8Array, env: E, ctx: ExecutionContext): void | Promise<void>;
    close?(socket: LandSocket, code: number, reason: string, env: E, ctx: ExecutionContext): void | Promise<void>;
  };
}

// Globals of scripts: programs that export nothing and are run anew for each request.

declare const req: {
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly query: Record<string, string | undefined>;
  readonly headers: Record<string, string | undefined>;
  /** The visitor's address. */
  readonly address: string;
  readonly body: string;
  bytes(): Uint8Array;
  /** Where the body is not JSON, the visitor gets 400. */
  json<T = any>(): T;
};
interface LandScriptResponse {
  status(code: number): LandScriptResponse;
  header(name: string, value: string | number): LandScriptResponse;
  /** A text, bytes, a stream, a Response, or anything that JSON can say. */
  send(body?: unknown): LandScriptResponse;
  json(value: unknown): LandScriptResponse;
  redirect(url: string, code?: number): LandScriptResponse;
}
declare const res: LandScriptResponse;
/** The site's values, as JSON, without waiting. */
declare const db: {
  get<T = any>(key: string): T | null;
  set(key: string, value: unknown): void;
  /** Adds to a number and gives the sum; no two requests get the same. */
  add(key: string, by?: number): number;
  delete(key: string): void;
  list<T = any>(prefix?: string): { key: string; value: T }[];
};
declare const socket: LandSockets & {
  on(event: "message", listener: (message: string | Uint8Array, from: LandSocket) => unknown): typeof socket;
  on(event: "open", listener: (from: LandSocket) => unknown): typeof socket;
  on(event: "close", listener: (code: number, reason: string, from: LandSocket) => unknown): typeof socket;
};
