/** A small host for one guest process, without sandbox: what `src/runtime` does with many. */
import { createLink } from "#bridge/link.ts";
import {
  type Body,
  BridgeError,
  type CallAnswer,
  type Control,
  DESCRIPTORS,
  type Handlers,
  type HeaderList,
  type Link,
  type LinkHandlers,
  type LinkResponse,
  type LoadMessage,
  type RequestHead,
  type Shape,
} from "#bridge/model.ts";
import { createMemoryKv } from "#test/support/guest-kv.ts";

export type LogLine = { level: string; message: string; requestId: string };
export type Note = { name: string; params: Record<string, unknown>; bytes: Uint8Array };

export type HostOptions = Partial<LoadMessage> & {
  /** Source map of the program. */
  map?: string;
  /** Answers `fetch`es of the program. */
  egress?: (head: RequestHead, body: Body, signal: AbortSignal) => Promise<LinkResponse>;
  cwd?: string;
  /** How long the process waits for its program. */
  waitMs?: number;
};

export type GuestHost = {
  link: Link;
  shape: Shape;
  handlers: Handlers;
  logs: LogLine[];
  notes: Note[];
  /** Resolves with the first line that fits, now or later. */
  logged: (pattern: RegExp) => Promise<LogLine>;
  /** As fetch, to the site `http://site.test`. */
  ask: (
    path: string,
    init?: {
      method?: string;
      body?: Body;
      headers?: HeaderList;
      requestId?: string;
      signal?: AbortSignal;
    },
  ) => Promise<LinkResponse>;
  text: (path: string, init?: Parameters<GuestHost["ask"]>[1]) => Promise<string>;
  control: (message: Control) => void;
  /** Resolves with the next control message of that kind. */
  told: (kind: Control["kind"]) => Promise<Control>;
  exited: Promise<number>;
  /** Closes the host's end of the descriptor. */
  disconnect: () => void;
  pid: number;
  [Symbol.asyncDispose]: () => Promise<void>;
};

const MAX_PART = 1024 * 1024;

/** Starts a process and loads `code`. Rejects with what it says where it is broken. */
export async function startGuest(code: string, options: HostOptions = {}): Promise<GuestHost> {
  const { map, egress, cwd, waitMs, ...load } = options;
  const root = `${import.meta.dir}/../..`;
  const child = Bun.spawn([process.execPath, `${root}/src/main.ts`, "__guest", "open"], {
    env: {},
    cwd: cwd ?? root,
    stdio: ["ignore", "ignore", "inherit", "socket-fd", "socket-fd"],
  });
  const kv = createMemoryKv();
  const logs: LogLine[] = [];
  const notes: Note[] = [];
  const wanted = new Set<{ test: () => boolean; resolve: () => void }>();
  const controls: { kind: string; resolve: (message: Control) => void }[] = [];
  const look = (): void => {
    for (const each of wanted)
      if (each.test()) {
        wanted.delete(each);
        each.resolve();
      }
  };
  const handlers: LinkHandlers = {
    onControl(message) {
      const at = controls.findIndex(({ kind }) => kind === message.kind);
      if (at >= 0) controls.splice(at, 1)[0]?.resolve(message);
    },
    async onRequest(head, body, signal) {
      if (!egress) throw new BridgeError("egress_denied", "Cannot reach it");
      return egress(head, body, signal);
    },
    onCall(name, params, bytes): CallAnswer {
      if (name === "program.map")
        return map === undefined ? { value: null } : { value: null, bytes: Buffer.from(map) };
      if (name === "socket.count") return { value: 3 };
      return kv(name, params as never, bytes);
    },
    onNote(name, params, bytes) {
      if (name === "log") logs.push(params as LogLine);
      else notes.push({ name, params: params as Note["params"], bytes: bytes.slice() });
      look();
    },
    onClose() {},
  };
  const { link, disconnect } = await openLink(child.stdio[DESCRIPTORS.link] as number, handlers);
  await openLink(child.stdio[DESCRIPTORS.sync] as number, handlers);
  const told = (kind: Control["kind"]): Promise<Control> =>
    new Promise((resolve) => controls.push({ kind, resolve }));
  await told("hello");
  if (waitMs !== undefined) await Bun.sleep(waitMs);
  const ready = Promise.race([told("loaded"), told("broken")]);
  const message: LoadMessage = {
    name: "main.ts",
    language: "js",
    env: {},
    database: false,
    logLineBytes: 16 * 1024,
    subrequests: 50,
    ...load,
  };
  const bytes = Buffer.from(code);
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_PART)
    link.control(
      { kind: "load", more: at + MAX_PART < bytes.length, ...(at === 0 && message) },
      bytes.subarray(at, at + MAX_PART),
    );
  const answer = await ready;
  if (answer.kind !== "loaded") {
    child.kill();
    throw Object.assign(
      new Error("broken"),
      answer.kind === "broken" ? { told: answer.error } : {},
    );
  }
  const ask: GuestHost["ask"] = (path, init = {}) =>
    link.request(
      {
        method: init.method ?? "GET",
        url: `http://site.test${path}`,
        headers: init.headers ?? [["host", "site.test"]],
        requestId: init.requestId ?? "req1",
        address: "192.0.2.7",
      },
      init.body ?? null,
      init.signal,
    );
  return {
    link,
    shape: answer.shape,
    handlers: answer.handlers,
    logs,
    notes,
    logged(pattern) {
      const find = () => logs.find(({ message: text }) => pattern.test(text));
      return new Promise((resolve) => {
        wanted.add({
          test: () => find() !== undefined,
          resolve: () => resolve(find() as LogLine),
        });
        look();
      });
    },
    ask,
    text: async (path, init) => readText((await ask(path, init)).body),
    control: (control) => link.control(control),
    told,
    exited: child.exited,
    disconnect,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill(9);
      await child.exited;
    },
  };
}

/** A body as text. */
export async function readText(body: Body): Promise<string> {
  return body === null ? "" : new Response(body as Bun.BodyInit).text();
}

/** The value of a header; undefined where it is not there. */
export function headerOf(response: LinkResponse, name: string): string | undefined {
  return response.headers.find(([each]) => each === name)?.[1];
}

async function openLink(
  fd: number,
  handlers: LinkHandlers,
): Promise<{ link: Link; disconnect: () => void }> {
  let link: Link | undefined;
  const options = {
    fd,
    socket: {
      data: (_socket: unknown, bytes: Uint8Array) => link?.receive(bytes),
      drain: () => link?.drained(),
      close: () => link?.close(),
      error: () => link?.close(),
    },
  };
  const socket = await Bun.connect(options as unknown as Bun.UnixSocketOptions);
  link = createLink(
    "host",
    { write: (bytes) => Math.max(0, socket.write(bytes)), schedule: setImmediate },
    handlers,
  );
  return { link, disconnect: () => void socket.end() };
}
