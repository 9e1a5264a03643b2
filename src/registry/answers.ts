import { chooseEncoding, type Encoding } from "#http/encoding.ts";
import { hasCurrentCopy, notModified } from "#http/etag.ts";
import { fileResponse } from "#http/file.ts";
import { announceLength } from "#http/head.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Archive } from "./archive.ts";
import type { Body } from "./documents.ts";

/** Caches may keep it but must ask each time; where reading needs an account, only the caller's own cache. */
function cacheControl(ctx: Ctx): string {
  return ctx.config.access === "members" ? "private, no-cache" : "no-cache";
}

/** Answers JSON that has an ETag: 200 or 304. */
export function jsonAnswer(ctx: Ctx, request: Request, body: Body): Response {
  return bodyAnswer(request, body, {
    "content-type": "application/json;charset=utf-8",
    "cache-control": cacheControl(ctx),
    vary: "authorization, cookie",
  });
}

/** Answers an index in the coding it was made in: 200 or 304. */
export function indexAnswer(ctx: Ctx, request: Request, body: Body, encoding: Encoding): Response {
  return bodyAnswer(request, body, {
    "content-type": "application/x-ndjson",
    "cache-control": cacheControl(ctx),
    vary: "accept-encoding, authorization, cookie",
    ...(encoding !== "identity" && { "content-encoding": encoding }),
  });
}

/** The coding that the caller of an index wants. */
export function encodingOf(request: Request): Encoding {
  return chooseEncoding(request.headers.get("accept-encoding"));
}

/**
 * Answers an archive and counts it, unless it is asked for anew or further on. `address` tells whether the address asked
 * for means these bytes for ever, or may mean others tomorrow, as that of a tag or a range does.
 */
export function archiveAnswer(
  ctx: Ctx,
  request: Request,
  { name, version, offer }: Archive,
  address: "stays" | "moves",
): Response {
  const shared = ctx.config.access === "members" ? "private" : "public";
  const response = fileResponse(request, {
    ...offer,
    cacheControl:
      address === "stays" ? `${shared}, max-age=31536000, immutable` : cacheControl(ctx),
  });
  const { status, headers } = response;
  if (request.method === "HEAD" && status === 200) return announceLength(headers, offer.sizeBytes);
  const fromStart = status === 200 || headers.get("content-range")?.startsWith("bytes 0-");
  if (request.method === "GET" && fromStart)
    ctx.hooks.emit("version.downloaded", { name, version });
  return response;
}

function bodyAnswer(
  request: Request,
  { bytes, etag }: Body,
  about: Record<string, string>,
): Response {
  const headers = { ...about, etag };
  if (hasCurrentCopy(request, etag)) return notModified(headers);
  return new Response(bytes, { headers });
}

/** Answers what is made piece by piece, as fast as it is taken. */
export function streamAnswer(
  type: string,
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  caching = "no-store",
): Response {
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 256 * 1024 }),
  );
  return new Response(body, { headers: { "content-type": type, "cache-control": caching } });
}
