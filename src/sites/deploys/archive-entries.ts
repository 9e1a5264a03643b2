import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type ByteReader, createByteReader } from "#pack/byte-reader.ts";
import { readEntry, type TarEntry } from "#pack/tar-entries.ts";
import { BLOCK } from "#pack/tar-header.ts";

/**
 * Reads a tar as it arrives and hands over each file and folder in order; what `visit` leaves unread of a content is skipped.
 * Names are decoded but not judged. When it resolves, the tar had a proper end and nothing after it.
 *
 * @throws archive_invalid and archive_too_large, both naming the entry
 */
export async function walkTar(
  chunks: AsyncIterable<Uint8Array>,
  visit: (entry: TarEntry, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const reader = createByteReader(iterator);
    for (let entry = await readEntry(reader); entry; entry = await readEntry(reader)) {
      const left = { bytes: entry.sizeBytes };
      await visit(entry, take(reader, entry, left));
      await skip(reader, entry, left);
      await skip(reader, entry, { bytes: (BLOCK - (entry.sizeBytes % BLOCK)) % BLOCK });
    }
  } finally {
    await iterator.return?.();
  }
}

async function* take(
  reader: ByteReader,
  { name }: TarEntry,
  left: { bytes: number },
): AsyncGenerator<Uint8Array> {
  while (left.bytes > 0) {
    const piece = await reader.some(left.bytes);
    if (piece.length === 0) throw refuseEntry(name, "is truncated");
    left.bytes -= piece.length;
    yield piece;
  }
}

async function skip(reader: ByteReader, entry: TarEntry, left: { bytes: number }): Promise<void> {
  for await (const _ of take(reader, entry, left));
}

/** A refusal of an archive that names the entry. */
export function refuseEntry(name: string, problem: string): LandError {
  return fail("archive_invalid", { entry: printable(name), problem });
}
