const lengths = new WeakMap<ReadableStream, number>();

/** Remembers how many bytes come out of a stream, as long as nobody changes it. */
export function knowLength(stream: ReadableStream, bytes: number): void {
  lengths.set(stream, bytes);
}

/** How many bytes come out of a stream; undefined where that is not known. */
export function lengthOf(stream: ReadableStream): number | undefined {
  return lengths.get(stream);
}
