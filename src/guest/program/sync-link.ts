import { readSync, writeSync } from "node:fs";

import { createLink } from "#bridge/link.ts";
import { type BridgeError, type CallAnswer, DESCRIPTORS, type Link } from "#bridge/model.ts";

/** Asks the host and blocks until it answers. */
export type AskSync = (name: string, params: unknown, bytes?: Uint8Array) => CallAnswer;

const READ_BYTES = 64 * 1024;
/** What is larger would go in parts, for which the loop would have to run. */
const MAX_BYTES = 1024 * 1024;

/** Calls over the second descriptor. Nothing else of the program runs meanwhile. */
export function createSyncLink(): AskSync {
  let over: BridgeError | undefined;
  let flushes: (() => void)[] = [];
  const transport = {
    write: writeAll,
    schedule: (due: () => void) => void flushes.push(due),
  };
  const link: Link = createLink("guest", transport, {
    onControl: refuse,
    onNote: refuse,
    onCall: refuse,
    onRequest: refuse,
    onClose: (error) => (over = error),
  });
  function flush(): void {
    const due = flushes;
    flushes = [];
    for (const run of due) run();
  }
  return (name, params, bytes) => {
    if (bytes && bytes.length > MAX_BYTES)
      throw new RangeError(`A value is at most ${MAX_BYTES} bytes`);
    const answer = link.call(name, params, bytes);
    // It is looked at here, never awaited.
    answer.catch(() => undefined);
    flush();
    while (Bun.peek.status(answer) === "pending") {
      link.receive(readSome());
      flush();
    }
    const settled: unknown = Bun.peek(answer);
    if (Bun.peek.status(answer) === "rejected") throw settled;
    if (over) throw over;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a promise that is fulfilled peeks as its value
    return settled as CallAnswer;
  };
}

function refuse(): never {
  throw new Error("The host asks nothing here");
}

function writeAll(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) at += retried(() => writeSync(DESCRIPTORS.sync, bytes, at));
  return at;
}

function readSome(): Uint8Array {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const count = retried(() => readSync(DESCRIPTORS.sync, buffer));
  // The host is gone, and so will be this process.
  if (count === 0) process.exit(0);
  return buffer.subarray(0, count);
}

/** Tries again where the descriptor does not block. */
function retried(work: () => number): number {
  for (;;) {
    try {
      return work();
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
      if (code !== "EAGAIN" && code !== "EINTR") throw error;
      Bun.sleepSync(0.1);
    }
  }
}
