import type { DeployId, SiteName } from "#base/names.ts";

/** An event that waits for the program. */
export type SocketEvent =
  | { kind: "open" }
  | { kind: "message"; text: boolean; bytes: Uint8Array }
  | { kind: "close"; code: number; reason: string };

/** What a connection was when it was opened, as a JSON text: ten thousand of them lie in memory. */
export type PackedAbout = string;

/** One WebSocket. Also the data of Bun's. */
export type Socket = {
  readonly id: string;
  readonly room: Room;
  /** The deploy that answered the handshake. */
  readonly deploy: DeployId;
  /** What its visitor counts as; undefined where visitors are not counted. */
  readonly network: string | undefined;
  readonly about: PackedAbout;
  /** What the program keeps with it, as JSON. */
  data: string;
  ws: Bun.ServerWebSocket<Socket> | undefined;
  topics: Set<string> | undefined;
  /** Events for the program, oldest first. */
  waiting: SocketEvent[] | undefined;
  waitingBytes: number;
  /** Whether the program handles an event of it now. */
  isBusy: boolean;
  /** Bytes that the visitor did not take yet. */
  backlogBytes: number;
  /** What it is closed with once the visitor took everything. */
  closing: { code: number; reason: string; timer: Timer } | undefined;
  /** What the program is told instead of what the connection ended with. */
  closedAs: { code: number; reason: string } | undefined;
  isOver: boolean;
};

/** The data of Bun's sockets. */
export type SocketData = Socket;

type Timer = ReturnType<typeof setTimeout>;

/** Everybody who came by one kind of address: that of the site, or that of one deploy. Names of topics mean something only in here. */
export type Room = {
  readonly site: SocketSite;
  /** The deploy whose own address it is; undefined: the site's. */
  readonly deploy: DeployId | undefined;
  readonly sockets: Map<string, Socket>;
  readonly topics: Map<string, Set<Socket>>;
};

/** The sockets of a site. */
export type SocketSite = {
  readonly id: number;
  readonly name: SiteName;
  /** By deploy; the site's own under "". */
  readonly rooms: Map<DeployId | "", Room>;
  readonly byNetwork: Map<string, number>;
  count: number;
  backlogBytes: number;
  /** Which programs may speak to those who came by the site's own address. */
  live: { deploy: DeployId | undefined; checkedAtMs: number; before: Map<DeployId, number> };
  /** Those with events for the program and none in its hands. */
  readonly ready: Set<Socket>;
  waitingBytes: number;
  inFlight: number;
};

/** How long a socket that is to be closed may take to get what was sent before. */
const CLOSE_MS = 10_000;

/** Closes a socket once its visitor took what was sent before, or breaks it off when that takes too long. */
export function closeGently(socket: Socket, code: number, reason: string): void {
  const { ws } = socket;
  if (!ws || socket.isOver || socket.closing) return;
  const left = ws.getBufferedAmount();
  if (left === 0) {
    ws.close(code, reason);
    return;
  }
  // What is not taken would stay in memory after `close`, and nothing could take it away any more.
  const timer = setTimeout(() => breakOff(socket, code, reason), CLOSE_MS);
  timer.unref();
  socket.closing = { code, reason, timer };
}

/** Closes a socket at once; where the visitor did not take everything, the visitor is not told why. */
export function closeNow(socket: Socket, code: number, reason: string): void {
  if (socket.isOver || !socket.ws) return;
  if (socket.ws.getBufferedAmount() > 0) breakOff(socket, code, reason);
  else socket.ws.close(code, reason);
}

/** Ends the connection and frees what it holds. The program is told `code`. */
export function breakOff(socket: Socket, code: number, reason: string): void {
  if (socket.isOver) return;
  socket.closedAs = { code, reason };
  socket.ws?.terminate();
}

/** The visitor took everything: what waited for that is done. */
export function finishClosing(socket: Socket): void {
  if (!socket.closing) return;
  const { code, reason, timer } = socket.closing;
  clearTimeout(timer);
  socket.ws?.close(code, reason);
}
