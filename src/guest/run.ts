import { AsyncLocalStorage } from "node:async_hooks";

/** One run of the program's code: a request, a schedule or a message of a socket. */
export type Run = {
  /** Id of the visitor's request; "" where there is none. */
  readonly requestId: string;
  /** `fetch`es that it made. */
  subrequests: number;
};

const runs = new AsyncLocalStorage<Run>();

/** Runs `work` so that `currentRun`, asked from it or what it started, answers `run`. */
export function within<T>(run: Run, work: () => T): T {
  return runs.run(run, work);
}

/** The run that the calling code belongs to; undefined outside any. */
export function currentRun(): Run | undefined {
  return runs.getStore();
}
