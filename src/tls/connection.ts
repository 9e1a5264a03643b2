import type { FrontOptions, Target, Visitor } from "./front.ts";
import { ALERT, readHello, watchHandshake } from "./hello.ts";
import { createPipe, type End, type Pipe } from "./pipe.ts";

/** A client's connection: what happens to its socket is told here. */
export type Connection = {
  receive: (bytes: Buffer) => void;
  /** The client takes bytes again. */
  drain: () => void;
  closed: () => void;
  inHandshake: () => boolean;
};

/** Both directions between a client and its server. */
type Joined = { up: Pipe; down: Pipe; upstream: End };

/** Takes over a fresh socket. `onHandshakeEnd` is called once, at the latest when the socket is closed. */
export function openConnection(
  socket: End & { end: (last?: Uint8Array) => unknown },
  address: string,
  options: Pick<FrontOptions, "route" | "handshakeMs" | "stallMs" | "log">,
  onHandshakeEnd: () => void,
): Connection {
  let hello: Buffer = Buffer.alloc(0);
  let routing = false;
  let isClosed = false;
  let joined: Joined | undefined;
  const handshake = startHandshake(options.handshakeMs, () => socket.terminate(), onHandshakeEnd);

  /** Says why in bytes the client understands, and closes. */
  function refuse(bytes: Uint8Array): void {
    if (!isClosed) socket.end(bytes);
  }

  async function join(target: Target, visitor: Visitor): Promise<void> {
    if (isClosed) return;
    joined = await joinWith(socket, { target, visitor, stallMs: options.stallMs });
    if (isClosed) return closeUpstream();
    handshake.see(hello);
    joined.up.push(hello);
    hello = Buffer.alloc(0);
    socket.resume();
  }

  function closeUpstream(): void {
    joined?.down.drop();
    joined?.up.drop();
    joined?.upstream.end();
  }

  return {
    receive(bytes) {
      if (joined) {
        handshake.see(bytes);
        return joined.up.push(bytes);
      }
      hello = Buffer.concat([hello, bytes]);
      if (routing) return;
      const read = readHello(hello);
      if (read.kind === "more") return;
      routing = true;
      if (read.kind === "http") return refuse(PLAIN_HTTP);
      if (read.kind === "bad") return refuse(alertOf(read.alert));
      socket.pause();
      const { serverName } = read;
      handOn(options.route, serverName, (target) => join(target, { address, serverName }))
        .then((found) => (found ? undefined : refuse(alertOf(ALERT.unrecognizedName))))
        .catch((cause: unknown) => {
          options.log.error("tls connection failed", { serverName, cause });
          refuse(alertOf(ALERT.internalError));
        });
    },
    drain: () => joined?.down.drain(),
    closed() {
      isClosed = true;
      handshake.end();
      closeUpstream();
    },
    inHandshake: handshake.isUnderWay,
  };
}

/** Whether there was a server for the name; then `join` has connected with it. */
async function handOn(
  route: FrontOptions["route"],
  serverName: string | undefined,
  join: (target: Target) => Promise<void>,
): Promise<boolean> {
  for (let attempts = 2; ; attempts -= 1) {
    const target = await route(serverName);
    if (!target) return false;
    try {
      await join(target);
      return true;
    } catch (cause) {
      // A server whose certificate was replaced just now is gone: its successor is asked.
      if (attempts === 1) throw cause;
    }
  }
}

type Handshake = {
  /** Told the client's bytes in order, it ends the handshake where they show its end. */
  see: (bytes: Buffer) => void;
  end: () => void;
  isUnderWay: () => boolean;
};

function startHandshake(ms: number, onTimeout: () => void, onEnd: () => void): Handshake {
  const isDone = watchHandshake();
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(onTimeout, ms);
  const end = (): void => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    onEnd();
  };
  return {
    see(bytes) {
      if (timer !== undefined && isDone(bytes)) end();
    },
    end,
    isUnderWay: () => timer !== undefined,
  };
}

/** Connects a client with its server. What Bun.connect throws comes through. */
async function joinWith(
  socket: End,
  { target, visitor, stallMs }: { target: Target; visitor: Visitor; stallMs: number },
): Promise<Joined> {
  let joined: Joined | undefined;
  let localPort = 0;
  const upstream = await Bun.connect({
    hostname: "127.0.0.1",
    port: target.port,
    socket: {
      open(opened) {
        localPort = opened.localPort;
        target.opened(localPort, visitor);
        const up = createPipe(socket, opened, stallMs);
        joined = { up, down: createPipe(opened, socket, stallMs), upstream: opened };
      },
      data: (_upstream, bytes) => joined?.down.push(bytes),
      drain: () => joined?.up.drain(),
      close() {
        target.closed(localPort);
        joined?.up.drop();
        joined?.down.finish();
      },
      error: (failed) => failed.terminate(),
    },
  });
  if (!joined) throw new Error(`the connection to port ${upstream.remotePort} did not open`);
  return joined;
}

/** A fatal alert in a plaintext record. @see RFC 8446 sections 5.1 and 6 */
function alertOf(description: number): Uint8Array {
  return Uint8Array.of(21, 3, 3, 0, 2, 2, description);
}

const PLAIN_HTTP = new TextEncoder().encode(
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 45\r\n\r\n" +
    "This port speaks https. Use an https address\n",
);
