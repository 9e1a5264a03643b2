/**
 * `src/store` is the disk: the database door, migrations, blobs, OS locks, and the Ctx that carries them.
 * Server features and the client's disk code call it. It must never know a feature.
 */
import type { ServerConfig } from "#base/config.ts";
import type { Hooks } from "#base/hooks.ts";
import type { Log } from "#base/log.ts";

import type { Blobs } from "./blobs.ts";
import type { Db } from "./db.ts";

/** Everything a feature may touch besides its arguments. Built once in `server/boot.ts`, passed first. */
export type Ctx = {
  readonly config: ServerConfig;
  readonly db: Db;
  readonly blobs: Blobs;
  readonly hooks: Hooks;
  readonly log: Log;
  /** The clock. */
  readonly now: () => Date;
  /** Cryptographically strong random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Base address for every link we print, without trailing slash. */
  readonly publicUrl: () => string;
  /** 32 bytes made once per data folder; keys of single uses are derived from it. */
  readonly secret: Uint8Array;
};
