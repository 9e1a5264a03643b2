/** Bytes of one id, and how many are made of one look at the source of random bytes. */
const ID_BYTES = 9;
const IDS_AT_ONCE = 64;

/** Makes ids of requests: text of 12 characters, never the same twice. */
export function createRequestIds(random: (bytes: number) => Uint8Array): () => string {
  let bytes = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === bytes.length) {
      bytes = Buffer.from(random(ID_BYTES * IDS_AT_ONCE));
      at = 0;
    }
    at += ID_BYTES;
    return bytes.toString("base64url", at - ID_BYTES, at);
  };
}

const ids = new WeakMap<Request, string>();

/** Gives a request the id that its answer, its log line and its problem document carry. */
export function setRequestId(request: Request, id: string): void {
  ids.set(request, id);
}

/** The id of a request, or undefined where the server gave it none. */
export function requestIdOf(request: Request): string | undefined {
  return ids.get(request);
}
