import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";

import type { Coding } from "./serve-encoding.ts";
import type { CompressReply, CompressRequest } from "./variants-compress.ts";

/** The thread that codes files: answers each request with the bytes, undefined where they are not worth keeping, or an error's text. */
declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<CompressRequest>) => {
  void answer(data).then((reply) => {
    const transfer = "bytes" in reply && reply.bytes ? [reply.bytes.buffer] : [];
    self.postMessage(reply, transfer);
    return undefined;
  });
});

async function answer({
  id,
  path,
  coding,
  level,
  maxShare,
}: CompressRequest): Promise<CompressReply> {
  try {
    const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
    const coded = code(bytes, coding, level);
    return { id, bytes: coded.byteLength < bytes.byteLength * maxShare ? coded : undefined };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

function code(bytes: Uint8Array, coding: Coding, level: number): Uint8Array<ArrayBuffer> {
  if (coding === "gzip") return new Uint8Array(gzipSync(bytes, { level }));
  if (coding === "zstd")
    return new Uint8Array(
      zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
    );
  return new Uint8Array(
    brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: level,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
      },
    }),
  );
}
