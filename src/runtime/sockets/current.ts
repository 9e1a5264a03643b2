import type { Hooks } from "#base/hooks.ts";

import type { CurrentProgram } from "./speakers.ts";

const MAX_KEPT = 10_000;
/** Drafts are run for some days only: that ends without an event. */
const KEPT_MS = 60_000;

/**
 * Remembers which program a deploy has: it is asked for every event of every socket. After a change is acknowledged, the change is
 * known. What fails is not remembered.
 */
export function rememberCurrent(
  { hooks, now }: { hooks: Pick<Hooks, "on">; now: () => Date },
  ask: CurrentProgram,
): { current: CurrentProgram; stop: () => void } {
  const known = new Map<string, { atMs: number; program: ReturnType<CurrentProgram> }>();
  const forget = (): void => known.clear();
  const offs = [
    hooks.on("site.changed", forget),
    hooks.on("site.deleted", forget),
    hooks.on("site.functions", forget),
    hooks.on("deploy.finished", forget),
    hooks.on("deploy.released", forget),
  ];

  return {
    current(siteId, deploy, isLive) {
      const key = isLive ? String(siteId) : `${siteId} ${deploy}`;
      const nowMs = now().getTime();
      const before = known.get(key);
      if (before && Math.abs(nowMs - before.atMs) < KEPT_MS) return before.program;
      const entry = { atMs: nowMs, program: ask(siteId, deploy, isLive) };
      known.delete(key);
      known.set(key, entry);
      for (const oldest of known.keys()) {
        if (known.size <= MAX_KEPT) break;
        known.delete(oldest);
      }
      entry.program.catch(() => {
        if (known.get(key) === entry) known.delete(key);
      });
      return entry.program;
    },
    stop() {
      for (const off of offs) off();
    },
  };
}
