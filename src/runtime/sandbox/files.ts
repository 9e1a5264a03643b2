import type { Syscall } from "./libc.ts";

/** What files are there, by absolute paths. */
export type Look = {
  /** Throws where it cannot be read. */
  read: (path: string) => string;
  /** What is there, links not followed; undefined: nothing. */
  look: (path: string) => { isLink: boolean; isFolder: boolean; uid: number } | undefined;
  /** Where a link leads. Throws where it is none. */
  readLink: (path: string) => string;
};

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const ENOENT = 2;
const O_RDONLY_CLOEXEC = 0o2000000;
const LINK_BYTES = 4096;
const PART_BYTES = 64 * 1024;
/** `struct statx`, the same on every architecture. */
const STATX = { bytes: 256, mask: 0xb, uid: 20, mode: 28 } as const;
const TYPE = { mask: 0o170000, folder: 0o040000, link: 0o120000 } as const;

/** Files by system calls alone: `node:fs` takes as long to load as all the rest of the launcher. */
export function lookByCalls(syscall: Syscall): Look {
  return {
    read: (path) =>
      readAll(
        syscall,
        must("open", path, syscall("openat", AT_FDCWD, path, O_RDONLY_CLOEXEC, 0)),
        path,
      ),
    look(path) {
      const found = Buffer.alloc(STATX.bytes);
      const looked = syscall("statx", AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX.mask, found);
      if (looked === -ENOENT) return undefined;
      must("statx", path, looked);
      const type = found.readUInt16LE(STATX.mode) & TYPE.mask;
      const uid = found.readUInt32LE(STATX.uid);
      return { isLink: type === TYPE.link, isFolder: type === TYPE.folder, uid };
    },
    readLink(path) {
      const bytes = Buffer.alloc(LINK_BYTES);
      const length = syscall("readlinkat", AT_FDCWD, path, bytes, bytes.length);
      return bytes.toString("utf8", 0, must("readlink", path, length));
    },
  };
}

/** Files as `node:fs` finds them, for a process that has it anyway. */
export function lookByNode(): Look {
  const { lstatSync, readFileSync, readlinkSync } = process.getBuiltinModule("node:fs");
  return {
    read: (path) => readFileSync(path, "utf8"),
    look(path) {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (!found) return undefined;
      return { isLink: found.isSymbolicLink(), isFolder: found.isDirectory(), uid: found.uid };
    },
    readLink: (path) => readlinkSync(path),
  };
}

function must(step: string, path: string, result: number): number {
  if (result < 0) throw new Error(`${step} of "${path}" failed with ${-result}`);
  return result;
}

function readAll(syscall: Syscall, file: number, path: string): string {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(PART_BYTES);
    const length = syscall("read", file, part, part.length);
    if (length > 0) parts.push(part.subarray(0, length));
    else {
      syscall("close", file);
      if (length < 0) throw new Error(`read of "${path}" failed with ${-length}`);
      return Buffer.concat(parts).toString();
    }
  }
}
