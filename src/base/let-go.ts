/**
 * Gives the memory of these bytes back at once, where they are all that lies in it; they are gone then. Left to itself, the runtime
 * keeps what was read and unpacked until there is much of it, since it counts objects and not what they hold.
 */
export function letGo({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength)
    buffer.transfer(0);
}
