/** Characters of an id: nine bytes in base64url. */
const ID_CHARS = 12;
/** Bytes of as many ids as are made of one look at the source of random bytes. */
const BYTES_AT_ONCE = 9 * 64;

/** Makes ids of requests: text of 12 characters, never the same twice. */
export function createRequestIds(random: (bytes: number) => Uint8Array): () => string {
  let text = "";
  let at = 0;
  return () => {
    if (at === text.length) {
      text = Buffer.from(random(BYTES_AT_ONCE)).toString("base64url");
      at = 0;
    }
    at += ID_CHARS;
    return text.slice(at - ID_CHARS, at);
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
