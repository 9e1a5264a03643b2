import type { GuestError } from "#bridge/model.ts";

import { createBackoff } from "./backoff.ts";
import { refuse } from "./refusals.ts";

/** Why a program is not started right now. */
export type Health = {
  /** Throws `program_broken` or `start_failed` where it is too early to try again. */
  check: (nowMs: number) => void;
  /** It cannot be loaded. Answers whether that is news. */
  noteBroken: (error: GuestError, nowMs: number) => boolean;
  /** Its process ended before it ran. Answers after how many seconds it is tried again. */
  noteFailed: (nowMs: number) => number;
  noteReady: () => void;
  /** Its surroundings changed: it may be tried at once. */
  retry: () => void;
};

/** A broken program does not mend itself, but what it needs at its start may come back. */
const BROKEN_MS = 10_000;

/** Makes the memory of one deploy. `random` answers random bytes. */
export function createHealth(random: (bytes: number) => Uint8Array): Health {
  const backoff = createBackoff(random);
  let brokenUntilMs = Number.NEGATIVE_INFINITY;
  let told = "";
  return {
    check(nowMs) {
      if (nowMs < brokenUntilMs) throw refuse("program_broken", "The program cannot be loaded");
      const wait = backoff.waitSeconds(nowMs);
      if (wait > 0) throw refuse("start_failed", "The program's process did not start", wait);
    },
    noteBroken({ name, message, stack }, nowMs) {
      brokenUntilMs = nowMs + BROKEN_MS;
      const text = `${name}: ${message}\n${stack}`;
      const isNews = text !== told;
      told = text;
      return isNews;
    },
    noteFailed: backoff.failed,
    noteReady() {
      backoff.reset();
      told = "";
    },
    retry() {
      backoff.reset();
      brokenUntilMs = Number.NEGATIVE_INFINITY;
    },
  };
}
