/**
 * `test/commands/dev-world` runs `land dev` on a folder and listens to what it tells its pages.
 * The tests of `land dev` call it. It must never wait by the clock.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";

import { type Ran, type Running, startRun } from "./world.ts";

/** The content of files by path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** What a page is told. */
export type BuildEvent = { id: string; from?: string; css?: string[] };

/** A folder that is served. */
export type Dev = AsyncDisposable & {
  dir: string;
  running: Running;
  port: number;
  write: (files: Files) => Promise<void>;
  /** Asks for a path as it is written; redirects are not followed and codings not undone. */
  get: (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>;
  /** The events that a page gets, the first tells the present build. */
  follow: () => AsyncGenerator<BuildEvent, undefined>;
  stop: () => Promise<Ran>;
};

/** Writes files below a folder. */
export async function writeSite(dir: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
}

/** Makes a folder and serves it on a free port. */
export async function startDev(files: Files, more: readonly string[] = []): Promise<Dev> {
  const root = await temporaryFolder("dev");
  const dir = join(root.path, "site");
  await mkdir(dir);
  await writeSite(dir, files);
  const dev = await startDevIn(dir, more);
  return {
    ...dev,
    async [Symbol.asyncDispose]() {
      await dev.stop();
      await root[Symbol.asyncDispose]();
    },
  };
}

/** Serves a folder that is there on a free port. */
export async function startDevIn(dir: string, more: readonly string[] = []): Promise<Dev> {
  const argv = ["dev", basename(dir), "--port", "0", ...more];
  const running = startRun(argv, { cwd: dirname(dir), now: () => new Date() });
  await Promise.race([running.shows("http://127.0.0.1:"), running.done]);
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(running.stdout())?.[1]);
  const stop = (): Promise<Ran> => {
    running.send("SIGINT");
    return running.done;
  };
  return {
    dir,
    running,
    port,
    write: (changes) => writeSite(dir, changes),
    get: (path, headers = {}, method = "GET") =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { "accept-encoding": "identity", ...headers },
        redirect: "manual",
        decompress: false,
      }),
    follow: () => eventsOf(port),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

async function* eventsOf(port: number): AsyncGenerator<BuildEvent, undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/.land/reload`);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
  return undefined;
}

/** The next event. */
export async function nextOf(events: AsyncGenerator<BuildEvent, undefined>): Promise<BuildEvent> {
  const { value } = await events.next();
  if (!value) throw new Error("the stream ended");
  return value;
}
