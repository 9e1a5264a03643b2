import { breakOff, type Socket } from "./socket.ts";

/** A message as Bun's sockets take it. */
export type Message = string | Uint8Array;

/** Sends to sockets and bounds what visitors leave unread. */
export type Writer = {
  /** Sends to one socket, in few packets. Who is too far behind is cut off. */
  write: (socket: Socket, messages: readonly Message[], isToOne: boolean) => void;
  /** Looks again at what a visitor left unread. */
  weigh: (socket: Socket) => number;
};

const MB = 1024 * 1024;
/** What a visitor may leave unread. */
export const MAX_BACKLOG_BYTES = 4 * MB;
/** The same of all visitors of a site, and of all. */
const MAX_SITE_BACKLOG_BYTES = 64 * MB;
const MAX_ALL_BACKLOG_BYTES = 256 * MB;
/** Sizes of messages to one socket for which it pays to compress and holds up nobody. */
const COMPRESS_FROM = 1024;
const COMPRESS_TO = 64 * 1024;

/** Makes a writer. */
export function createWriter(): Writer {
  let allBytes = 0;
  // Of the write under way: one closure serves all, since ten thousand sockets may be written to in a row.
  let to: Bun.ServerWebSocket<Socket> | undefined;
  let what: readonly Message[] = [];
  let isBehind = false;
  const writeAll = (): void => {
    for (const message of what) {
      if (!to || send(to, message, false)) continue;
      isBehind = true;
      if (to.getBufferedAmount() > MAX_BACKLOG_BYTES) return;
    }
  };

  function weigh(socket: Socket): number {
    const left = socket.isOver ? 0 : (socket.ws?.getBufferedAmount() ?? 0);
    const more = left - socket.backlogBytes;
    socket.backlogBytes = left;
    socket.room.site.backlogBytes += more;
    allBytes += more;
    return left;
  }

  /** Whether the host cannot keep more for this visitor. */
  function isTooMuch(left: number, siteBytes: number): boolean {
    if (left > MAX_BACKLOG_BYTES || siteBytes > MAX_SITE_BACKLOG_BYTES) return true;
    // A site with little is not to suffer for others.
    return allBytes > MAX_ALL_BACKLOG_BYTES && siteBytes > MAX_BACKLOG_BYTES;
  }

  return {
    weigh,
    write(socket, messages, isToOne) {
      const { ws } = socket;
      if (!ws || socket.isOver || socket.closing) return;
      const [first] = messages;
      isBehind = false;
      if (first !== undefined && messages.length === 1)
        isBehind = !send(ws, first, isToOne && isWorthCompressing(first));
      else {
        to = ws;
        what = messages;
        ws.cork(writeAll);
        to = undefined;
      }
      if (isBehind && isTooMuch(weigh(socket), socket.room.site.backlogBytes))
        breakOff(socket, 1013, "too slow");
    },
  };
}

/** Whether the visitor's side took all of it. */
function send(ws: Bun.ServerWebSocket<Socket>, message: Message, compress: boolean): boolean {
  const status =
    typeof message === "string" ? ws.sendText(message, compress) : ws.sendBinary(message, compress);
  // What is empty has no bytes to tell of.
  return status > 0 || (status === 0 && message.length === 0);
}

/** Whether it is compressed where it goes to one socket alone. */
export function isWorthCompressing({ length }: Message): boolean {
  return length >= COMPRESS_FROM && length <= COMPRESS_TO;
}
