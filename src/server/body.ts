import { fail } from "#base/errors.ts";

/**
 * The same request with a body of at most `limitBytes`. One that declares more is refused before it is read; one that
 * declares nothing (chunked) is read up to the limit here, because Elysia would buffer it without one.
 *
 * @throws payload_too_large
 */
export async function limitBody(request: Request, limitBytes: number): Promise<Request> {
  if (request.method === "GET" || request.method === "HEAD" || !request.body) return request;
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > limitBytes) throw fail("payload_too_large", { limitBytes });
    return request;
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw fail("payload_too_large", { limitBytes });
    chunks.push(chunk);
  }
  return new Request(request, { method: request.method, body: Buffer.concat(chunks) });
}
