import { eq } from "drizzle-orm";

import { type DeployId, type Digest, parseDeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { MAX_MEMORY_BYTES } from "./serve-bodies.ts";
import { type Coding, CODINGS } from "./serve-encoding.ts";
import { siteBlobs, variants } from "./tables.ts";
import { type CompressWorker, createCompressWorker } from "./variants-compress.ts";
import { filesOf, forgetOrphans, liveDeploys, type Todo } from "./variants-due.ts";
import { readVariants } from "./variants.ts";

/** Makes variants of deployed files in the background, one file at a time. */
export type VariantMaker = {
  /** Resolves when nothing is due. */
  settled: () => Promise<void>;
  stop: () => Promise<void>;
};

/** What is due: a deploy that was finished, or whatever the live deploys lack since the last start. */
type Due = DeployId | "live";

/** How hard a file is pressed. Small files are pressed at a fast level in memory until their best is there. */
const FAST: Readonly<Record<Coding, number>> = { br: 5, zstd: 5, gzip: 6 };

/**
 * Starts it: first with what the live deploys lack, then with each deploy that is finished. What is done is a row, so an end of the
 * process loses one file's work. `onMade` is told of each file that got better variants.
 */
export function startVariantMaker(ctx: Ctx, onMade: (digest: Digest) => void): VariantMaker {
  const worker = createCompressWorker();
  const queue = new Set<Due>(["live"]);
  const stopping = new AbortController();
  let running = Promise.resolve();
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    try {
      for (const due of queue) {
        queue.delete(due);
        if (due === "live") await forgetOrphans(ctx);
        const deploys = due === "live" ? liveDeploys(ctx) : [due];
        for await (const deploy of deploys) await makeFor(deploy);
      }
    } catch (cause) {
      if (!stopping.signal.aborted) ctx.log.error("variants stopped", { cause });
    } finally {
      isRunning = false;
    }
  }
  async function makeFor(deploy: DeployId): Promise<void> {
    for (const level of ["fast", "best"] as const)
      for await (const file of filesOf(ctx, deploy)) {
        if (stopping.signal.aborted) return;
        if (level === "fast" && file.sizeBytes <= MAX_MEMORY_BYTES) continue;
        const startedMs = performance.now();
        try {
          if (await makeVariants(ctx, worker, file, level)) onMade(file.digest);
        } catch (cause) {
          if (stopping.signal.aborted) return;
          ctx.log.warn("variants failed", { digest: file.digest, cause });
        }
        // Half of one processor at most.
        await pause(performance.now() - startedMs, stopping.signal);
      }
  }
  function wake(): void {
    if (!isRunning && !stopping.signal.aborted) running = run();
  }

  const off = ctx.hooks.on("deploy.finished", ({ deploy }) => {
    queue.add(parseDeployId(deploy));
    wake();
  });
  wake();
  return {
    settled: () => running,
    async stop() {
      off();
      queue.clear();
      stopping.abort();
      worker.stop();
      await running;
    },
  };
}

/** Makes all codings of a file. Whether there are new ones. */
async function makeVariants(
  ctx: Ctx,
  worker: CompressWorker,
  { digest, sizeBytes }: Todo,
  level: "fast" | "best",
): Promise<boolean> {
  const set = await readVariants(ctx, digest);
  if (level === "fast" && CODINGS.every((coding) => set[coding])) return false;
  const path = (await ctx.blobs.find(digest))?.name;
  if (path === undefined) return false;
  const made: Made[] = [];
  for (const coding of CODINGS) {
    const bytes = await worker.compress(path, coding, levelOf(coding, level, sizeBytes));
    made.push({ coding, blob: bytes && (await keepBlob(ctx, bytes)) });
  }
  return record(ctx, digest, made, level === "best");
}

type Made = { coding: Coding; blob: { digest: Digest; sizeBytes: number } | undefined };

function levelOf(coding: Coding, level: "fast" | "best", sizeBytes: number): number {
  if (level === "fast") return FAST[coding];
  const isLarge = sizeBytes > 2 * MAX_MEMORY_BYTES;
  if (coding === "gzip") return 9;
  if (coding === "zstd") return isLarge ? 15 : 19;
  return isLarge ? 9 : 11;
}

async function keepBlob(
  ctx: Ctx,
  bytes: Uint8Array,
): Promise<{ digest: Digest; sizeBytes: number }> {
  const staged = await ctx.blobs.stage(once(bytes), bytes.byteLength);
  try {
    await staged.commit();
  } finally {
    await staged.discard();
  }
  return { digest: staged.digest, sizeBytes: staged.sizeBytes };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Writes down what was made, unless no site holds the file any more, or the sweep was faster. Whether it did. */
function record(ctx: Ctx, digest: Digest, made: readonly Made[], best: boolean): Promise<boolean> {
  return ctx.db.transaction(async (tx) => {
    const held = await tx
      .select({ digest: siteBlobs.digest })
      .from(siteBlobs)
      .where(eq(siteBlobs.digest, digest))
      .limit(1);
    if (held.length === 0) return false;
    for (const { coding, blob } of made) {
      if (blob && !(await ctx.blobs.has(blob.digest))) return false;
      const values = { variant: blob?.digest ?? null, sizeBytes: blob?.sizeBytes ?? 0, best };
      await tx
        .insert(variants)
        .values({ digest, encoding: coding, ...values })
        .onConflictDoUpdate({ target: [variants.digest, variants.encoding], set: values });
    }
    return true;
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
