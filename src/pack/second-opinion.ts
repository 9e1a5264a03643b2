/**
 * A Worker that reads archives with tar-rs, for `second-reader.ts` to compare. It is synchronous there: in a thread of
 * its own it blocks nobody.
 */
import type { OpinionAnswer, OpinionRequest, SeenFile } from "./second-reader.ts";

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<OpinionRequest>) => {
  const { id } = event.data;
  void readArchive(event.data).then((answer) => self.postMessage({ id, ...answer }));
});

async function readArchive(request: OpinionRequest): Promise<OpinionAnswer> {
  let library: typeof import("@napi-rs/tar");
  try {
    library = await import("@napi-rs/tar");
  } catch (error) {
    return { broken: String(error) };
  }
  try {
    return { files: listFiles(new library.Archive(request.path).entries(), request) };
  } catch (error) {
    return { problem: String(error) };
  }
}

/** The types as tar-rs numbers them; the library exports them as a `const enum` only. */
const REGULAR = 0;
const DIRECTORY = 5;
const GLOBAL_HEADER = 11;

function listFiles(
  entries: import("@napi-rs/tar").Entries,
  { maxEntries, maxHashedBytes }: OpinionRequest,
): SeenFile[] {
  const files: SeenFile[] = [];
  let count = 0;
  for (const entry of entries) {
    const header = entry.header();
    const type: number = header.entryType();
    if (type === DIRECTORY || type === GLOBAL_HEADER) continue;
    if (++count > maxEntries) throw new Error("more entries than allowed");
    const size = Number(header.entrySize());
    const content = size <= maxHashedBytes ? entry.asBytes() : undefined;
    files.push({
      path: type === REGULAR ? String(entry.path()) : `type ${type}`,
      sizeBytes: content?.length ?? size,
      sha256: content ? new Bun.CryptoHasher("sha256").update(content).digest("hex") : "",
    });
  }
  return files;
}
