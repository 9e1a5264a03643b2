/**
 * `src/runtime/sockets` holds the WebSockets of sites: they belong to the server, so they outlive the processes and deploys whose
 * programs speak over them. The server composes it. It must never let a program reach a socket of another site, nor keep without bound.
 */
import { readFileSync } from "node:fs";

import type { ServerConfig } from "#base/config.ts";
import type { Hooks } from "#base/hooks.ts";
import type { Log } from "#base/log.ts";
import type { SiteName } from "#base/names.ts";
import type { Handlers } from "#bridge/model.ts";
import type { ProgramAnswer, ProgramAsk } from "#sites/serving/program.ts";

import type { CallProgram } from "../process/supervisor.ts";
import type { Binding, ProgramRef } from "../tenant.ts";
import { rememberCurrent } from "./current.ts";
import { createEvents, type Events } from "./events.ts";
import { isSocketRequest } from "./handshake.ts";
import { socketBinding } from "./notes.ts";
import { createOutbox } from "./outbox.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { closeNow, finishClosing, type SocketData } from "./socket.ts";
import { createSpeakers, type CurrentProgram } from "./speakers.ts";
import { upgrade } from "./upgrade.ts";
import { createWriter, MAX_BACKLOG_BYTES, type Writer } from "./writer.ts";

/** What sockets need of the rest of the server. */
export type SocketParts = {
  config: Pick<
    ServerConfig,
    | "functions.sockets"
    | "functions.socketMessageBytes"
    | "functions.socketsPerAddress"
    | "functions.concurrency"
    | "rateLimit"
    | "tls"
  >;
  /** Tell when another program may be the current one, and when a site is gone. */
  hooks: Pick<Hooks, "on">;
  log: Log;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Which handlers a program has; rejects where it does not run. */
  handlersOf: (ref: ProgramRef) => Promise<Handlers>;
  call: CallProgram;
  currentProgram: CurrentProgram;
  /** The site that a host leads to by its own address or a domain of its own, if any. */
  siteAt: (host: string) => Promise<string | undefined>;
  /** Takes what the owner of a site should know. */
  tell: (siteId: number, site: SiteName, message: string) => void;
  /** Seconds without a byte after which a connection is over; some before that it is pinged. 120 by default. */
  idleSeconds?: number;
};

/** The WebSockets of all sites. */
export type Sockets = {
  /** What programs may do with them. */
  binding: Binding;
  /** For every listener: connections of any of them are alike. */
  websocket: Bun.WebSocketHandler<SocketData>;
  /** Answers a handshake; undefined: the request is none. */
  answerUpgrade: (ask: ProgramAsk) => Promise<ProgramAnswer> | undefined;
  /** Sockets of a site. */
  count: (siteId: number) => number;
  /** Closes all of a site. */
  closeSite: (siteId: number, code: number, reason: string) => void;
  /** Closes all, and opens no more. */
  endAll: () => void;
  /** Waits a little for the programs to hear of what was closed. */
  stop: () => Promise<void>;
};

const IDLE_SECONDS = 120;
/** How long programs may take to hear that their sockets were closed. */
const STOP_MS = 2000;
/** Largest message that fits the bridge to a program with all that goes with it. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Makes an empty set of sockets. */
export function createSockets(parts: SocketParts): Sockets {
  const rooms = createRooms();
  const writer = createWriter();
  const { current: currentProgram, stop } = rememberCurrent(parts, parts.currentProgram);
  const speakers = createSpeakers(parts, currentProgram);
  const handlersOf = rememberHandlers(parts.handlersOf);
  const events = createEvents({ ...parts, speakers, handlersOf });
  const outbox = createOutbox({
    speakers,
    writer,
    tell: (site, message) => parts.tell(site.id, site.name, message),
  });
  let isEnding = false;
  const maxSockets = maxSocketsFor(parts.config.tls !== "off");
  const off = parts.hooks.on("site.deleted", ({ id }) =>
    closeAll(rooms, id, 1001, "the site is gone"),
  );
  const upgradeParts = { ...parts, currentProgram, rooms, maxSockets, isEnding: () => isEnding };
  return {
    binding: socketBinding({ rooms, speakers, outbox }),
    websocket: webSocketHandler(parts, { rooms, writer, events }),
    answerUpgrade: (ask) => (isSocketRequest(ask.request) ? upgrade(upgradeParts, ask) : undefined),
    count: (siteId) => rooms.site(siteId)?.count ?? 0,
    closeSite: (siteId, code, reason) => closeAll(rooms, siteId, code, reason),
    endAll() {
      isEnding = true;
      for (const { id } of rooms.sites()) closeAll(rooms, id, 1001, "the server stops");
    },
    async stop() {
      await events.stop(STOP_MS);
      stop();
      off();
    },
  };
}

