import type { BigIntStats } from "node:fs";

/** What tells a file from the same one after a change, without reading it. */
export type Stamp = {
  sizeBytes: number;
  /** Another text once the file changed: size, times in nanoseconds and inode. */
  stamp: string;
  /** When its content or its entry was last changed, by the clock of the disk. */
  changedAtMs: number;
};

/** A file changed within this time before it was read may change again without its times telling so. */
export const RACY_MS = 2000;

/** The stamp of a file as the disk tells it. */
export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): Stamp {
  return {
    sizeBytes: Number(size),
    stamp: `${size}.${mtimeNs}.${ctimeNs}.${ino}`,
    changedAtMs: Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n),
  };
}
