import { spawnWorker } from "#base/worker.ts";

import type { KeptLayout } from "./layout-file.ts";

/** What a thread reads for all of the process: a layout, and what is laid of it. */
export type SharedLayout = KeptLayout & {
  /** How many packages of the table were taken, and behind it for each in order whether it was laid. */
  state: Int32Array<SharedArrayBuffer>;
};

/** Folders of the process, open: that of the objects of a store, and that in which the `n`th package goes to `n`. */
export type LayFolders = { from: number; to: number };

/** A second thread that lays packages with this one. */
export type LayThread = {
  /** The layout that it was started for; undefined where there is none that can be used. */
  layout: Promise<SharedLayout | undefined>;
  /** Has it lay, now or once it has read the layout. Called once. */
  begin: (folders: LayFolders) => void;
  /** Settles when it lays nothing more, also where it broke. */
  over: Promise<void>;
  close: () => void;
};

/** What the thread is told: a layout to read, or where to lay. */
export type LayRequest = { path: string } | LayFolders;
/** What it tells: what it read, and when it lays nothing more. */
export type LayReply = { layout: SharedLayout | undefined } | "over";

/** Starts one for the layout at `path`, which takes some milliseconds. */
export function startLayThread(path: string): LayThread {
  const worker = spawnWorker("src/install/lay-thread-worker.ts", { smol: true });
  const layout = Promise.withResolvers<SharedLayout | undefined>();
  const over = Promise.withResolvers<void>();
  const broken = (): void => {
    layout.resolve(undefined);
    over.resolve();
  };
  worker.addEventListener("message", ({ data }: MessageEvent<LayReply>) => {
    if (data === "over") over.resolve();
    else layout.resolve(data.layout);
  });
  worker.addEventListener("error", broken);
  worker.addEventListener("close", broken);
  const tell = (request: LayRequest): void => worker.postMessage(request);
  worker.ref();
  tell({ path });
  return {
    layout: layout.promise,
    begin: tell,
    over: over.promise,
    close: () => worker.terminate(),
  };
}
