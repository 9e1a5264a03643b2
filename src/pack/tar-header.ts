import { brief } from "#base/brief.ts";

/** Tar deals in blocks of this many bytes. */
export const BLOCK = 512;

/** What one header block says. The name is still bytes: only its user knows whether another one takes its place. */
export type TarHeader = {
  name: Uint8Array;
  /** The type flag as a character; "0" for the older NUL. */
  type: string;
  sizeBytes: number;
  executable: boolean;
};

/** Magic and version of the formats we read. */
const POSIX = Buffer.from("ustar\u000000");
const GNU = Buffer.from("ustar  \0");
const OLD = Buffer.from("\0".repeat(8));

/** The names of the type flags that we refuse. */
const TYPE_NAMES: Record<string, string> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "6": "a named pipe",
  "7": "a contiguous file",
  A: "an access control list",
  D: "a directory dump",
  E: "an extended attribute",
  I: "an inode",
  K: "a long link name",
  M: "a continued file",
  N: "an old long name",
  S: "a sparse file",
  V: "a volume label",
  X: "a Solaris extended header",
};

/** What an entry of this type is, for a refusal. */
export function nameOfType(type: string): string {
  return TYPE_NAMES[type] ?? `of the unknown type ${JSON.stringify(type)}`;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Whether all of these bytes, at most 64 KB, are zeros: so is a block that marks the end. */
export function areZeros(bytes: Uint8Array): boolean {
  return ZEROS.subarray(0, bytes.length).equals(bytes);
}

/**
 * Reads a header block, or tells why it is refused. Refused is every header that two readers may understand
 * differently: a name prefix outside POSIX ustar, bytes after a NUL, a size that is not plain octal.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html "ustar Interchange Format"
 */
export function parseHeader(block: Uint8Array): TarHeader | { problem: string } {
  if (octal(block, 148, 8) !== checksum(block)) return { problem: "has a wrong header checksum" };
  const sizeBytes = octal(block, 124, 12);
  if (sizeBytes === undefined) return { problem: "has a size that is not an octal number" };
  const mode = octal(block, 100, 8);
  if (mode === undefined) return { problem: "has a mode that is not an octal number" };
  const magic = [POSIX, GNU, OLD].find((known) => holds(block, 257, known));
  if (magic === undefined) return { problem: "has a header of an unknown tar format" };
  const name = field(block, 0, 100);
  const prefix = field(block, 345, 155);
  if (name === undefined || prefix === undefined) return { problem: "holds a NUL" };
  if (prefix.length > 0 && magic !== POSIX)
    return { problem: "has a name prefix that not every reader knows" };
  const flag = String.fromCharCode(block[156] ?? 0);
  // Extended headers came after the old format, and some readers heed them only in the newer ones.
  if (magic === OLD && "xgL".includes(flag))
    return { problem: "has an extended header in the old tar format" };
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name,
    type: flag === "\0" ? "0" : flag,
    sizeBytes,
    executable: (mode & 0o100) !== 0,
  };
}

/** The sum of all bytes, with the checksum's own field taken as spaces. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * SPACE;
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0;
  for (let at = 156; at < BLOCK; at++) sum += block[at] ?? 0;
  return sum;
}

/** A field up to its NUL; undefined where something stands after the NUL. */
function field(block: Uint8Array, at: number, length: number): Uint8Array | undefined {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  for (let rest = end; rest < at + length; rest++) if (block[rest] !== 0) return undefined;
  return block.subarray(at, end);
}

/** An octal number as all packers write it: leading spaces or zeros, then NULs or spaces to the end. */
function octal(block: Uint8Array, at: number, length: number): number | undefined {
  const end = at + length;
  let from = at;
  while (from < end && block[from] === SPACE) from++;
  let value = 0;
  let to = from;
  for (; to < end; to++) {
    const digit = (block[to] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (let rest = to; rest < end; rest++)
    if (block[rest] !== 0 && block[rest] !== SPACE) return undefined;
  return to === from ? undefined : value;
}

const SPACE = 0x20;
const ZERO = 0x30;

function holds(block: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let n = 0; n < bytes.length; n++) if (block[at + n] !== bytes[n]) return false;
  return true;
}

brief(parseHeader, checksum, field, octal, holds, areZeros);
