import zlib from "node:zlib";

/** What came of unpacking: bytes that came out, and packed bytes that belonged to the data. */
export type Inflated = { bytes: number; consumed: number };

/**
 * Unpacks raw deflate data from `from` on into `room`, as far as there is room, and much sooner than by making a stream or a buffer
 * for each. Undefined where the data is damaged. What ends too early is not told from what ends there.
 */
export function inflateInto(
  packed: Uint8Array,
  from: number,
  room: Uint8Array,
): Inflated | undefined {
  const { handle, state } = (kept ??= openHandle());
  let isDamaged = false;
  Reflect.set(handle, "onerror", () => (isDamaged = true));
  handle.reset();
  const packedBytes = packed.length - from;
  handle.writeSync(NO_FLUSH, packed, from, packedBytes, room, 0, room.length);
  if (isDamaged) return undefined;
  const [roomLeft = 0, packedLeft = 0] = state;
  return { bytes: room.length - roomLeft, consumed: packedBytes - packedLeft };
}

const NO_FLUSH = 0;

/** That of this thread: its tables are made once. */
let kept: { handle: Handle; state: Uint32Array } | undefined;

/** What lies below each stream of zlib: the way that `zlib.inflateRawSync` works, too. It tells of errors by calling its `onerror`. */
type Handle = {
  reset: () => void;
  /** Leaves in the stream's state how much room, and how much of the packed data, is left. */
  writeSync: (
    flush: number,
    packed: Uint8Array,
    from: number,
    packedBytes: number,
    room: Uint8Array,
    at: number,
    roomBytes: number,
  ) => void;
};

function openHandle(): NonNullable<typeof kept> {
  const stream: object = zlib.createInflateRaw();
  if ("_handle" in stream && "_writeState" in stream) {
    const { _handle: handle, _writeState: state } = stream;
    if (isHandle(handle) && state instanceof Uint32Array && state.length === 2)
      return { handle, state };
  }
  throw new TypeError("zlib is another than this was made for");
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== "object" || value === null) return false;
  return "writeSync" in value && "reset" in value && "onerror" in value;
}
