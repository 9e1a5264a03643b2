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
  const thread = createThread(finish, () => {
    for (const file of files.values()) free(file);
  });
  let isStopping = false;

  function ask(path: string, file: File): void {
    file.asked = true;
    file.bytes = 0;
    thread.ask({ path });
  }
  function finish({ path, pages, copied }: CheckpointReply): void {
    const file = files.get(path);
    if (!file) return;
    const left = pages - copied;
    // The log begins anew only when all of it is copied.
    if (left > FEW_PAGES && pages > MANY_PAGES && !isStopping) {
      ask(path, file);
      return;
    }
    if (left > 0 && pages > MANY_PAGES && !file.db.inTransaction)
      file.db.run("PRAGMA wal_checkpoint(PASSIVE)");
    free(file);
  }
  return {
    note(path, db, bytes) {
      if (isStopping) return undefined;
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
      isStopping = true;
      await thread.stop();
      for (const file of files.values()) free(file);
      files.clear();
    },
  };
}

/** The thread, which owes an answer to each question; `onLost` once it died, with which nothing is owed any more. */
function createThread(
  onReply: (reply: CheckpointReply) => void,
  onLost: () => void,
): { ask: (request: CheckpointRequest) => void; stop: () => Promise<void> } {
  let worker: Worker | undefined;
  let owed = 0;
  let idle: PromiseWithResolvers<void> | undefined;

  function start(): Worker {
    const started = spawnWorker("src/store/checkpoints-worker.ts");
    started.addEventListener("message", ({ data }: MessageEvent<CheckpointReply>) => {
      owed -= 1;
      onReply(data);
      if (owed === 0) idle?.resolve();
    });
    started.addEventListener("error", () => {
      [worker, owed] = [undefined, 0];
      idle?.resolve();
      onLost();
    });
    return started;
  }
  return {
    ask(request) {
      owed += 1;
      worker ??= start();
      worker.postMessage(request);
    },
    async stop() {
      idle = Promise.withResolvers();
      if (owed === 0) idle.resolve();
      // Else a process with nothing else to do would end here.
      worker?.ref();
      await idle.promise;
      worker?.terminate();
    },
  };
}

/** Lets its writers go on. */
function free(file: File): void {
  file.asked = false;
  file.waiting?.resolve();
  file.waiting = undefined;
}
