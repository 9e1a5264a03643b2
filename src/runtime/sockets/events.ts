import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";

import { deliver, type DeliverParts } from "./deliver.ts";
import { closeGently, closeNow, type Socket, type SocketEvent, type SocketSite } from "./socket.ts";

/** Hands what happens on sockets to programs: of one socket one after another, of a site some at a time. */
export type Events = {
  /** Puts an event in line. A visitor who sends faster than the program takes is read no further, and closed in the end. */
  add: (socket: Socket, event: SocketEvent) => void;
  /** Resolves when no event waits, or after `ms`. Then nothing is handed on any more. */
  stop: (ms: number) => Promise<void>;
};

/** What the line is made of. */
export type EventParts = DeliverParts & {
  config: Pick<ServerConfig, "functions.concurrency">;
  log: Log;
};

/** Of one site at a time; requests have their turn too. */
const MAX_IN_FLIGHT = 32;
/** From here on a socket is not read until its line is empty. */
const PAUSE_EVENTS = 8;
const PAUSE_BYTES = 64 * 1024;
const MB = 1024 * 1024;
/** What was read before may still come. */
const MAX_SOCKET_BYTES = 4 * MB;
const MAX_SITE_BYTES = 16 * MB;
/** What an event costs beside its bytes. */
const EVENT_BYTES = 128;

/** Starts with nothing in line. */
export function createEvents(parts: EventParts): Events {
  const { config, log } = parts;
  const maxInFlight = Math.min(MAX_IN_FLIGHT, config["functions.concurrency"]);
  let open = 0;
  let isStopped = false;
  let whenIdle: (() => void) | undefined;

  function pump(site: SocketSite): void {
    for (const socket of site.ready) {
      if (site.inFlight >= maxInFlight) return;
      site.ready.delete(socket);
      const event = socket.waiting?.shift();
      if (event) void run(site, socket, event);
    }
  }

  async function run(site: SocketSite, socket: Socket, event: SocketEvent): Promise<void> {
    socket.isBusy = true;
    site.inFlight += 1;
    try {
      if (!isStopped && (await deliver(parts, socket, event)) === "late") open -= giveUp(socket);
    } catch (cause) {
      log.error("socket event failed", { site: site.name, event: event.kind, cause });
    }
    socket.isBusy = false;
    site.inFlight -= 1;
    weigh(socket, -sizeOf(event));
    open -= 1;
    if (socket.waiting?.length === 0) rest(socket);
    else site.ready.add(socket);
    pump(site);
    if (open === 0) whenIdle?.();
  }

  return {
    add(socket, event) {
      if (isStopped) return;
      const { site } = socket.room;
      (socket.waiting ??= []).push(event);
      open += 1;
      weigh(socket, sizeOf(event));
      if (event.kind === "message") restrain(socket);
      if (socket.isBusy) return;
      site.ready.add(socket);
      pump(site);
    },
    async stop(ms) {
      if (open > 0)
        await Promise.race([
          Bun.sleep(ms),
          new Promise<void>((resolve) => {
            whenIdle = resolve;
          }),
        ]);
      isStopped = true;
    },
  };
}

/** Slows a visitor down who sends faster than the program takes, or gives up. */
function restrain(socket: Socket): void {
  const { ws, waiting = [], waitingBytes, room } = socket;
  if (waitingBytes > MAX_SOCKET_BYTES || room.site.waitingBytes > MAX_SITE_BYTES)
    closeGently(socket, 1013, "the program cannot keep up");
  else if (waiting.length >= PAUSE_EVENTS || waitingBytes >= PAUSE_BYTES) ws?.pause();
}

/** Forgets what waits in a long line behind a handler that hangs, where each would hang in its turn; answers how many. */
function giveUp(socket: Socket): number {
  const line = socket.waiting ?? [];
  if (line.length < PAUSE_EVENTS) return 0;
  closeNow(socket, 1011, "the program does not answer");
  socket.waiting = line.filter(({ kind }) => kind === "close");
  for (const event of line) if (event.kind !== "close") weigh(socket, -sizeOf(event));
  return line.length - socket.waiting.length;
}

/** Everything was handed on. */
function rest(socket: Socket): void {
  socket.waiting = undefined;
  if (!socket.isOver && socket.ws?.isPaused === true) socket.ws.resume();
}

function weigh(socket: Socket, bytes: number): void {
  socket.waitingBytes += bytes;
  socket.room.site.waitingBytes += bytes;
}

function sizeOf(event: SocketEvent): number {
  return EVENT_BYTES + (event.kind === "message" ? event.bytes.length : 0);
}
