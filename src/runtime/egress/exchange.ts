import { type IncomingMessage, request as requestOver } from "node:http";
import type { Socket } from "node:net";

import { printable } from "#base/names.ts";
import { BridgeError, MAX_HEAD_BYTES, MAX_HEADERS } from "#bridge/model.ts";

import { sendBody } from "./bodies.ts";
import type { Hop } from "./redirect.ts";
import { broken } from "./target.ts";

/** Room for what the bridge adds to a head. */
const HEAD_BYTES = MAX_HEAD_BYTES - 8 * 1024;

/** What is said and bounded of one request. */
export type ExchangeOptions = {
  signal: AbortSignal;
  bodyBytes: number;
  /** What Content-Length of the program says. */
  declared: number | undefined;
  onSent: (bytes: number) => void;
};

/**
 * Sends one request over a connection that is for it alone, and answers as soon as the head of the answer is there. Both ends
 * are closed with the signal, also later.
 *
 * Throws BridgeError egress_failed, egress_too_large
 */
export async function exchange(
  hop: Hop,
  socket: Socket,
  { signal, bodyBytes, declared, onSent }: ExchangeOptions,
): Promise<IncomingMessage> {
  const { target, method, headers, body } = hop;
  const what = target.authority;
  const length =
    body instanceof Uint8Array ? body.byteLength : body === null ? undefined : declared;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const end = (): void => void socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", end));
  try {
    const request = requestOver({
      createConnection: () => socket,
      setHost: false,
      method,
      path: target.url.pathname + target.url.search,
      maxHeaderSize: HEAD_BYTES,
      headers: [
        "host",
        what,
        "connection",
        "close",
        ...headers.flat(),
        ...(length === undefined ? [] : ["content-length", String(length)]),
      ],
    });
    request.once("response", resolve);
    request.once("upgrade", () => reject(broken(what, "it changed to another protocol")));
    request.on("error", (cause) => reject(errorOf(what, cause)));
    request.once("close", () => reject(broken(what, "the connection was closed")));
    void sendBody(request, body, {
      what,
      limitBytes: bodyBytes,
      declared: length,
      onBytes: onSent,
    });
    const message = await promise;
    if (message.rawHeaders.length > 2 * MAX_HEADERS - 8)
      throw broken(what, `its answer has more than ${MAX_HEADERS} headers`);
    return message;
  } catch (cause) {
    end();
    signal.throwIfAborted();
    throw errorOf(what, cause);
  }
}

function errorOf(what: string, cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  return broken(what, cause instanceof Error ? printable(cause.message) : "the connection failed");
}
