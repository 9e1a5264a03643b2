/** Reads a stream of chunks in pieces of given sizes, holding one chunk at a time. */
export type ByteReader = {
  /** Exactly `size` bytes, fewer only where the stream ends. */
  take: (size: number) => Promise<Uint8Array>;
  /** The next bytes at hand, at most `size`; empty where the stream ended. Not copied. */
  some: (size: number) => Promise<Uint8Array>;
  /** Exactly `size` bytes where all of them are at hand: what need not be waited for. Not copied. */
  now: (size: number) => Uint8Array | undefined;
};

/** Makes the reader. The caller closes the iterator. */
export function createByteReader(chunks: AsyncIterator<Uint8Array>): ByteReader {
  let chunk: Uint8Array = NOTHING;
  let at = 0;

  const some = async (size: number): Promise<Uint8Array> => {
    while (at === chunk.length) {
      const next = await chunks.next();
      // Who makes the chunks may take back the memory of one when the next is asked for.
      chunk = next.done === true ? NOTHING : next.value;
      at = 0;
      if (next.done === true) return chunk;
    }
    const piece = chunk.subarray(at, at + size);
    at += piece.length;
    return piece;
  };

  return {
    some,
    now(size) {
      if (chunk.length - at < size) return undefined;
      at += size;
      return chunk.subarray(at - size, at);
    },
    async take(size) {
      const first = await some(size);
      if (first.length === size || first.length === 0) return first;
      const whole = new Uint8Array(size);
      let filled = 0;
      for (let piece = first; piece.length > 0; piece = await some(size - filled)) {
        whole.set(piece, filled);
        filled += piece.length;
        if (filled === size) break;
      }
      return whole.subarray(0, filled);
    },
  };
}

/** Reads bytes that are all at hand as a `ByteReader` reads a stream, without waiting. Nothing is copied. */
export type NowReader = Pick<ByteReader, "now"> & {
  take: (size: number) => Uint8Array;
  some: (size: number) => Uint8Array;
  /** Passes over so many bytes. False where there are fewer. */
  skip: (size: number) => boolean;
};

/** Makes the reader of bytes that are at hand. */
export function createNowReader(bytes: Uint8Array): NowReader {
  let at = 0;
  const some = (size: number): Uint8Array => {
    const piece = bytes.subarray(at, at + size);
    at += piece.length;
    return piece;
  };
  return {
    take: some,
    some,
    now: (size) => (bytes.length - at < size ? undefined : some(size)),
    skip(size) {
      if (bytes.length - at < size) return false;
      at += size;
      return true;
    },
  };
}

const NOTHING = new Uint8Array(0);
