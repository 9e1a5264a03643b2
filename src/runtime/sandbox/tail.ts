const KEPT_BYTES = 2048;
/** A process that floods its stderr is read this often, so it waits for us and not we for it. */
const PACE_MS = 20;

/** Reads a stream to its end, slowly, and answers what its last 2 kB are so far. `onEnd` is called once there is no more. */
export function keepTail(
  stream: ReadableStream<Uint8Array>,
  onEnd: () => void = () => undefined,
): () => string {
  let tail = Buffer.alloc(0);
  const read = async (): Promise<void> => {
    for await (const chunk of stream) {
      tail = Buffer.concat([tail, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
      await new Promise((resolve) => void setTimeout(resolve, PACE_MS).unref());
    }
  };
  read().then(onEnd, onEnd); // however it ends
  return () => tail.toString();
}