function webSocketHandler(
  { config, idleSeconds = IDLE_SECONDS }: SocketParts,
  { rooms, writer, events }: { rooms: Rooms; writer: Writer; events: Events },
): Bun.WebSocketHandler<SocketData> {
  return {
    idleTimeout: idleSeconds,
    sendPings: true,
    maxPayloadLength: Math.min(config["functions.socketMessageBytes"], MAX_MESSAGE_BYTES),
    // The writer cuts off earlier, and counts.
    backpressureLimit: 4 * MAX_BACKLOG_BYTES,
    // One compressor for all: of their own, ten thousand sockets would take a gigabyte.
    perMessageDeflate: { compress: "shared", decompress: "shared" },
    open(ws) {
      ws.data.ws = ws;
      events.add(ws.data, { kind: "open" });
    },
    message({ data }, message) {
      if (data.closing) return;
      const text = typeof message === "string";
      const bytes = text ? Buffer.from(message) : message;
      events.add(data, { kind: "message", text, bytes });
    },
    drain({ data }) {
      if (writer.weigh(data) === 0) finishClosing(data);
    },
    close({ data }, code, reason) {
      if (data.isOver) return;
      data.isOver = true;
      clearTimeout(data.closing?.timer);
      writer.weigh(data);
      rooms.leave(data);
      events.add(data, { kind: "close", ...(data.closedAs ?? { code, reason }) });
      data.ws = undefined;
    },
  };
}

function closeAll(rooms: Rooms, siteId: number, code: number, reason: string): void {
  for (const { sockets } of rooms.site(siteId)?.rooms.values() ?? [])
    for (const socket of sockets.values()) closeNow(socket, code, reason);
}

/** Programs whose handlers are remembered. */
const MAX_REMEMBERED = 1000;

/** Asks once per program: it never changes, and who has no handlers need not be started for each socket. */
function rememberHandlers(ask: SocketParts["handlersOf"]): SocketParts["handlersOf"] {
  const known = new Map<string, Handlers>();
  return async (ref) => {
    // What a process says of itself counts for its own site alone.
    const key = `${ref.siteId} ${ref.digest}`;
    const before = known.get(key);
    if (before) return before;
    const handlers = await ask(ref);
    for (const oldest of known.keys()) {
      if (known.size < MAX_REMEMBERED) break;
      known.delete(oldest);
    }
    known.set(key, handlers);
    return handlers;
  };
}

/** Descriptors that stay for everything else. */
const OTHER_DESCRIPTORS = 1024;

/** How many sockets the process has descriptors for, a quarter of which stay for requests. Over https, each takes three: the listener's, and both ends of the connection behind it. */
function maxSocketsFor(hasTls: boolean): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readLimits())?.[1];
  const free = Math.max(OTHER_DESCRIPTORS, Number(limit ?? 65_536) - OTHER_DESCRIPTORS);
  return Math.floor((free * 0.75) / (hasTls ? 3 : 1));
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    // Not Linux: what is usual is supposed.
    return "";
  }
}
