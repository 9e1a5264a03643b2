import type { Ctx } from "#store/ctx.ts";

import { isCompressible } from "../rules/types.ts";
import type { ManifestFile } from "./load-manifest.ts";
import type { Bodies, Sent } from "./serve-bodies.ts";
import type { Preference } from "./serve-encoding.ts";
import { plainResponse } from "./serve-pages.tsx";
import { type ByteRange, lengthOf, multipartOf, parseRanges } from "./serve-ranges.ts";
import {
  lastModified,
  mayContinue,
  tagOf,
  type Validated,
  weighConditions,
} from "./serve-validators.ts";
import { MAX_VARIANT_BYTES, MIN_VARIANT_BYTES } from "./variants.ts";

/** A file that answers a request. */
export type FileAsk = {
  request: Request;
  file: ManifestFile;
  status: number;
  /** All but those of the bytes. */
  headers: Headers;
  changedAtMs: number;
  preference: Preference;
};

/** An answer, and what was sent where it is the plain whole file. */
export type FileAnswer = { response: Response; bytes: number; whole: Sent | undefined };

/** What of the server an answer needs. */
type Clock = Pick<Ctx, "now" | "random">;

/** Parts of a large file that are put together in memory. */
const MAX_PARTS_BYTES = 2 * 1024 * 1024;
/** What tells of the bytes of one answer and not of the file. */
const OF_BYTES = ["content-type", "content-encoding", "content-length", "accept-ranges"];

/** Answers GET and HEAD of a file: whole, parts, 304, 412 or 416. Rejects where its bytes are gone. */
export async function answerFile(ctx: Clock, bodies: Bodies, ask: FileAsk): Promise<FileAnswer> {
  const { request, file, status, headers, preference } = ask;
  const mayCode = isCodedSize(file) && isCompressible(headers.get("content-type") ?? "");
  if (status !== 200) {
    if (mayCode) varyByCoding(headers);
    return sendWhole(ask, await bodies.read(file, preference.order, mayCode));
  }
  const { changedAtMs } = ask;
  if (mayCode) varyByCoding(headers);
  takeRanges(headers);
  headers.set("last-modified", lastModified(changedAtMs, ctx.now().getTime()));
  const plain: Validated = {
    digest: file.digest,
    coding: "identity",
    isFast: false,
    changedAtMs: ask.changedAtMs,
    taken: preference.order,
  };
  const wantsParts = request.method === "GET" && request.headers.has("range");
  const takesPlain = !mayCode || preference.order.includes("identity");
  const cut =
    wantsParts && takesPlain && mayContinue(request.headers, plain)
      ? parseRanges(request.headers.get("range"), file.sizeBytes)
      : "whole";
  const sent = await bodies.read(file, preference.order, mayCode && cut === "whole");
  const validated = { ...plain, coding: sent.coding, isFast: sent.isFast };
  headers.set("etag", tagOf(validated));
  const outcome = weighConditions(request.headers, validated);
  if (outcome.kind === "failed") return empty(plainResponse(request, 412));
  if (outcome.kind === "current") {
    headers.set("etag", outcome.tag);
    return empty(new Response(null, { status: 304, headers: headersOfCopy(headers) }));
  }
  if (cut === "whole") return sendWhole(ask, sent);
  return cut === "none" ? notSatisfiable(ask) : sendParts(ctx, ask, sent, cut);
}

/** Tells that a file is sent in several codings. */
export function varyByCoding(headers: Headers): void {
  headers.append("vary", "Accept-Encoding");
}

/** Tells that parts of a file may be asked for. */
export function takeRanges(headers: Headers): void {
  headers.set("accept-ranges", "bytes");
}

/** Tells how the whole file is coded, and its tag, which comes out. The length of what is in memory Bun tells. */
export function tagCoded(
  headers: Headers,
  { digest }: Pick<ManifestFile, "digest">,
  { coding, isFast }: Sent,
): string {
  const tag = tagOf({ digest, coding, isFast });
  headers.set("etag", tag);
  if (coding !== "identity") headers.set("content-encoding", coding);
  return tag;
}

