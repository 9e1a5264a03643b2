import type { Syscall } from "./libc.ts";

/** Files by system calls alone: `node:fs` takes as long to load as all the rest of the launcher. Paths are absolute. */
export type Files = {
  /** Throws where it cannot be read. */
  read: (path: string) => string;
  /** Writes into what is there. False: it cannot be. */
  write: (path: string, text: string) => boolean;
  /** What is there, links not followed; undefined: nothing. */
  look: (path: string) => { isLink: boolean; isFolder: boolean; uid: number } | undefined;
  /** Where a link leads. Throws where it is none. */
  readLink: (path: string) => string;
  makeLink: (target: string, path: string) => void;
  /** Makes a folder with all above it. */
  makeFolder: (path: string) => void;
  /** Makes an empty file, with all folders above it. */
  makeFile: (path: string) => void;
};

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const ENOENT = 2;
const EEXIST = 17;
const OPEN = { read: 0o2000000, write: 0o2000001, make: 0o2000101 } as const;
const LINK_BYTES = 4096;
const PART_BYTES = 64 * 1024;
/** `struct statx`, the same on every architecture. */
const STATX = { bytes: 256, mask: 0xb, uid: 20, mode: 28 } as const;
const TYPE = { mask: 0o170000, folder: 0o040000, link: 0o120000 } as const;

/** Files as this process sees them. */
export function createFiles(syscall: Syscall): Files {
  const open = (path: string, flags: number): number =>
    syscall("openat", AT_FDCWD, path, flags, 0o644);
  function makeFolder(given: string): void {
    const path = given.endsWith("/") ? given.slice(0, -1) : given;
    const make = (): number => syscall("mkdirat", AT_FDCWD, path, 0o755);
    const made = make();
    if (made >= 0 || made === -EEXIST) return;
    if (made !== -ENOENT || path === "") must("mkdir", given, made);
    makeFolder(above(path));
    must("mkdir", path, make());
  }
  return {
    read: (path) => readAll(syscall, must("open", path, open(path, OPEN.read)), path),
    write(path, text) {
      const file = open(path, OPEN.write);
      if (file < 0) return false;
      const bytes = Buffer.from(text);
      const written = syscall("write", file, bytes, bytes.length);
      syscall("close", file);
      return written === bytes.length;
    },
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
    makeLink: (target, path) =>
      void must("symlink", path, syscall("symlinkat", target, AT_FDCWD, path)),
    makeFolder,
    makeFile(path) {
      makeFolder(above(path));
      syscall("close", must("open", path, open(path, OPEN.make)));
    },
  };
}

function must(step: string, path: string, result: number): number {
  if (result < 0) throw new Error(`${step} of "${path}" failed with ${-result}`);
  return result;
}

function above(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
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
