import { and, eq, gte, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { Downloads } from "./model.ts";
import { readDocuments } from "./read.ts";
import { downloadsByDay, packages, versions } from "./tables.ts";

const FLUSH_MS = 1000;
const DAY_MS = 86_400_000;
const MAX_DAYS = 365;

type Count = { name: string; version: string; day: string; count: number };

/**
 * Counts what is downloaded from now on. Counts wait in memory for at most a second and then go into one transaction, so a
 * download never waits for the disk; a crash loses that second. `flush` writes at once; `stop` writes and counts no more.
 */
export function startDownloadCounter(ctx: Ctx): {
  flush: () => Promise<void>;
  stop: () => Promise<void>;
} {
  let counts = new Map<string, Count>();
  let timer: Timer | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const taken = counts;
    counts = new Map();
    if (taken.size === 0) return;
    try {
      await ctx.db.transaction(async (tx) => {
        for (const count of taken.values()) await add(tx, count);
      });
    } catch (cause) {
      ctx.log.error("downloads not recorded", { cause });
    }
  }

  const unsubscribe = ctx.hooks.on("version.downloaded", ({ name, version }) => {
    const day = dayOf(ctx.now());
    const key = `${name}@${version} ${day}`;
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { name, version, day, count: 1 });
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
    timer.unref();
  });
  return {
    flush,
    async stop() {
      unsubscribe();
      await flush();
    },
  };
}

async function add(tx: Tx, { name, version, day, count }: Count): Promise<void> {
  const [row] = await tx
    .update(packages)
    .set({ downloads: sql`${packages.downloads} + ${count}` })
    .where(sql`${packages.name} = ${name}`)
    .returning({ id: packages.id });
  if (!row) return;
  await tx
    .update(versions)
    .set({ downloads: sql`${versions.downloads} + ${count}` })
    .where(and(eq(versions.packageId, row.id), sql`${versions.version} = ${version}`));
  await tx
    .insert(downloadsByDay)
    .values({ packageId: row.id, day, count })
    .onConflictDoUpdate({
      target: [downloadsByDay.packageId, downloadsByDay.day],
      set: { count: sql`${downloadsByDay.count} + ${count}` },
    });
}

/**
 * The downloads of the last `days` days in UTC, today included: oldest first, with the days that had none.
 *
 * @throws package_not_found, invalid_input
 */
export async function readDownloads(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  days: number,
): Promise<Downloads> {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
    throw fail("invalid_input", { field: "days", problem: `use 1 to ${MAX_DAYS}` });
  const { documents, downloads } = await readDocuments(ctx, actor, name);
  const now = ctx.now().getTime();
  const series = Array.from({ length: days }, (_, at) =>
    dayOf(new Date(now - (days - 1 - at) * DAY_MS)),
  );
  const rows = await ctx.db.read
    .select({ day: downloadsByDay.day, count: downloadsByDay.count })
    .from(downloadsByDay)
    .where(
      and(
        eq(downloadsByDay.packageId, documents.id),
        gte(downloadsByDay.day, series[0] ?? dayOf(ctx.now())),
      ),
    );
  const counts = new Map(rows.map(({ day, count }) => [day, count]));
  return { total: downloads, days: series.map((day) => ({ day, count: counts.get(day) ?? 0 })) };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
