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
/** How often one that waits looks whether it may go on: requests that were sent meanwhile let it have more. */
const LOOK_MS = 20;
const NOTHING = new Uint8Array(0);

type State = {
  account: Account;
  events: SocketEvents;
  socket: Bun.Socket | undefined;
  isClosed: boolean;
  /** What is left waits: for the next turn, for more of the host's time, or for the other end to read. */
  waits: boolean;
  turnStart: number;
  last: number;
};

/** Adopts a descriptor of this process. */
export function adoptSocket(fd: number, account: Account, events: SocketEvents): HostSocket {
  const state: State = {
    account,
    events,
    socket: undefined,
    isClosed: false,
    waits: false,
    turnStart: 0,
    last: 0,
  };
  void open(state, fd);
  return {
    write: (bytes) => (state.socket ? Math.max(0, state.socket.write(bytes)) : 0),
    yields: (wasAsked) => yields(state, wasAsked),
    close() {
      if (state.isClosed) return;
      state.isClosed = true;
      state.socket?.end();
    },
  };
}

async function open(state: State, fd: number): Promise<void> {
  const { events } = state;
  const end = (): void => {
    if (state.isClosed) return;
    state.isClosed = true;
    events.onEnd();
  };
  try {
    state.socket = await adopt(fd, {
      data(_socket, bytes) {
        // Paused, what was read already still comes; the link keeps it behind the rest.
        if (state.waits) events.onBytes(bytes);
        else take(state, bytes);
      },
      drain() {
        events.onDrain();
        if (state.waits && events.backlogBytes() <= FULL_BYTES) setImmediate(goOn, state);
      },
      close: end,
      error: end,
    });
  } catch {
    end();
    return;
  }
  if (state.isClosed) state.socket.end();
  else events.onDrain();
}

function take(state: State, bytes: Uint8Array): void {
  state.turnStart = performance.now();
  state.last = state.turnStart;
  state.events.onBytes(bytes);
}

function yields(state: State, wasAsked: boolean): boolean {
  const { account, events } = state;
  const now = performance.now();
  if (!wasAsked) account.spend(now - state.last);
  state.last = now;
  if (state.waits) return true;
  const isTired = now - state.turnStart > TURN_MS || (!wasAsked && account.waitMs() > 0);
  if (!isTired && events.backlogBytes() <= FULL_BYTES) return false;
  state.waits = true;
  state.socket?.pause();
  setImmediate(goOn, state);
  return true;
}

function goOn(state: State): void {
  const { account, events, socket } = state;
  if (state.isClosed || !state.waits) return;
  const waitMs = account.waitMs();
  if (waitMs > 0) {
    setTimeout(goOn, Math.min(waitMs, LOOK_MS), state);
    return;
  }
  // Once it is drained this is called again.
  if (events.backlogBytes() > FULL_BYTES) return;
  state.waits = false;
  take(state, NOTHING);
  if (!state.waits) socket?.resume();
}

function adopt(fd: number, socket: Bun.SocketHandler): Promise<Bun.Socket> {
  const options: Omit<Bun.FdSocketOptions, "data"> = { fd, socket };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out that it takes a descriptor
  return Bun.connect(options as unknown as Bun.UnixSocketOptions);
}
