import { createHmac, hkdfSync } from "node:crypto";

import { createRateLimiter, type RateLimiter } from "#http/rate.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

/** A set of texts that forgets each when its time is over, and never holds more than a fixed number. */
export type TimedSet = {
  has: (text: string) => boolean;
  /** Remembers `text` until `end`. False where as many as there may be are remembered: then it is not. */
  add: (text: string, end: Date) => boolean;
  isEmpty: () => boolean;
};

/** What the gates of one server remember. All of it may be lost with the process. */
export type GateState = {
  /** Attempts at passwords, by address and site. */
  attempts: RateLimiter;
  /** Passwords that were right, as keyed hashes. */
  verified: TimedSet;
  /** Tickets that were handed in at a site, by its id. */
  used: (siteId: number) => TimedSet;
  /** A keyed hash under one purpose, which only this server can make. */
  sign: (purpose: Purpose, text: string) => string;
};

type Purpose = "pass" | "ticket" | "password";

const MAX_VERIFIED = 1000;
/** Far more than one site is entered in the minute for which a ticket lives. */
const MAX_USED = 5000;
/** Sites whose tickets are remembered before those without any are looked for. */
const MAX_IDLE = 1000;

const states = new WeakMap<Db, GateState>();

/** What the gates of this server remember. */
export function gateState(ctx: Ctx): GateState {
  const before = states.get(ctx.db);
  if (before) return before;
  const key = (purpose: Purpose) =>
    Buffer.from(hkdfSync("sha256", ctx.secret, "", `land gate ${purpose}`, 32));
  const keys = { pass: key("pass"), ticket: key("ticket"), password: key("password") };
  const state: GateState = {
    attempts: createRateLimiter(ctx.now),
    verified: createTimedSet(ctx.now, MAX_VERIFIED),
    used: createTimedSets(ctx.now, MAX_USED),
    sign: (purpose, text) => createHmac("sha256", keys[purpose]).update(text).digest("base64url"),
  };
  states.set(ctx.db, state);
  return state;
}

/** Makes sets by number, each of `max` texts for itself; empty ones are forgotten. */
export function createTimedSets(now: () => Date, max: number): (id: number) => TimedSet {
  const sets = new Map<number, TimedSet>();
  return (id) => {
    const known = sets.get(id);
    if (known) return known;
    if (sets.size >= MAX_IDLE)
      for (const [other, set] of sets) if (set.isEmpty()) sets.delete(other);
    const made = createTimedSet(now, max);
    sets.set(id, made);
    return made;
  };
}

/** Makes an empty set whose texts all live equally long, so that its order is the order of their ends. */
export function createTimedSet(now: () => Date, max: number): TimedSet {
  const ends = new Map<string, number>();
  const forgetEnded = (nowMs: number): void => {
    for (const [text, endMs] of ends) {
      if (endMs > nowMs) break;
      ends.delete(text);
    }
  };
  return {
    isEmpty() {
      forgetEnded(now().getTime());
      return ends.size === 0;
    },
    has: (text) => (ends.get(text) ?? 0) > now().getTime(),
    add(text, end) {
      forgetEnded(now().getTime());
      if (ends.size >= max && !ends.has(text)) return false;
      ends.delete(text);
      ends.set(text, end.getTime());
      return true;
    },
  };
}
