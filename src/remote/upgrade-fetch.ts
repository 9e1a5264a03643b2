import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import { dropBody, readBody } from "./answer.ts";
import { isLasting, type Transport, type Watch, watchConnecting, watchRequest } from "./network.ts";
import type { ReleaseFile } from "./release.ts";
import { rangeFrom, receiveRest } from "./resume.ts";
import { type Try, withRetry } from "./retry.ts";

const MANIFEST_BYTES = 64 * 1024;
/** A connection that brought so much before it broke does not count as a try. */
const PROGRESS_BYTES = 64 * 1024;
/** Answers that may be another in a moment. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** The text of a manifest; undefined where there is none. @throws network, bad_answer, cancelled */
export async function fetchManifest(
  transport: Transport,
  url: string,
): Promise<string | undefined> {
  return withRetry(transport, printable(url), async () => {
    const tried = await openUrl(transport, url, {});
    if (!tried.done) return tried;
    if (tried.value === undefined) return { done: true, value: undefined };
    const { response, watch } = tried.value;
    try {
      const { idleTimeoutMs } = transport;
      const about = { url: printable(url), limitBytes: MANIFEST_BYTES, watch, idleTimeoutMs };
      return { done: true, value: await readBody(response, about) };
    } catch (error) {
      if (error instanceof LandError) throw error;
      return { done: false, problem: watch.explain(error) };
    } finally {
      watch.end();
    }
  });
}

/** What to fetch, and where to. */
export type FileDownload = ReleaseFile & {
  url: string;
  /** A file that a run before may have begun; nobody else writes it. */
  path: string;
  onProgress?: (receivedBytes: number) => void;
};

/**
 * Fetches a file to `path`, going on where a run before stopped, and answers when it is whole, verified and on the disk.
 *
 * @throws checksum_mismatch with nothing left at `path`, network, bad_answer, not_found, cancelled, file_failed
 */
export async function fetchFile(transport: Transport, download: FileDownload): Promise<void> {
  const { path, sha256, url } = download;
  const handle = await openPartial(path);
  let actual: string;
  try {
    await fillFile(transport, handle, download);
    await handle.sync();
    actual = await hashFile(handle);
  } catch (error) {
    throw error instanceof LandError ? error : fileFailed("write", path, error);
  } finally {
    await handle.close();
  }
  if (actual === sha256) return;
  await rm(path, { force: true });
  const what = printable(url);
  const [expected, found] = [`sha256:${sha256}`, `sha256:${actual}`];
  throw fail("checksum_mismatch", { what, expected, actual: found });
}

/** A plain file of ours: whoever may write to the folder too must not direct the bytes elsewhere. */
async function openPartial(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  try {
    const handle = await open(path, O_RDWR | O_CREAT | (O_NOFOLLOW || 0), 0o600);
    const found = await handle.stat();
    const own = process.getuid === undefined || found.uid === process.getuid();
    if (found.isFile() && found.nlink === 1 && own) return handle;
    await handle.close();
  } catch (cause) {
    if (errorCode(cause) !== "ELOOP") throw fileFailed("write", path, cause);
  }
  await rm(path, { force: true });
  return open(path, O_RDWR | O_CREAT | constants.O_EXCL, 0o600);
}

/** Appends what is missing. What is there already is verified with all else. */
async function fillFile(
  transport: Transport,
  handle: FileHandle,
  { url, size, path, onProgress }: FileDownload,
): Promise<void> {
  const found = await handle.stat();
  if (found.size > size) await handle.truncate(0);
  const got = { bytes: found.size > size ? 0 : found.size };
  const take = async (piece: Uint8Array): Promise<void> => {
    if (got.bytes + piece.byteLength > size)
      throw fail("bad_answer", { url: printable(url), problem: `it is larger than ${size} bytes` });
    await writeAll(handle, piece, got.bytes).catch((cause: unknown) => {
      throw fileFailed("write", path, cause);
    });
    got.bytes += piece.byteLength;
    onProgress?.(got.bytes);
  };
  if (got.bytes === size) return;
  const told = printable(url);
  const rest = receiveRest(transport, {
    url: told,
    received: got.bytes,
    open: async (received) => {
      const headers = rangeFrom(received);
      const opened = await withRetry(transport, told, () => openUrl(transport, url, headers));
      if (opened === undefined) throw fail("not_found", { what: told });
      return { ...opened, url: told };
    },
    progressBytes: PROGRESS_BYTES,
    isWhole: (received) => received === size,
  });
  for await (const piece of rest) await take(piece);
}

async function writeAll(handle: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < piece.byteLength;) {
    const { bytesWritten } = await handle.write(piece, done, piece.byteLength - done, at + done);
    done += bytesWritten;
  }
}

/** Hex SHA-256 of what the disk has. */
async function hashFile(handle: FileHandle): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const buffer = new Uint8Array(1024 * 1024);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, at);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

type OpenedUrl = { response: Response; watch: Watch };

/** Asks for an address; undefined where nothing is there. Redirects are followed, but never from https to http. */
async function openUrl(
  transport: Transport,
  url: string,
  headers: Record<string, string>,
): Promise<Try<OpenedUrl | undefined>> {
  const { answerTimeoutMs } = transport;
  const watch = watchRequest(transport);
  watch.next(answerTimeoutMs, `no answer came within ${answerTimeoutMs / 1000} s`);
  const connected = watchConnecting(transport, url, watch);
  let opened = false;
  try {
    const { userAgent } = transport;
    const response = await transport.fetch(url, {
      signal: watch.signal,
      headers: { "user-agent": userAgent, "accept-encoding": "identity", ...headers },
    });
    if (url.startsWith("https:") && response.url.startsWith("http:"))
      throw fail("bad_answer", { url: printable(url), problem: "it redirects from https to http" });
    opened = response.status === 200 || response.status === 206;
    if (opened) return { done: true, value: { response, watch } };
    await dropBody(response);
    if (response.status === 404 || response.status === 410) return { done: true, value: undefined };
    const problem = `it answers with status ${response.status}`;
    if (PASSING.has(response.status)) return { done: false, problem };
    throw fail("bad_answer", { url: printable(url), problem });
  } catch (error) {
    if (error instanceof LandError) throw error;
    const problem = watch.explain(error);
    if (isLasting(error)) throw fail("network", { url: printable(url), problem }, { cause: error });
    return { done: false, problem };
  } finally {
    connected();
    if (!opened) watch.end();
  }
}
