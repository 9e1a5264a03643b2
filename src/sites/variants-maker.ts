import { and, asc, eq, gt, gte, inArray, isNotNull, lte } from "drizzle-orm";

import { type DeployId, type Digest, parseDeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { MAX_MEMORY_BYTES } from "./serve-bodies.ts";
import { type Coding, CODINGS } from "./serve-encoding.ts";
import { deployFiles, siteBlobs, sites, variants } from "./tables.ts";
import { contentTypeOf, isCompressible } from "./types.ts";
import { createCompressWorker } from "./variants-compress.ts";
import { MAX_VARIANT_BYTES, MIN_VARIANT_BYTES, readVariants } from "./variants.ts";

/** Makes variants of deployed files in the background, one file at a time. */
export type VariantMaker = {
  /** Resolves when nothing is due. */
  settled: () => Promise<void>;
  stop: () => Promise<void>;
};

type Todo = { digest: Digest; sizeBytes: number };
/** What is due: a deploy that was finished, or whatever the live deploys lack since the last start. */
type Due = DeployId | "live";

const PAGE = 200;
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
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (const due of queue) {
      queue.delete(due);
      const deploys = due === "live" ? liveDeploys(ctx) : [due];
      for await (const deploy of deploys) await makeFor(deploy);
    }
  }
  async function makeFor(deploy: DeployId): Promise<void> {
    for (const level of ["fast", "best"] as const)
      for await (const file of filesOf(ctx, deploy)) {
        if (stopping.signal.aborted) return;
        if (level === "fast" && file.sizeBytes <= MAX_MEMORY_BYTES) continue;
        const startedMs = performance.now();
        await makeAll(file, level).catch((cause: unknown) => {
          if (!stopping.signal.aborted)
            ctx.log.warn("variants failed", { digest: file.digest, cause });
        });
        // Half of one processor at most.
        await pause(performance.now() - startedMs, stopping.signal);
      }
  }
  async function makeAll(file: Todo, level: "fast" | "best"): Promise<void> {
    const set = await readVariants(ctx, file.digest);
    if (level === "fast" && CODINGS.every((coding) => set[coding])) return;
    const blob = await ctx.blobs.find(file.digest);
    const path = blob?.name;
    if (path === undefined) return;
    const made: Made[] = [];
    for (const coding of CODINGS) {
      if (set[coding] === "none") continue;
      const bytes = await worker.compress(path, coding, levelOf(coding, level, file.sizeBytes));
      made.push({ coding, blob: bytes && (await keepBlob(ctx, bytes)) });
    }
    if (await record(ctx, file.digest, made, level === "best")) onMade(file.digest);
  }
  function wake(): void {
    if (stopping.signal.aborted || running) return;
    running = run()
      .catch((cause: unknown) => {
        if (!stopping.signal.aborted) ctx.log.error("variants stopped", { cause });
      })
      .finally(() => {
        running = undefined;
        if (queue.size > 0) wake();
      });
  }

  const off = ctx.hooks.on("deploy.finished", ({ deploy }) => {
    queue.add(parseDeployId(deploy));
    wake();
  });
  wake();
  return {
    async settled() {
      while (running) await running;
    },
    async stop() {
      off();
      queue.clear();
      stopping.abort();
      worker.stop();
      await running;
    },
  };
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

async function* liveDeploys(ctx: Ctx): AsyncGenerator<DeployId> {
  let after = 0;
  for (;;) {
    const rows = await ctx.db.read
      .select({ id: sites.id, deploy: sites.liveDeploy })
      .from(sites)
      .where(and(gt(sites.id, after), isNotNull(sites.liveDeploy)))
      .orderBy(asc(sites.id))
      .limit(PAGE);
    for (const { id, deploy } of rows) {
      after = id;
      if (deploy !== null) yield deploy;
    }
    if (rows.length < PAGE) return;
  }
}

/** Files of a deploy that get smaller, and whose variants are not all there. */
async function* filesOf(ctx: Ctx, deploy: DeployId): AsyncGenerator<Todo> {
  let after = "";
  for (;;) {
    const rows = await ctx.db.read
      .select({
        path: deployFiles.path,
        digest: deployFiles.digest,
        sizeBytes: deployFiles.sizeBytes,
      })
      .from(deployFiles)
      .where(
        and(
          eq(deployFiles.deployId, deploy),
          gt(deployFiles.path, after),
          gte(deployFiles.sizeBytes, MIN_VARIANT_BYTES),
          lte(deployFiles.sizeBytes, MAX_VARIANT_BYTES),
        ),
      )
      .orderBy(asc(deployFiles.path))
      .limit(PAGE);
    const texts = rows.filter(({ path }) => isCompressible(contentTypeOf(path)));
    const done = await doneOf(
      ctx,
      texts.map(({ digest }) => digest),
    );
    for (const { digest, sizeBytes } of texts) if (!done.has(digest)) yield { digest, sizeBytes };
    after = rows.at(-1)?.path ?? after;
    if (rows.length < PAGE) return;
  }
}

async function doneOf(ctx: Ctx, digests: Digest[]): Promise<Set<Digest>> {
  const counts = new Map<Digest, number>();
  const rows = await ctx.db.read
    .select({ digest: variants.digest })
    .from(variants)
    .where(and(inArray(variants.digest, digests), eq(variants.best, true)));
  for (const { digest } of rows) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return new Set([...counts.keys()].filter((digest) => counts.get(digest) === CODINGS.length));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
