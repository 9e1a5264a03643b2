import type { Database } from "bun:sqlite";

import { spawnWorker } from "#base/worker.ts";

/** Copies the write-ahead logs of databases back into their files, on a thread of its own: that waits for the disk. */
export type Checkpoints = {
  /** Tells of a commit of so many bytes. Where the copying is far behind, its writers wait for what comes out. */
  note: (path: string, db: Database, bytes: number) => Promise<void> | undefined;
  /** The file is closed. */
  forget: (path: string) => void;
  /** Resolves once nothing is copied any more. */
  stop: () => Promise<void>;
};

/** What goes to the thread. */
export type CheckpointRequest = { path: string };
/** What comes back: pages of the log, and how many of them are copied. */
export type CheckpointReply = { path: string; pages: number; copied: number };

/** The log is copied back once it grew by this. */
const DUE_BYTES = 4 * 1024 * 1024;
/** Writers wait once it grew by this while it is copied. */
const BEHIND_BYTES = 32 * 1024 * 1024;
/** 16 MB of log. */
const MANY_PAGES = 4096;
/** What this thread copies in less than a millisecond. */
const FEW_PAGES = 100;

type File = {
  db: Database;
  /** Written since the thread was asked last. */
  bytes: number;
  asked: boolean;
  waiting: PromiseWithResolvers<void> | undefined;
};

/** Starts it; the thread begins at the first need and does not keep the process alive. */
export function createCheckpoints(): Checkpoints {
  const files = new Map<string, File>();
  let worker: Worker | undefined;
  /** Answers that the thread owes, and who waits for the last of them. */
  let owed = 0;
  let stopping: PromiseWithResolvers<void> | undefined;

  function start(): Worker {
    const started = spawnWorker("src/store/checkpoints-worker.ts");
    started.addEventListener("message", ({ data }: MessageEvent<CheckpointReply>) => {
      owed -= 1;
      if (stopping === undefined) finish(data);
      else if (owed === 0) stopping.resolve();
    });
    started.addEventListener("error", () => {
      worker = undefined;
      owed = 0;
      stopping?.resolve();
      for (const file of files.values()) free(file);
    });
    return started;
  }
  function ask(path: string, file: File): void {
    file.asked = true;
    file.bytes = 0;
    owed += 1;
    worker ??= start();
    worker.postMessage({ path } satisfies CheckpointRequest);
  }
  function finish({ path, pages, copied }: CheckpointReply): void {
    const file = files.get(path);
    if (!file) return;
    const left = pages - copied;
    // The log begins anew only when all of it is copied.
    if (left > FEW_PAGES && pages > MANY_PAGES) {
      ask(path, file);
      return;
    }
    if (left > 0 && pages > MANY_PAGES && !file.db.inTransaction)
      file.db.run("PRAGMA wal_checkpoint(PASSIVE)");
    free(file);
  }
  return {
    note(path, db, bytes) {
      if (stopping) return undefined;
      const file = files.get(path) ?? { db, bytes: 0, asked: false, waiting: undefined };
      files.set(path, file);
      file.bytes += bytes;
      if (!file.asked && file.bytes >= DUE_BYTES) ask(path, file);
      if (!file.asked || file.bytes < BEHIND_BYTES) return undefined;
      file.waiting ??= Promise.withResolvers();
      return file.waiting.promise;
    },
    forget(path) {
      const file = files.get(path);
      if (file) free(file);
      files.delete(path);
    },
    async stop() {
      stopping ??= Promise.withResolvers();
      if (owed === 0) stopping.resolve();
      // Else a process with nothing else to do would end here.
      worker?.ref();
      await stopping.promise;
      worker?.terminate();
      for (const file of files.values()) free(file);
      files.clear();
    },
  };
}

/** Lets its writers go on. */
function free(file: File): void {
  file.asked = false;
  file.waiting?.resolve();
  file.waiting = undefined;
}
