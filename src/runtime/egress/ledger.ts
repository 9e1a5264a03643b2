import { and, count, eq, inArray, lt, sql } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";
import type { LossyTx } from "#store/lossy.ts";
import { dayOfHour, hourOf } from "#traffic/calendar.ts";

import { siteEgress, siteIds } from "../tables.ts";

const FLUSH_MS = 2000;
/** Hosts of a site that are kept apart on one day; what comes after is counted together under `*`. */
const MAX_HOSTS = 500;
/** The row of all others. No host is called that. */
const OTHERS = "*";
const MAX_PROBLEM = 300;

/** What happened with a host. */
export type EgressNote = {
  siteId: number;
  host: string;
  requests?: number;
  bytesOut?: number;
  bytesIn?: number;
  /** Why it was refused. */
  refused?: string;
};

/** Keeps account of where programs talk to. */
export type Ledger = {
  note: (note: EgressNote) => void;
  /** Writes what was noted until now. Never throws: what could not be written waits for the next time. */
  flush: () => Promise<void>;
  stop: () => Promise<void>;
};

type Row = typeof siteEgress.$inferInsert;

/** Starts an account in memory that is written every two seconds: what a crash loses. */
export function startLedger(ctx: Ctx): Ledger {
  let rows = new Map<string, Row>();
  /** Rows of each site among them. */
  let sizes = new Map<number, number>();
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();

  const rowOf = (siteId: number, wanted: string): Row => {
    const day = dayOfHour(hourOf(ctx.now()));
    const size = sizes.get(siteId) ?? 0;
    const isKnown = rows.has(keyOf({ siteId, day, host: wanted }));
    const host = isKnown || size < MAX_HOSTS ? wanted : OTHERS;
    const key = keyOf({ siteId, day, host });
    const known = rows.get(key);
    if (known) return known;
    const row = emptyRow(siteId, day, host, ctx.now());
    rows.set(key, row);
    sizes.set(siteId, size + 1);
    return row;
  };

  async function write(): Promise<void> {
    if (rows.size === 0) return;
    const taken = rows;
    rows = new Map();
    sizes = new Map();
    try {
      await ctx.db.lossy((tx) => writeRows(tx, [...taken.values()]));
    } catch (cause) {
      ctx.log.error("egress not recorded yet", { cause });
      for (const row of taken.values()) addTo(rowOf(row.siteId, row.host), row);
      schedule();
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    running = running.then(write);
    return running;
  }

  function schedule(): void {
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
    timer.unref();
  }

  return {
    note({ siteId, host, requests = 0, bytesOut = 0, bytesIn = 0, refused }) {
      const row = rowOf(siteId, host);
      const problem = refused === undefined ? null : refused.slice(0, MAX_PROBLEM);
      const more = { requests, bytesOut, bytesIn, refused: refused === undefined ? 0 : 1 };
      addTo(row, { ...more, problem, lastAt: ctx.now() });
      schedule();
    },
    flush,
    async stop() {
      await flush();
      clearTimeout(timer);
    },
  };
}

function keyOf({ siteId, day, host }: Pick<Row, "siteId" | "day" | "host">): string {
  return `${siteId} ${day} ${host}`;
}

function emptyRow(siteId: number, day: number, host: string, lastAt: Date): Row {
  const none = { requests: 0, refused: 0, bytesOut: 0, bytesIn: 0 };
  return { siteId, day, host, ...none, lastAt, problem: null };
}

function addTo(row: Row, more: Omit<Row, "siteId" | "day" | "host">): void {
  row.requests += more.requests;
  row.refused += more.refused;
  row.bytesOut += more.bytesOut;
  row.bytesIn += more.bytesIn;
  row.lastAt = more.lastAt;
  row.problem = more.problem ?? row.problem ?? null;
}

async function writeRows(tx: LossyTx, rows: readonly Row[]): Promise<void> {
  const ids = [...new Set(rows.map(({ siteId }) => siteId))];
  const there = await tx.select({ id: siteIds.id }).from(siteIds).where(inArray(siteIds.id, ids));
  const alive = new Set(there.map(({ id }) => id));
  for (const row of rows) if (alive.has(row.siteId)) await writeRow(tx, await withRoom(tx, row));
}

/** The row as it is, or counted with the others where the day of its site is full. */
async function withRoom(tx: LossyTx, row: Row): Promise<Row> {
  const { siteId, day, host } = siteEgress;
  const ofDay = and(eq(siteId, row.siteId), eq(day, row.day));
  const known = await tx
    .select({ host })
    .from(siteEgress)
    .where(and(ofDay, eq(host, row.host)));
  if (known.length > 0) return row;
  const [sum] = await tx.select({ rows: count() }).from(siteEgress).where(ofDay);
  return (sum?.rows ?? 0) < MAX_HOSTS ? row : { ...row, host: OTHERS };
}

async function writeRow(tx: LossyTx, row: Row): Promise<void> {
  const { requests, refused, bytesOut, bytesIn, problem } = siteEgress;
  await tx
    .insert(siteEgress)
    .values(row)
    .onConflictDoUpdate({
      target: [siteEgress.siteId, siteEgress.day, siteEgress.host],
      set: {
        requests: sql`${requests} + ${row.requests}`,
        refused: sql`${refused} + ${row.refused}`,
        bytesOut: sql`${bytesOut} + ${row.bytesOut}`,
        bytesIn: sql`${bytesIn} + ${row.bytesIn}`,
        lastAt: row.lastAt,
        problem: sql`coalesce(${row.problem ?? null}, ${problem})`,
      },
    });
}

/** Removes what is older than `functions.egressDays`, today included. */
export async function dropOldEgress(ctx: Ctx): Promise<void> {
  const from = dayOfHour(hourOf(ctx.now())) - ctx.config["functions.egressDays"] + 1;
  await ctx.db.transaction(async (tx) => {
    await tx.delete(siteEgress).where(lt(siteEgress.day, from));
  });
}
