import type { Ctx } from "#store/ctx.ts";
import { type Referencer, sweepBlobs } from "#store/sweep.ts";

const EVERY_MS = 60 * 60 * 1000;
const FIRST_MS = 60 * 1000;

/** Removes orphan blobs once an hour, beginning a minute after the start. A failure is logged and tried again. */
export function startSweeper(
  ctx: Ctx,
  referencers: readonly Referencer[],
): { stop: () => Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    running = sweepBlobs(ctx, referencers)
      .then((swept) => {
        if (swept.removed > 0) ctx.log.info("swept blobs", swept);
        return undefined;
      })
      .catch((cause: unknown) => ctx.log.error("sweep failed", { cause }));
  };
  const first = setTimeout(run, FIRST_MS);
  const every = setInterval(run, EVERY_MS);
  first.unref();
  every.unref();
  return {
    async stop() {
      clearTimeout(first);
      clearInterval(every);
      await running;
    },
  };
}
