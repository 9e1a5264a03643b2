import type { ServerConfig } from "#base/config.ts";
import { fail, LandError } from "#base/errors.ts";
import { MAX_JSON_BYTES } from "#pack/json.ts";

/** Uploads: their routes read the body as it arrives, each with a limit of its own. */
const STREAMED: Readonly<Record<string, RegExp>> = {
  POST: /^\/(?:api\/v1\/packages|api\/v1\/sites\/[^/]+\/deploys\/[^/]+\/blobs|api\/deploy|sites\/[^/]+\/upload(?:\/folder)?)$/,
  PUT: /^\/api\/v1\/sites\/[^/]+\/(?:deploys\/[^/]+\/blobs\/sha256|kv)\/[^/]+$/,
};
/** Lists of a deploy's files: longer ones come in parts. */
const MANIFEST = /^\/api\/v1\/sites\/[^/]+\/deploys(?:\/[^/]+\/files)?$/;
/** Nobody without an account has more to say than a form: bodies are parsed before their route asks who sends them. */
const VISITOR_BYTES = 64 * 1024;

/** What decides how large a body may be. `isVisitor`: who sends it has no account. */
export type BodyAsk = { method: string; path: string; isVisitor: boolean };

/** The most bytes that a body at a path may have before the app sees it. */
export function bodyLimitOf(
  config: ServerConfig,
  { method, path, isVisitor }: BodyAsk,
): number | "streamed" {
  if (STREAMED[method]?.test(path)) return "streamed";
  const limitBytes = config["limits.bodyBytes"];
  if (isVisitor) return Math.min(limitBytes, VISITOR_BYTES);
  // No JSON is longer.
  return isManifest({ method, path }) ? Math.max(limitBytes, MAX_JSON_BYTES) : limitBytes;
}

function isManifest({ method, path }: Pick<BodyAsk, "method" | "path">): boolean {
  return method === "POST" && MANIFEST.test(path);
}

/**
 * The same request with a body of at most `limitBytes`. One that declares more is refused before it is read; one that
 * declares nothing (chunked) is read up to the limit here, because Elysia would buffer it without one.
 *
 * @throws payload_too_large, bad_request for a body cut short
 */
export async function limitBody(request: Request, limitBytes: number): Promise<Request> {
  if (request.method === "GET" || request.method === "HEAD" || !request.body) return request;
  const { method } = request;
  const inParts = isManifest({ method, path: URL.parse(request.url)?.pathname ?? "" });
  const tooLarge = (): LandError => fail("payload_too_large", { limitBytes, inParts });
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > limitBytes) throw tooLarge();
    return request;
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request.body) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > limitBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof LandError
      ? cause
      : fail("bad_request", { problem: "its body ends too early" }, { cause });
  }
  return new Request(request, { method: request.method, body: Buffer.concat(chunks) });
}
