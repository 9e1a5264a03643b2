import { networkOf, plainAddress } from "#base/address.ts";
import type { Log } from "#base/log.ts";

import { type Connection, openConnection } from "./connection.ts";
import type { Slots } from "./slots.ts";

/** Who is at the other end of a connection. */
export type Visitor = {
  /** The address of the peer, as the socket tells it. */
  address: string;
  /** The name the client asked a certificate for; undefined where it named none. */
  serverName: string | undefined;
};

/** A server on the loopback that speaks TLS with the certificate of a name. */
export type Target = {
  port: number;
  /** A connection from this local port is `visitor`'s. Called before its first byte is sent. */
  opened: (localPort: number, visitor: Visitor) => void;
  closed: (localPort: number) => void;
};

/** How the front is started. */
export type FrontOptions = {
  hostname: string;
  /** 0 picks a free one. */
  port: number;
  /** The server for a name, or undefined where we have no certificate for it: the handshake is then refused. */
  route: (serverName: string | undefined) => Promise<Target | undefined>;
  /** Bounds connections in the handshake, by network. */
  slots: Slots;
  /** How long a handshake may take. */
  handshakeMs: number;
  /** How long a client may take nothing of what is left for it after its server ended the connection. */
  stallMs: number;
  log: Log;
};

/** The listener in front of the TLS servers. */
export type Front = {
  port: number;
  /** Accepts no further connections and breaks off those still in the handshake. */
  close: () => void;
  /** Comes when every connection is at its end. Call `close` first. */
  ended: () => Promise<void>;
  /** Breaks off all connections. */
  terminate: () => void;
};

/**
 * Listens for TLS connections, reads the server name out of the first bytes and hands each connection on, as it is, to the server on
 * the loopback that has the certificate. Bun.serve itself cannot choose a certificate per connection, nor change one while it
 * runs; and a name that is not ours costs no cryptography here.
 * What Bun.listen throws comes through, such as EADDRINUSE.
 *
 * @see https://github.com/oven-sh/bun/issues/14395
 */
export function startFront(options: FrontOptions): Front {
  const sockets = new Set<Bun.Socket<Connection | undefined>>();
  let whenEnded: (() => void) | undefined;

  function accept(socket: Bun.Socket<Connection | undefined>): void {
    const address = plainAddress(socket.remoteAddress);
    const network = networkOf(address);
    if (!options.slots.take(network)) {
      socket.terminate();
      return;
    }
    sockets.add(socket);
    socket.data = openConnection(socket, address, options, () => options.slots.release(network));
  }

  function forget(socket: Bun.Socket<Connection | undefined>): void {
    socket.data?.closed();
    sockets.delete(socket);
    if (sockets.size === 0) whenEnded?.();
  }

  const listener = Bun.listen<Connection | undefined>({
    hostname: options.hostname,
    port: options.port,
    exclusive: true,
    data: undefined,
    socket: {
      open: accept,
      data: (socket, bytes) => socket.data?.receive(bytes),
      drain: (socket) => socket.data?.drain(),
      close: forget,
      error: (socket) => socket.terminate(),
    },
  });
  return {
    port: listener.port,
    close() {
      listener.stop();
      for (const socket of sockets) if (socket.data?.inHandshake()) socket.terminate();
    },
    ended: () =>
      sockets.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            whenEnded = resolve;
          }),
    terminate() {
      for (const socket of sockets) socket.terminate();
    },
  };
}
