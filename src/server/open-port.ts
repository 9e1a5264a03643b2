import { fail } from "#base/errors.ts";
import { errorCode } from "#store/files.ts";

/**
 * What `open` answers when it listens at a port of a host, which it gets without the brackets of an IPv6 address.
 *
 * @throws address_in_use, whatever kept `open` from listening
 */
export function openPort<T>(host: string, port: number, open: (hostname: string) => T): T {
  try {
    return open(host.replace(/^\[|\]$/g, ""));
  } catch (cause) {
    throw fail(
      "address_in_use",
      { address: `${host}:${port}`, problem: problemOf(cause) },
      { cause },
    );
  }
}

function problemOf(cause: unknown): string {
  if (errorCode(cause) === "EADDRINUSE") return "another program has it";
  return cause instanceof Error ? cause.message : String(cause);
}
