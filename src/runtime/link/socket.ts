import type { Account } from "./meter.ts";

/** What comes of a socket. */
export type SocketEvents = {
  /** Nothing: go on with what waits. */
  onBytes: (bytes: Uint8Array) => void;
  onDrain: () => void;
  /** The other end is gone. Also where the descriptor is none. */
  onEnd: () => void;
  backlogBytes: () => number;
};

/** A socket that is read no faster than its site may take of the host's time. */
export type HostSocket = {
  write: (bytes: Uint8Array) => number;
  /** Told after each frame whether it served a request of the host's; whether the rest should wait. */
  yields: (wasAsked: boolean) => boolean;
  /** Closes it when what was written is gone. */
  close: () => void;
};

/** Milliseconds of one turn of the loop that go to one link. */
const TURN_MS = 1;
/** A process that does not read is not read either. */
const FULL_BYTES = 4 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Adopts a descriptor of this process. */
export function adoptSocket(fd: number, account: Account, events: SocketEvents): HostSocket {
  let socket: Bun.Socket | undefined;
  let closed = false;
  /** What is left waits: for the next turn, for the end of the window, or for the other end to read. */
  let waits = false;
  let turnStart = 0;
  let last = 0;

  function take(bytes: Uint8Array): void {
    turnStart = performance.now();
    last = turnStart;
    events.onBytes(bytes);
  }
  function goOn(): void {
    if (closed || !waits) return undefined;
    const waitMs = account.waitMs();
    if (waitMs > 0) {
      setTimeout(goOn, waitMs);
      return undefined;
    }
    // Once it is drained this is called again.
    if (events.backlogBytes() > FULL_BYTES) return undefined;
    waits = false;
    take(NOTHING);
    if (!waits) socket?.resume();
    return undefined;
  }
  function wait(): void {
    if (waits) return;
    waits = true;
    socket?.pause();
    setImmediate(goOn);
  }
  function end(): void {
    if (closed) return;
    closed = true;
    events.onEnd();
  }
  const handler: Bun.SocketHandler = {
    data(_socket, bytes) {
      // Paused, what was read already still comes; the link keeps it behind the rest.
      if (waits) events.onBytes(bytes);
      else take(bytes);
    },
    drain() {
      events.onDrain();
      if (waits && events.backlogBytes() <= FULL_BYTES) setImmediate(goOn);
    },
    close: end,
    error: end,
  };
  async function open(): Promise<void> {
    try {
      socket = await adopt(fd, handler);
    } catch {
      return end();
    }
    if (closed) socket.end();
    else events.onDrain();
    return undefined;
  }
  void open();
  return {
    write: (bytes) => (socket ? Math.max(0, socket.write(bytes)) : 0),
    yields(wasAsked) {
      const now = performance.now();
      if (!wasAsked) account.spend(now - last);
      last = now;
      if (waits) return true;
      const isTired = now - turnStart > TURN_MS || (!wasAsked && account.waitMs() > 0);
      if (!isTired && events.backlogBytes() <= FULL_BYTES) return false;
      wait();
      return true;
    },
    close() {
      if (closed) return;
      closed = true;
      socket?.end();
    },
  };
}

function adopt(fd: number, socket: Bun.SocketHandler): Promise<Bun.Socket> {
  const options: Omit<Bun.FdSocketOptions, "data"> = { fd, socket };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out that it takes a descriptor
  return Bun.connect(options as unknown as Bun.UnixSocketOptions);
}
