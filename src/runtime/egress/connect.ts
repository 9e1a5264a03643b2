import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";

import { printable } from "#base/names.ts";

import { broken, type Target } from "./target.ts";

/** A machine that does not answer is given up after this time where the name has another address. */
const ATTEMPT_MS = 5000;

/** How to connect. */
export type ConnectOptions = {
  signal: AbortSignal;
  /** Certificates that are trusted instead of the usual ones. */
  ca?: string | undefined;
};

/**
 * A connection to the first of some addresses that takes one. By https its certificate was verified against the name that was
 * asked for, whatever the address. The name is not resolved again.
 *
 * Throws BridgeError egress_failed; the signal's reason
 */
export async function connectTo(
  target: Target,
  addresses: readonly string[],
  options: ConnectOptions,
): Promise<Socket> {
  let problem = "it has no address";
  for (const [at, address] of addresses.entries()) {
    try {
      return await attempt(target, address, options, at < addresses.length - 1);
    } catch (cause) {
      options.signal.throwIfAborted();
      problem = cause instanceof Error ? printable(cause.message) : "the connection failed";
    }
  }
  throw broken(target.authority, problem);
}

function attempt(
  target: Target,
  address: string,
  { signal, ca }: ConnectOptions,
  isLimited: boolean,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const { host, port, isSecure, isAddress } = target;
  const socket = isSecure
    ? connectSecure({
        host: address,
        port,
        // An address is no server name: its certificate must name the address then.
        servername: isAddress ? "" : host,
        ALPNProtocols: ["http/1.1"],
        ...(ca !== undefined && { ca }),
      })
    : connectPlain({ host: address, port });
  const giveUp = (): void => void socket.destroy(new Error("it does not answer"));
  const timer = isLimited ? setTimeout(giveUp, ATTEMPT_MS) : undefined;
  signal.addEventListener("abort", giveUp, { once: true });
  socket.once(isSecure ? "secureConnect" : "connect", () => resolve(socket));
  // For good: an error that nobody listens to would end the server.
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("the connection was closed")));
  if (signal.aborted) giveUp();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  });
}
