import { Database } from "bun:sqlite";

import type { CheckpointReply, CheckpointRequest } from "./checkpoints.ts";

/** The thread behind `createCheckpoints`. A passive checkpoint keeps nobody from reading or writing. */
declare const self: Worker;

self.addEventListener("message", ({ data: { path } }: MessageEvent<CheckpointRequest>) => {
  self.postMessage({ path, ...checkpoint(path) } satisfies CheckpointReply);
});

function checkpoint(path: string): { pages: number; copied: number } {
  let db: Database | undefined;
  try {
    db = new Database(path, { readwrite: true, strict: true });
    const row = db
      .query<{ log: number; checkpointed: number }, []>("PRAGMA wal_checkpoint(PASSIVE)")
      .get();
    return { pages: row?.log ?? 0, copied: row?.checkpointed ?? 0 };
  } catch {
    // The file was removed, or the disk fails: whoever writes next will be told.
    return { pages: 0, copied: 0 };
  } finally {
    db?.close();
  }
}
