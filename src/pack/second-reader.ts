import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { spawnWorker } from "#base/worker.ts";

import type { ArchiveLimits } from "./limits.ts";
import { ROOT } from "./paths.ts";

/** A file as one of the readers saw it. `sha256` is hex, "" where the content was too large to hold. */
export type SeenFile = { path: string; sizeBytes: number; sha256: string };
/** What the Worker is asked. */
export type OpinionRequest = {
  id: number;
  path: string;
  maxEntries: number;
  maxHashedBytes: number;
};
/** What it answers: what it saw, why it could not read the archive, or why it cannot read any. */
export type OpinionAnswer = { files: SeenFile[] } | { problem: string } | { broken: string };

/** tar-rs holds the content of one entry at a time; larger ones are compared by place and size. */
const MAX_HASHED_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

type Waiting = { resolve: (answer: OpinionAnswer) => void; timer: NodeJS.Timeout };
let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/**
 * Reads the archive at `path` with an independent reader and compares. `ours` are the files in order, with `sha256`.
 * The archive was read and found sound before, so its sizes are bounded.
 *
 * @throws archive_invalid where the readers differ; internal where the second reader cannot run
 */
export async function compareReaders(
  path: string,
  ours: SeenFile[],
  limits: ArchiveLimits,
): Promise<void> {
  const answer = await ask(path, limits.entries);
  if ("broken" in answer) throw fail("internal", {}, { cause: new Error(answer.broken) });
  if ("problem" in answer)
    throw fail("archive_invalid", {
      entry: "",
      problem: `a second reader cannot read it: ${printable(answer.problem)}`,
    });
  const differs = firstDifference(ours, answer.files);
  if (differs !== undefined)
    throw fail("archive_invalid", {
      entry: printable(differs),
      problem: "is not the same for two readers",
    });
}

function firstDifference(ours: SeenFile[], theirs: SeenFile[]): string | undefined {
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const [mine, other] = [ours[at], theirs[at]];
    if (mine === undefined) return other?.path;
    const same =
      other?.path === `${ROOT}/${mine.path}` &&
      other.sizeBytes === mine.sizeBytes &&
      (other.sha256 === "" || other.sha256 === mine.sha256);
    if (!same) return `${ROOT}/${mine.path}`;
  }
  return undefined;
}

/** One Worker serves all. It is made at the first question, and again after it broke or did not answer in time. */
function ask(path: string, maxEntries: number): Promise<OpinionAnswer> {
  const id = ++lastId;
  const { promise, resolve } = Promise.withResolvers<OpinionAnswer>();
  const timer = setTimeout(() => drop("the second reader took too long"), TIMEOUT_MS);
  waiting.set(id, { resolve, timer });
  worker ??= startWorker();
  worker.ref();
  worker.postMessage({ id, path, maxEntries, maxHashedBytes: MAX_HASHED_BYTES });
  return promise;
}

function startWorker(): Worker {
  const started = spawnWorker("src/pack/second-opinion.ts");
  started.addEventListener("message", (event: MessageEvent<OpinionAnswer & { id: number }>) =>
    settle(event.data.id, event.data),
  );
  const crashed = (): void => {
    if (worker === started) drop("the second reader broke");
  };
  started.addEventListener("error", crashed);
  started.addEventListener("close", crashed);
  return started;
}

function settle(id: number, answer: OpinionAnswer): void {
  const asked = waiting.get(id);
  if (asked === undefined) return;
  clearTimeout(asked.timer);
  waiting.delete(id);
  asked.resolve(answer);
  // Without a question the Worker must not keep the process alive.
  if (waiting.size === 0) worker?.unref();
}

/** Ends the Worker. Every open question fails as our fault: which archive broke it cannot be told, and all may be sent again. */
function drop(problem: string): void {
  const ended = worker;
  worker = undefined;
  ended?.terminate();
  for (const id of waiting.keys()) settle(id, { broken: problem });
}
