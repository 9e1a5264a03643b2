import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";

/** Sixteen random hexadecimal digits. To load node:crypto for them would take milliseconds. */
export function randomHex(): string {
  return crypto.getRandomValues(Buffer.alloc(8)).toString("hex");
}

/** A name for a temporary file beside `path`, never used before: random, since pids repeat across containers. */
function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomHex()}.tmp`);
}

/**
 * Puts `content` at `path` so that, whatever happens, either the old or the new file stands there whole: temporary file,
 * fsync, rename, fsync of the folder. Makes missing folders.
 *
 * @throws file_failed
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  await putFile(path, content, options.mode ?? 0o666, (temporary) => rename(temporary, path));
}

/** The same where no file stands at `path`; one that does stays as it is. @throws file_failed */
export async function writeFileOnce(path: string, content: string, mode: number): Promise<void> {
  await putFile(path, content, mode, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") throw cause;
    }
    await rm(temporary, { force: true });
  });
}

async function putFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(temporary);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileFailed("write", path, cause);
  }
}

/** Makes the names in a folder survive power loss. Windows keeps them by itself and cannot open folders. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

/** The largest text that is read whole, in bytes. */
const MAX_TEXT_BYTES = 128_000_000;

/**
 * The text of a file, or undefined where there is none. A pipe or a device, which a checkout may bring as a link, is refused:
 * to read it might never end.
 *
 * @throws file_failed
 */
export async function readTextIfAny(path: string): Promise<string | undefined> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const found = fstatSync(descriptor);
    if (!found.isFile() && !found.isDirectory())
      throw fileFailed("read", path, "it is a pipe or a device, not a file");
    if (found.size > MAX_TEXT_BYTES)
      throw fileFailed("read", path, `it is larger than ${MAX_TEXT_BYTES} bytes`);
    return new TextDecoder().decode(readFileSync(descriptor));
  } catch (cause) {
    // A home of `/dev/null`, as services have it, holds no file either.
    if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return undefined;
    throw cause instanceof LandError ? cause : fileFailed("read", path, cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The `code` of a system error, such as ENOENT. */
export function errorCode(cause: unknown): string | undefined {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}

/** A system error as the user should read it. */
export function fileFailed(action: string, path: string, cause: unknown): LandError {
  const code = errorCode(cause);
  const known: Record<string, string> = {
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EFBIG: "the file would be larger than this process may write",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "the file system is read-only",
    ENOENT: "there is no such file or folder",
    ENOTDIR: "a part of the path is a file, not a folder",
    EISDIR: "it is a folder",
    ENOLCK: "this file system has no locks between processes, as some network disks",
    EMFILE: "too many files are open",
    ENAMETOOLONG: "the name is too long",
  };
  const problem = known[code ?? ""] ?? (cause instanceof Error ? cause.message : String(cause));
  const hint = code === undefined ? undefined : HINTS[code];
  return fail("file_failed", { action, path, problem, ...(hint && { hint }) }, { cause });
}

const WHOSE =
  "See who may use it; LAND_HOME, or --data for a server, names the folder where land keeps its own files";
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "Make room on that disk, then do it again",
  EDQUOT: "Make room within your quota, then do it again",
  EACCES: WHOSE,
  EPERM: WHOSE,
  EROFS: WHOSE,
  ENOTDIR: WHOSE,
  ENOLCK: "Use a local disk: LAND_HOME, or --data for a server, names the folder",
};
