/**
 * The answer to HEAD of something large, for a route of Elysia: it answers HEAD by the GET handler and reads the whole body
 * to learn its length. This body has no bytes but one chunk that tells the length, so nothing is read from disk.
 *
 * @see https://github.com/elysiajs/elysia `getResponseLength` in utils.ts, which adds up `byteLength`
 */
export function announceLength(headers: Headers, sizeBytes: number): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue({ byteLength: sizeBytes });
      controller.close();
    },
  });
  return new Response(body, { headers });
}
