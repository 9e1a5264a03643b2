/** One end of a pipe: what Bun's sockets have of use here. */
export type End = {
  /** Bytes taken, fewer than given where the other side reads slowly; negative where the socket is closed. */
  write: (data: Uint8Array) => number;
  pause: () => void;
  resume: () => void;
  end: () => unknown;
  terminate: () => void;
};

/** One direction between two sockets, with back pressure. */
export type Pipe = {
  /** Hands bytes on. Where they are not taken at once, `from` is not read until they are. */
  push: (data: Buffer) => void;
  /** `to` takes bytes again. */
  drain: () => void;
  /** `from` is at its end: `to` ends when it has everything, or breaks off when it takes nothing for `stallMs`. */
  finish: () => void;
  /** Forgets what is left. */
  drop: () => void;
};

/** Joins two sockets in one direction. */
export function createPipe(from: End, to: End, stallMs: number): Pipe {
  let waiting: Buffer[] = [];
  let finished = false;
  let stalled: ReturnType<typeof setTimeout> | undefined;

  /** After the end of `from`: ends `to` once it has everything. */
  function settle(): void {
    clearTimeout(stalled);
    if (waiting.length === 0) to.end();
    else stalled = setTimeout(() => to.terminate(), stallMs);
  }

  function flush(): void {
    while (waiting[0]) {
      const [next] = waiting;
      const taken = Math.max(0, to.write(next));
      if (taken < next.length) {
        waiting[0] = next.subarray(taken);
        return;
      }
      waiting.shift();
    }
  }

  return {
    push(data) {
      const taken = waiting.length === 0 ? Math.max(0, to.write(data)) : 0;
      if (taken === data.length) return;
      waiting.push(data.subarray(taken));
      from.pause();
    },
    drain() {
      if (waiting.length === 0) return;
      flush();
      if (finished) settle();
      else if (waiting.length === 0) from.resume();
    },
    finish() {
      finished = true;
      settle();
    },
    drop() {
      finished = true;
      clearTimeout(stalled);
      waiting = [];
    },
  };
}
