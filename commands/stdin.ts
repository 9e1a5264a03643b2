import { fail } from "#base/errors.ts";

import type { Context } from "./context.ts";

/** All that stands on stdin. `what` words the refusal of more than `maxBytes`: "the password". @throws usage */
export async function readStdin(
  { world: { stdin } }: Context,
  { what, maxBytes }: { what: string; maxBytes: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > maxBytes)
      throw fail("usage", {
        problem: `Cannot read ${what}: stdin holds more than ${maxBytes} bytes`,
      });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
