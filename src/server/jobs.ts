import type { Ctx } from "#store/ctx.ts";

/** Work that is done again and again. */
export type Job = {
  /** For the log. */
  name: string;
  everyMs: number;
  /** When it is done first, after the start. */
  firstMs: number;
  run: () => Promise<unknown>;
};

/** Runs jobs by their times, none beside itself. A failure is logged and tried again; `stop` waits for those under way. */
export function startJobs(
  { log }: Pick<Ctx, "log">,
  jobs: readonly Job[],
): { stop: () => Promise<void> } {
  const stops = jobs.map(({ name, everyMs, firstMs, run }) => {
    let running: Promise<void> | undefined;
    const start = (): void => {
      running ??= run()
        .then(() => undefined)
        .catch((cause: unknown) => log.error("job failed", { job: name, cause }))
        .finally(() => (running = undefined));
    };
    const first = setTimeout(start, firstMs);
    const every = setInterval(start, everyMs);
    first.unref();
    every.unref();
    return async () => {
      clearTimeout(first);
      clearInterval(every);
      await running;
    };
  });
  return {
    stop: async () => void (await Promise.all(stops.map((stop) => stop()))),
  };
}
