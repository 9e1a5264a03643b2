import { SETTINGS } from "#base/settings.ts";

/** How much one archive may hold. Sizes are bytes. */
export type ArchiveLimits = {
  /** The archive as sent. */
  packedBytes: number;
  /** All contents together. */
  unpackedBytes: number;
  /** Files and folders named by a header; the folders implied by paths are held to the same number. */
  entries: number;
  /** One path, with `package/`, in UTF-8. */
  pathBytes: number;
  /** Unpacked to packed, judged once more than `ratioFromBytes` came out. */
  ratio: number;
  ratioFromBytes: number;
  /** The packed size where it is known ahead: a bomb is then stopped at once, and any other size is refused. */
  sizeBytes?: number;
};

/** The limits of protocol.md, "Archive": those of a server that was not configured otherwise. */
export const DEFAULT_LIMITS: ArchiveLimits = {
  packedBytes: SETTINGS["limits.packedBytes"].default,
  unpackedBytes: SETTINGS["limits.unpackedBytes"].default,
  entries: SETTINGS["limits.entries"].default,
  pathBytes: 512,
  ratio: 200,
  ratioFromBytes: 10_000_000,
};
