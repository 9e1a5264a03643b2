import type { Actor } from "#accounts/actor.ts";
import { fail, LandError } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import type { LogLine } from "../model.ts";
import { requireSite } from "../rights.ts";
import { logHub, MAX_FOLLOWERS } from "./logs-hub.ts";
import { type LogFilter, newestLineId, readLinesAfter } from "./logs-list.ts";

/** Proxies and our own listener close a connection that is silent for a minute. */
const HEARTBEAT_MS = 15_000;
const RECHECK_MS = 60_000;
/** Lines that are read at once. A follower that reads slowly holds up no more than these in memory. */
const BATCH = 100;

/** How to follow a log. */
export type FollowOptions = LogFilter & {
  /** The id of the last line that is known; by default the newest one, so that only what is to come is told. */
  after?: number | undefined;
  /** Ends the stream: that of the request. */
  signal: AbortSignal;
  /** Who asks, looked up anew: a token may have been revoked since. */
  renew: () => Promise<Actor | undefined>;
  /** How often something is sent where nothing happens. */
  heartbeatMs?: number;
};

/**
 * The lines of a log as they are written, as server-sent events `line` with the line's id as theirs. It ends with the request,
 * with the server, and within a minute after the right to read ended. Lines are read from the database when the follower
 * takes them: one that is too slow misses what the ring dropped meanwhile, and costs no memory.
 *
 * @throws unauthenticated, scope_missing, site_not_found; rate_limited where too many follow
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function followLogs(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  options: FollowOptions,
): Promise<ReadableStream<Uint8Array>> {
  const require = async (who: Actor | undefined): Promise<number> => {
    const need = { action: "follow the log of", role: "viewer", scope: "site" } as const;
    return (await requireSite(ctx, who, name, need)).site.id;
  };
  const siteId = await require(actor);
  const wait = createWait();
  const leave = logHub(ctx).join(siteId, { wake: wait.wake, end: wait.end });
  if (!leave)
    throw fail("rate_limited", {
      what: `${MAX_FOLLOWERS} followers of a log`,
      retryAfterSeconds: 60,
    });
  const mayStill = async (): Promise<boolean> => {
    try {
      return (await require(await options.renew())) === siteId;
    } catch (error) {
      if (error instanceof LandError) return false;
      throw error;
    }
  };
  const { signal } = options;
  if (signal.aborted) wait.end();
  signal.addEventListener("abort", wait.end, { once: true });
  const end = (): void => {
    leave();
    wait.end();
    signal.removeEventListener("abort", wait.end);
  };
  try {
    const after = options.after ?? (await newestLineId(ctx, siteId));
    return streamOf(ctx, siteId, { ...options, after, mayStill, wait, end });
  } catch (error) {
    end();
    throw error;
  }
}

type Following = FollowOptions & {
  after: number;
  mayStill: () => Promise<boolean>;
  wait: Wait;
  end: () => void;
};

function streamOf(
  ctx: Ctx,
  siteId: number,
  { after, level, kind, requestId, mayStill, wait, end, heartbeatMs = HEARTBEAT_MS }: Following,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = after;
  let checkedMs = ctx.now().getTime();
  let greeted = false;

  /** The next piece of the stream, or undefined at its end. */
  async function next(): Promise<string | undefined> {
    if (!greeted) {
      greeted = true;
      // The first byte sends the head of the answer, so that the other side knows that it is connected.
      return ": following\n\n";
    }
    for (;;) {
      if (wait.ended()) return undefined;
      if (ctx.now().getTime() - checkedMs >= RECHECK_MS) {
        if (!(await mayStill())) return undefined;
        checkedMs = ctx.now().getTime();
      }
      const lines = await readLinesAfter(ctx, siteId, {
        after: last,
        level,
        kind,
        requestId,
        limit: BATCH,
      });
      last = lines.at(-1)?.id ?? last;
      if (lines.length > 0) return lines.map(eventOf).join("");
      if (!(await wait.woken(heartbeatMs))) return ": still here\n\n";
    }
  }

  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const piece = await next();
          if (piece !== undefined) return controller.enqueue(encoder.encode(piece));
          end();
          controller.close();
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}

function eventOf(line: LogLine): string {
  return `id: ${line.id}\nevent: line\ndata: ${JSON.stringify(line)}\n\n`;
}

/** Waits to be woken, and remembers being woken while nobody waited. */
type Wait = {
  wake: () => void;
  end: () => void;
  ended: () => boolean;
  /** Resolves with true once woken or ended, with false after `ms`. */
  woken: (ms: number) => Promise<boolean>;
};

function createWait(): Wait {
  let isWoken = false;
  let isEnded = false;
  let resume: ((woken: boolean) => void) | undefined;
  const wake = (): void => {
    isWoken = true;
    resume?.(true);
  };
  return {
    wake,
    end() {
      isEnded = true;
      wake();
    },
    ended: () => isEnded,
    async woken(ms) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      resume = resolve;
      const timer = setTimeout(() => resolve(false), ms);
      if (isWoken || isEnded) resolve(true);
      const woken = await promise;
      clearTimeout(timer);
      resume = undefined;
      isWoken = false;
      return woken;
    },
  };
}
