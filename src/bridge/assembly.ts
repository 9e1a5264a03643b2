import type { IncomingEnds, Sink } from "./incoming.ts";
import { BridgeError, WINDOW_BYTES } from "./model.ts";

/** Something that is put together; nothing of it comes before `begin` grants it. */
export type Assembly = Sink & { begin: () => void };

/** Parts of one message of a known size put together: `done` gets the whole. */
export function createAssembly(
  sizeBytes: number,
  ends: Pick<IncomingEnds, "grant" | "slots" | "release">,
  done: (message: Buffer | BridgeError) => void,
): Assembly {
  let whole: Buffer | undefined;
  let at = 0;
  /** Of what may come by frames; what comes through the ring needs no credit. */
  let left = 0;
  function pay(): void {
    const more = Math.min(WINDOW_BYTES, sizeBytes - at) - left;
    if (more <= 0 || (left > 0 && more < WINDOW_BYTES / 2)) return;
    left += more;
    ends.grant(more);
  }
  function take(bytes: Uint8Array): boolean {
    if (!whole || at + bytes.length > sizeBytes) return false;
    whole.set(bytes, at);
    at += bytes.length;
    return true;
  }
  return {
    begin() {
      // Not of the pool, and not touched before it is written.
      whole = Buffer.allocUnsafeSlow(sizeBytes);
      pay();
    },
    data(bytes) {
      left -= bytes.length;
      if (left < 0 || !take(bytes)) return false;
      pay();
      return true;
    },
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
