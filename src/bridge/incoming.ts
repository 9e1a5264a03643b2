import { BridgeError, WINDOW_BYTES } from "./model.ts";
import { keepBytes, type Slots } from "./wire.ts";

/** Takes the bytes of something that comes in parts. */
export type Sink = {
  /** A view, good until this returns. False: more than was granted. */
  data: (bytes: Uint8Array) => boolean;
  /** Bytes in the ring. False: more than was granted; the slot is given back. */
  bulk: (slot: number, length: number) => boolean;
  end: () => void;
  fail: (error: BridgeError) => void;
};

/** A body that comes, and how it is read. */
export type Incoming = Sink & { stream: ReadableStream<Uint8Array> };

/** What a body that comes asks of its exchange. */
export type IncomingEnds = {
  /** Lets the other end send so many bytes more. */
  grant: (bytes: number) => void;
  /** Slots of the ring, and how one is told to be free. Without them nothing comes through it. */
  slots: Slots | undefined;
  release: (slot: number) => void;
  /** Whether chunks may lie in the ring until the next one is read; else they are copied. */
  inPlace: boolean;
  /** The reader does not want the rest. */
  onCancel: (reason: unknown) => void;
};

type Item = { bytes: Uint8Array; slot: number; room: number };

/** Small pieces that nobody reads yet are put together in buffers of this size, so that each costs no object of its own. */
const JOINED_BYTES = 16 * 1024;

/**
 * A body as a stream that is filled as it is read: at most `WINDOW_BYTES` lie in it. `granted` is what the other end may send
 * before anything is read.
 */
export function createIncoming(ends: IncomingEnds, granted: number): Incoming {
  const queue: Item[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let left = granted;
  let owed = WINDOW_BYTES - granted;
  let held = -1;
  let wanted = false;
  let ended = false;
  let over = false;

  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        giveBack();
        const item = queue.shift();
        if (item) return give(item);
        if (ended) return close();
        wanted = true;
        return pay();
      },
      cancel(reason) {
        drop();
        ends.onCancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  function pay(): void {
    // What is owed at the very start is paid when somebody reads.
    if (owed < WINDOW_BYTES / 2 || ended) return;
    left += owed;
    ends.grant(owed);
    owed = 0;
  }
  function give({ bytes, slot }: Item): void {
    wanted = false;
    owed += bytes.length;
    const chunk = slot >= 0 && !ends.inPlace ? new Uint8Array(bytes) : bytes;
    if (slot >= 0 && ends.inPlace) held = slot;
    else if (slot >= 0) ends.release(slot);
    controller.enqueue(chunk);
    pay();
    // The last chunk in the ring is in use until the reader comes back.
    if (ended && queue.length === 0 && held < 0) close();
  }
  function giveBack(): void {
    if (held < 0) return;
    ends.release(held);
    held = -1;
  }
  function close(): void {
    if (over) return;
    over = true;
    controller.close();
  }
  function drop(): void {
    over = true;
    giveBack();
    for (const { slot } of queue.splice(0)) if (slot >= 0) ends.release(slot);
  }
  function take(item: Item): void {
    if (wanted) give(item);
    else queue.push(item);
  }
  function join(bytes: Uint8Array): boolean {
    const last = queue.at(-1);
    if (!last || last.room < bytes.length) return false;
    const { buffer, byteOffset, length } = last.bytes;
    const longer = new Uint8Array(buffer, byteOffset, length + bytes.length);
    longer.set(bytes, length);
    last.bytes = longer;
    last.room -= bytes.length;
    return true;
  }
  return {
    stream,
    data(bytes) {
      if (over || bytes.length === 0) return true;
      left -= bytes.length;
      if (left < 0 || ended) return false;
      if (wanted || bytes.length >= JOINED_BYTES)
        take({ bytes: keepBytes(bytes), slot: -1, room: 0 });
      else if (!join(bytes)) {
        const roomy = new Uint8Array(JOINED_BYTES);
        roomy.set(bytes);
        take({
          bytes: roomy.subarray(0, bytes.length),
          slot: -1,
          room: JOINED_BYTES - bytes.length,
        });
      }
      return true;
    },
    bulk(slot, length) {
      left -= length;
      const fits = left >= 0 && !ended && ends.slots !== undefined;
      if (over || !fits || length === 0 || !ends.slots) {
        ends.release(slot);
        return over || fits;
      }
      take({ bytes: ends.slots.view(slot, length), slot, room: 0 });
      return true;
    },
    end() {
      ended = true;
      if (queue.length === 0 && held < 0) close();
    },
    fail(error) {
      if (over) return;
      drop();
      controller.error(error);
    },
  };
}

/** Parts of one message put together: `done` gets the whole. Nothing comes before `begin` grants it. */
export function createAssembly(
  sizeBytes: number,
  ends: Pick<IncomingEnds, "grant" | "slots" | "release">,
  done: (message: Buffer | BridgeError) => void,
): Sink & { begin: () => void } {
  let whole: Buffer | undefined;
  let at = 0;
  let granted = 0;
  function pay(): void {
    const more = Math.min(WINDOW_BYTES - (granted - at), sizeBytes - granted);
    if (more <= 0 || (more < WINDOW_BYTES / 2 && granted + more < sizeBytes)) return;
    granted += more;
    ends.grant(more);
  }
  function take(bytes: Uint8Array): boolean {
    if (!whole || at + bytes.length > granted) return false;
    whole.set(bytes, at);
    at += bytes.length;
    pay();
    return true;
  }
  return {
    begin() {
      whole = Buffer.allocUnsafeSlow(sizeBytes);
      pay();
    },
    data: take,
    bulk(slot, length) {
      const isGood = ends.slots !== undefined && take(ends.slots.view(slot, length));
      ends.release(slot);
      return isGood;
    },
    end() {
      if (whole && at === sizeBytes) done(whole);
      else done(new BridgeError("protocol", "A message is shorter than it said"));
    },
    fail: done,
  };
}
