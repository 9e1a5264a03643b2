/** Reads a stream of chunks in pieces of given sizes, holding one chunk at a time. */
export type ByteReader = {
  /** Exactly `size` bytes, fewer only where the stream ends. */
  take: (size: number) => Promise<Uint8Array>;
  /** The next bytes at hand, at most `size`; empty where the stream ended. Not copied. */
  some: (size: number) => Promise<Uint8Array>;
};

/** Makes the reader. The caller closes the iterator. */
export function createByteReader(chunks: AsyncIterator<Uint8Array>): ByteReader {
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;

  const some = async (size: number): Promise<Uint8Array> => {
    while (at === chunk.length) {
      const next = await chunks.next();
      if (next.done === true) return new Uint8Array(0);
      chunk = next.value;
      at = 0;
    }
    const piece = chunk.subarray(at, at + size);
    at += piece.length;
    return piece;
  };

  return {
    some,
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
