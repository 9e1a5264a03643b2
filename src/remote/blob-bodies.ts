import { join } from "node:path";

import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { END_BYTES, padded, tarHeader } from "#pack/tar-write.ts";

import type { Transport, Watch } from "./network.ts";

/** Content to send, and the file that has it. */
export type Blob = {
  /** Lower case hex. */
  sha256: string;
  sizeBytes: number;
  /** The folder, and the file below it. */
  dir: string;
  onDisk: string;
  /** As it is named in the deploy. */
  path: string;
  /** The content itself, where it lies in no file. */
  content?: Uint8Array<ArrayBuffer>;
};

/** A body whose size is known before it goes out. */
export type Body = {
  sizeBytes: number;
  /** `onMoved` is told the bytes so far. */
  open: (watch: Watch, onMoved: (bytes: number) => void) => ReadableStream<Uint8Array>;
};
/** A body, and why it could not be sent to its end where that lies with us. */
export type Sendable = { body: Body; failure: { error?: LandError } };

const PIECE_BYTES = 131_072;
/** How long the other side may take to store what it got. */
const STORING_FACTOR = 4;

type Times = Pick<Transport, "idleTimeoutMs" | "answerTimeoutMs">;

/**
 * Blobs as a tar, whose entries are named by their digests. Each file is hashed once more as it is read.
 *
 * @throws deploy_changed
 */
export async function tarBody(
  blobs: readonly Blob[],
  times: Times,
  state: { stopped: boolean },
): Promise<Sendable> {
  const headers = blobs.map(({ sha256, sizeBytes }) =>
    tarHeader({ path: sha256, sizeBytes, executable: false }),
  );
  const sizeBytes = blobs.reduce(
    (sum, blob, at) => sum + (headers[at]?.length ?? 0) + padded(blob.sizeBytes),
    END_BYTES,
  );
  const tar = Buffer.alloc(sizeBytes);
  let at = 0;
  for (const [index, blob] of blobs.entries()) {
    const header = headers[index] ?? new Uint8Array();
    tar.set(header, at);
    tar.set(await readBlob(blob), at + header.length);
    at += header.length + padded(blob.sizeBytes);
  }
  const open: Body["open"] = (watch, onMoved) => {
    let sent = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (state.stopped) throw fail("cancelled", {});
          const piece = tar.subarray(sent, sent + PIECE_BYTES);
          sent += piece.length;
          watch.next(
            sent < tar.length ? times.idleTimeoutMs : times.answerTimeoutMs * STORING_FACTOR,
          );
          controller.enqueue(piece);
          onMoved(sent);
          if (sent >= tar.length) controller.close();
        },
      },
      { highWaterMark: 1 },
    );
  };
  return { body: { sizeBytes, open }, failure: {} };
}

async function readBlob(blob: Blob): Promise<Uint8Array> {
  const bytes = await sourceOf(blob)
    .bytes()
    .catch((cause: unknown) => {
      throw changed(blob, cause);
    });
  if (bytes.length !== blob.sizeBytes || Bun.SHA256.hash(bytes, "hex") !== blob.sha256)
    throw changed(blob);
  return bytes;
}

/**
 * One file, read as it goes out. Its last piece is held back until its checksum is seen to be right, so that a file that changed
 * on the way never arrives whole; `failure` says so then.
 */
export function fileBody(blob: Blob, times: Times, state: { stopped: boolean }): Sendable {
  const failure: Sendable["failure"] = {};
  const open: Body["open"] = (watch, onMoved) => {
    const pieces = checkedPieces(blob);
    let sent = 0;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (state.stopped) throw fail("cancelled", {});
          try {
            const next = await pieces.next();
            if (next.done) {
              watch.next(times.answerTimeoutMs * STORING_FACTOR);
              controller.close();
              return;
            }
            watch.next(times.idleTimeoutMs);
            controller.enqueue(next.value);
            sent += next.value.length;
            onMoved(sent);
          } catch (cause) {
            failure.error = changed(blob, cause);
            throw failure.error;
          }
        },
        cancel: () => void pieces.return(),
      },
      { highWaterMark: 1 },
    );
  };
  return { body: { sizeBytes: blob.sizeBytes, open }, failure };
}

async function* checkedPieces(blob: Blob): AsyncGenerator<Uint8Array, void> {
  const hasher = new Bun.CryptoHasher("sha256");
  let held: Uint8Array | undefined;
  let sizeBytes = 0;
  for await (const piece of sourceOf(blob).stream()) {
    hasher.update(piece);
    sizeBytes += piece.length;
    if (sizeBytes > blob.sizeBytes) throw changed(blob);
    if (held) yield held;
    held = piece;
  }
  if (sizeBytes !== blob.sizeBytes || hasher.digest("hex") !== blob.sha256) throw changed(blob);
  if (held) yield held;
}

function sourceOf({ content, dir, onDisk }: Blob): globalThis.Blob {
  return content ? new globalThis.Blob([content]) : Bun.file(join(dir, onDisk));
}

function changed({ path }: Blob, cause?: unknown): LandError {
  return fail("deploy_changed", { path: printable(path) }, { cause });
}
