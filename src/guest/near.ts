import { openCLibrary } from "#base/c-library.ts";
import { DESCRIPTORS } from "#bridge/model.ts";

/** Waits awake for answers that the host gives at once: to fall asleep and be woken takes longer than such an answer. */
export type Near = {
  /** What goes with the next write is answered at once, as a rule. */
  expect: () => void;
  /** To be called after each write. */
  look: () => void;
};

/** What is there; undefined: nothing, or the link is at its end, which its socket tells. */
type Read = () => Uint8Array | undefined;

/** A few times what such an answer takes. */
const AWAKE_MS = 0.08;
/** Writes after which it does not wait, at most, where answers came too late before. */
const MAX_REST = 255;
const READ_BYTES = 64 * 1024;
const DONT_WAIT = 0x40;

/** `onBytes` gets what comes meanwhile, whatever it is. Where it comes late, because others have the processors, it waits less and less often. */
export function createNear(
  onBytes: (bytes: Uint8Array) => void,
  open: () => Read = openRead,
  nowMs: () => number = performance.now.bind(performance),
): Near {
  let isExpected = false;
  let rest = 0;
  let left = 0;
  let read: Read | undefined;
  function wait(): Uint8Array | undefined {
    read ??= open();
    const until = nowMs() + AWAKE_MS;
    do {
      const bytes = read();
      if (bytes) return bytes;
    } while (nowMs() < until);
    return undefined;
  }
  return {
    expect() {
      isExpected = true;
    },
    look() {
      if (!isExpected) return;
      isExpected = false;
      if (left > 0) {
        left -= 1;
        return;
      }
      const bytes = wait();
      rest = bytes ? 0 : Math.min(MAX_REST, rest * 2 + 1);
      left = rest;
      if (bytes) onBytes(bytes);
    },
  };
}

/** Reads from the descriptor of the link beside its socket. Where that cannot be done, nothing ever comes this way. */
function openRead(): Read {
  if (process.platform !== "linux") return () => undefined;
  try {
    const buffer = new Uint8Array(READ_BYTES);
    const { recv } = openCLibrary({
      recv: { args: ["i32", "buffer", "u64", "i32"], returns: "i32" },
    });
    return () => {
      const count = recv(DESCRIPTORS.link, buffer, READ_BYTES, DONT_WAIT);
      return count > 0 ? buffer.slice(0, count) : undefined;
    };
  } catch {
    return () => undefined;
  }
}
