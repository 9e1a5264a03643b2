import { knowLength } from "./stream-lengths.ts";

/** Replaces what of the web's globals cannot work here as it stands. */
export function installWebGlobals(guestFetch: typeof fetch): void {
  set("fetch", guestFetch);
  set("WebSocket", refused("WebSocket", "the server holds the sockets of a site's visitors"));
  set("EventSource", refused("EventSource", "read the stream of a `fetch` instead"));
  set("caches", { default: NO_CACHE, open: async () => NO_CACHE });
  Object.defineProperty(navigator, "userAgent", { value: "land", configurable: true });
  set("IdentityTransformStream", class extends TransformStream {});
  set("FixedLengthStream", FixedLengthStream);
  set("scheduler", { wait: (ms: number) => new Promise((done) => void setTimeout(done, ms)) });
  const sameBytes = crypto.timingSafeEqual.bind(crypto);
  Object.defineProperty(crypto.subtle, "timingSafeEqual", { value: sameBytes });
}

/** Passes so many bytes on, and its reader may know how many; it fails where there are more or less. */
class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number | bigint) {
    let left = Number(length);
    const wrong = (): TypeError => new TypeError(`The stream is not ${length} bytes long`);
    super({
      transform(chunk, controller) {
        left -= chunk.byteLength;
        if (left < 0) throw wrong();
        controller.enqueue(chunk);
      },
      flush() {
        if (left > 0) throw wrong();
      },
    });
    knowLength(this.readable, Number(length));
  }
}

function set(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

function refused(name: string, instead: string): object {
  return function construct(): never {
    throw new TypeError(`${name} cannot be opened by a program: ${instead}`);
  };
}

/** A cache that keeps nothing, as one may at any time. */
const NO_CACHE = {
  match: async (): Promise<undefined> => undefined,
  put: async (_request: unknown, response: unknown): Promise<void> => {
    if (response instanceof Response) await response.body?.cancel();
  },
  delete: async (): Promise<boolean> => false,
};
