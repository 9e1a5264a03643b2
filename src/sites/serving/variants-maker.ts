import { inArray, sql } from "drizzle-orm";

import { type DeployId, type Digest, parseDeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { siteBlobs, variants } from "../tables.ts";
import { MAX_MEMORY_BYTES } from "./serve-bodies.ts";
import { type Coding, CODINGS } from "./serve-encoding.ts";
import { type CompressWorker, createCompressWorker } from "./variants-compress.ts";
import {
  dueOf,
  type DueQuery,
  forgetOrphans,
  liveDeploys,
  prepareDue,
  prepareLacking,
  type Todo,
} from "./variants-due.ts";
import { createVariantReader, variantIn, type VariantSet } from "./variants.ts";

/** Makes variants of deployed files in the background, one file at a time, written down some at a time. */
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
 * process loses the work of one batch. `onMade` is told of each file that got better variants.
 */
export function startVariantMaker(ctx: Ctx, onMade: (digest: Digest) => void): VariantMaker {
  const worker = createCompressWorker();
  const queue = new Set<Due>(["live"]);
  const stopping = new AbortController();
  const making: Making = {
    ctx,
    worker,
    query: prepareDue(ctx),
    read: createVariantReader(ctx),
    stopping: stopping.signal,
    onMade,
  };
  let running = Promise.resolve();
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    try {
      for (const due of queue) {
        queue.delete(due);
        await (due === "live" ? makeForAll(making) : makeFor(making, due));
      }
    } catch (cause) {
      if (!stopping.signal.aborted) ctx.log.error("variants stopped", { cause });
    } finally {
      isRunning = false;
      // A thread takes memory also while it waits.
      worker.rest();
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

type Making = {
  ctx: Ctx;
  worker: CompressWorker;
  query: DueQuery;
  /** What of a file is there. */
  read: (digest: Digest) => Promise<VariantSet>;
  stopping: AbortSignal;
  onMade: (digest: Digest) => void;
};

/** While others want answers ten thousand sites are looked through in a tenth of the time, but never with longer pauses. */
const PAUSE_SHARE = 9;
const MAX_PAUSE_MS = 100;

async function makeForAll(making: Making): Promise<void> {
  const { ctx, stopping } = making;
  const lacking = prepareLacking(ctx);
  await forgetOrphans(ctx);
  for await (const deploys of liveDeploys(ctx)) {
    if (stopping.aborted) return;
    const startedMs = performance.now();
    for (const deploy of await lacking(deploys)) await makeFor(making, deploy);
    const tookMs = performance.now() - startedMs;
    await pause(Math.min(tookMs * PAUSE_SHARE, MAX_PAUSE_MS), stopping);
  }
}

async function makeFor(making: Making, deploy: DeployId): Promise<void> {
  const { ctx, query, stopping, onMade } = making;
  for (const level of ["fast", "best"] as const) {
    let startedMs = performance.now();
    for await (const files of dueOf(query, deploy)) {
      if (stopping.aborted) return;
      try {
        for (const digest of await makeBatch(making, files, level)) onMade(digest);
      } catch (cause) {
        if (stopping.aborted) return;
        ctx.log.warn("variants failed", { deploy, cause });
      }
      // Half of one processor at most.
      await pause(performance.now() - startedMs, stopping);
      startedMs = performance.now();
    }
  }
}

/** Makes all codings of some files, and keeps them in one transaction. Those that have new ones. */
async function makeBatch(
  making: Making,
  files: readonly Todo[],
  level: "fast" | "best",
): Promise<ReadonlySet<Digest>> {
  const { ctx, worker, stopping } = making;
  const coded: Coded[] = [];
  for (const file of files) {
    if (level === "fast" && !(await wantsFast(making, file))) continue;
    try {
      coded.push(...(await codeFile(ctx, worker, file, level)));
    } catch (cause) {
      // One file that cannot be coded does not stand in the way of others.
      if (stopping.aborted) throw cause;
      ctx.log.warn("variants failed", { digest: file.digest, cause });
    }
  }
  return coded.length === 0 ? new Set() : record(ctx, await keep(ctx, coded), level === "best");
}

async function codeFile(
  ctx: Ctx,
  worker: CompressWorker,
  { digest, sizeBytes }: Todo,
  level: "fast" | "best",
): Promise<Coded[]> {
  const path = (await ctx.blobs.find(digest))?.name;
  if (path === undefined) return [];
  const coded: Coded[] = [];
  for (const coding of CODINGS) {
    const bytes = await worker.compress(path, coding, levelOf(coding, level, sizeBytes));
    coded.push({ digest, coding, bytes });
  }
  return coded;
}

/** Small files are coded in memory until their best is there. */
async function wantsFast({ read }: Making, { digest, sizeBytes }: Todo): Promise<boolean> {
  if (sizeBytes <= MAX_MEMORY_BYTES) return false;
  const set = await read(digest);
  return CODINGS.some((coding) => variantIn(set, coding) === undefined);
}

/** A file in a coding. `bytes` undefined: it does not get smaller. */
type Coded = { digest: Digest; coding: Coding; bytes: Uint8Array | undefined };
type Made = {
  digest: Digest;
  coding: Coding;
  blob: { digest: Digest; sizeBytes: number } | undefined;
};

function levelOf(coding: Coding, level: "fast" | "best", sizeBytes: number): number {
  if (level === "fast") return FAST[coding];
  const isLarge = sizeBytes > 2 * MAX_MEMORY_BYTES;
  if (coding === "gzip") return 9;
  if (coding === "zstd") return isLarge ? 15 : 19;
  return isLarge ? 9 : 11;
}

async function keep(ctx: Ctx, coded: readonly Coded[]): Promise<Made[]> {
  const contents = coded.flatMap(({ bytes }) => bytes ?? []);
  const digests = (await ctx.blobs.putMany(contents)).values();
  return coded.map(({ digest, coding, bytes }) => {
    const kept = bytes && digests.next().value;
    return {
      digest,
      coding,
      blob: bytes && kept && { digest: kept, sizeBytes: bytes.byteLength },
    };
  });
}

/** Writes down what was made, but for files that no site holds any more, or where the sweep was faster. Which files have it. */
function record(ctx: Ctx, made: readonly Made[], best: boolean): Promise<ReadonlySet<Digest>> {
  return ctx.db.transaction(async (tx) => {
    const digests = [...new Set(made.map(({ digest }) => digest))];
    const held = await tx
      .selectDistinct({ digest: siteBlobs.digest })
      .from(siteBlobs)
      .where(inArray(siteBlobs.digest, digests));
    const whole = new Set(held.map(({ digest }) => digest));
    for (const { digest, blob } of made)
      if (blob && !(await ctx.blobs.has(blob.digest))) whole.delete(digest);
    const rows = made
      .filter(({ digest }) => whole.has(digest))
      .map(({ digest, coding, blob }) => ({
        digest,
        encoding: coding,
        variant: blob?.digest ?? null,
        sizeBytes: blob?.sizeBytes ?? 0,
        best,
      }));
    if (rows.length > 0)
      await tx
        .insert(variants)
        .values(rows)
        .onConflictDoUpdate({
          target: [variants.digest, variants.encoding],
          set: {
            variant: sql`excluded.variant`,
            sizeBytes: sql`excluded.size_bytes`,
            best: sql`excluded.best`,
          },
        });
    return whole;
  });
}

/** Waits, or until it stops: with 10,000 pauses none may leave a listener behind. */
function pause(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    timer.unref();
    stopping.addEventListener("abort", end);
  });
}