function describeBytes(headers: Headers, { coding, sizeBytes }: Sent): void {
  if (coding !== "identity") headers.set("content-encoding", coding);
  headers.set("content-length", String(sizeBytes));
}

/** Whether a file of a Content-Type that gets smaller may be sent in several codings. */
export function isCodedSize({ sizeBytes }: Pick<ManifestFile, "sizeBytes">): boolean {
  return sizeBytes >= MIN_VARIANT_BYTES && sizeBytes <= MAX_VARIANT_BYTES;
}

/** The headers of a 304: all that a kept copy should be told anew. @see RFC 9110 section 15.4.5 */
export function headersOfCopy(of: Headers): Headers {
  const headers = new Headers(of);
  for (const name of OF_BYTES) headers.delete(name);
  return headers;
}

function empty(response: Response): FileAnswer {
  return { response, bytes: 0, whole: undefined };
}

function sendWhole({ request, status, headers }: FileAsk, sent: Sent): FileAnswer {
  describeBytes(headers, sent);
  if (!("kept" in sent.body)) nameNothing(headers);
  if (request.method === "HEAD") return empty(new Response(null, { status, headers }));
  const body = inMemory(sent) ?? diskBody(request, sent);
  const response = new Response(body, { status, headers });
  return { response, bytes: sent.sizeBytes, whole: sent };
}

/** Of itself Bun tells the name of a file on disk, which is its digest, as that of a download. */
function nameNothing(headers: Headers): void {
  if (!headers.has("content-disposition")) headers.set("content-disposition", "inline");
}

function inMemory({ body }: Sent): Blob | undefined {
  return "kept" in body ? body.blob : undefined;
}

/** Bun cuts the ranges of a request out of every answer with a file, also where they must be ignored: a stream it leaves alone. */
function diskBody(request: Request, { body }: Sent): Blob | ReadableStream | undefined {
  if ("kept" in body) return undefined;
  return request.headers.has("range") ? body.stream() : body;
}

function notSatisfiable({ request, file }: FileAsk): FileAnswer {
  const headers = { "content-range": `bytes */${file.sizeBytes}`, "accept-ranges": "bytes" };
  return empty(plainResponse(request, 416, headers));
}

async function sendParts(
  ctx: Clock,
  ask: FileAsk,
  sent: Sent,
  ranges: readonly ByteRange[],
): Promise<FileAnswer> {
  const { headers, file } = ask;
  const [first] = ranges;
  if (!("kept" in sent.body)) nameNothing(headers);
  const source = "kept" in sent.body ? sent.body.blob : sent.body;
  const total = ranges.reduce((sum, range) => sum + lengthOf(range), 0);
  if (!first || (ranges.length > 1 && total > MAX_PARTS_BYTES)) return sendWhole(ask, sent);
  if (ranges.length === 1) {
    headers.set("content-range", `bytes ${first.first}-${first.last}/${file.sizeBytes}`);
    headers.set("content-length", String(total));
    const part = source.slice(first.first, first.last + 1);
    return partial(new Response(part, { status: 206, headers }), total);
  }
  const boundary = Buffer.from(ctx.random(15)).toString("base64url");
  const type = headers.get("content-type") ?? "application/octet-stream";
  const { pieces, sizeBytes } = multipartOf(ranges, { boundary, type, sizeBytes: file.sizeBytes });
  const parts = await Promise.all(
    pieces.map(async (piece) =>
      typeof piece === "string" ? piece : source.slice(piece.first, piece.last + 1).bytes(),
    ),
  );
  headers.set("content-type", `multipart/byteranges; boundary=${boundary}`);
  headers.set("content-length", String(sizeBytes));
  return partial(new Response(new Blob(parts), { status: 206, headers }), sizeBytes);
}

function partial(response: Response, bytes: number): FileAnswer {
  return { response, bytes, whole: undefined };
}
