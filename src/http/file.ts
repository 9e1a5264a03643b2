import { type BunFile } from "bun";

import { hasCurrentCopy, mayContinue, notModified } from "./etag.ts";

/** A file as it is offered. */
export type Offer = {
  file: BunFile;
  sizeBytes: number;
  /** Strong: the same tag means the same bytes. */
  etag: string;
  type: string;
  /** What the caller's disk may call it. */
  filename: string;
  cacheControl: string;
};

/** The part of a file that a `Range` asks for: its first and last byte; whole: all of it; none: nothing that is there. */
export type Cut = "whole" | "none" | { first: number; last: number };

/** Answers GET and HEAD of a file: 200, 206 for one range, 304, or 416. The bytes stream from disk. */
export function fileResponse(request: Request, offer: Offer): Response {
  const { file, sizeBytes, etag } = offer;
  const headers = headersOf(offer);
  if (hasCurrentCopy(request, etag)) return notModified(headers);
  const cut = mayContinue(request, etag)
    ? parseRangeHeader(request.headers.get("range"), sizeBytes)
    : "whole";
  const isHead = request.method === "HEAD";
  // RFC 9110 section 14.2 defines Range for GET alone.
  if (cut === "whole" || isHead) {
    const length = { ...headers, "content-length": String(sizeBytes) };
    return new Response(isHead ? null : file, { headers: length });
  }
  if (cut === "none")
    return new Response(null, {
      status: 416,
      headers: { "content-range": `bytes */${sizeBytes}`, "accept-ranges": "bytes" },
    });
  const { first, last } = cut;
  return new Response(file.slice(first, last + 1), {
    status: 206,
    headers: {
      ...headers,
      "content-range": `bytes ${first}-${last}/${sizeBytes}`,
      "content-length": String(last - first + 1),
    },
  });
}

/**
 * What to send for a `Range` header. Several ranges, another unit and whatever breaks the grammar mean the whole file,
 * which RFC 9110 section 14.2 allows: an archive has no reader that wants it in scraps.
 */
export function parseRangeHeader(header: string | null, sizeBytes: number): Cut {
  const [, from = "", to = ""] =
    /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? "") ?? [];
  if (from === "" && to === "") return "whole";
  if (from === "") {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? "none" : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return "whole";
  if (first >= sizeBytes) return "none";
  return { first, last: to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) };
}

function headersOf({ etag, type, filename, cacheControl }: Offer): Record<string, string> {
  return {
    etag,
    "content-type": type,
    "content-disposition": `attachment; filename="${safeName(filename)}"`,
    "cache-control": cacheControl,
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  };
}

/** Nothing that ends the quoted text, begins a folder or leaves ASCII. */
function safeName(filename: string): string {
  return filename.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "file";
}
