import { fail, type LandError } from "#base/errors.ts";

import type { Transport } from "./network.ts";

/** What one try gave: a value, or a trouble that may pass. What cannot pass is thrown instead. */
export type Try<T> =
  | { done: true; value: T }
  | {
      done: false;
      problem: string;
      retryAfterMs?: number;
      /** What the registry told, thrown where nothing is repeated at all. */
      error?: LandError;
    };

/** While others are answered, a request whose connection breaks is tried so many times as often. */
const MORE_TRIES = 3;
const FIRST_STEP_MS = 300;
const LONGEST_STEP_MS = 8000;

/**
 * Repeats `attempt` while its trouble may pass: full-jitter backoff, or as long as the other side asks for in
 * `Retry-After`. Gives up after `tries`, or where more than `waitMs` of waiting in all would be needed.
 *
 * @throws network naming the last trouble, and whatever `attempt` throws
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function withRetry<T>(
  transport: Pick<
    Transport,
    "tries" | "waitMs" | "sleep" | "random" | "signal" | "onRetry" | "answers"
  >,
  url: string,
  attempt: (number: number) => Promise<Try<T>>,
): Promise<T> {
  let waitedMs = 0;
  let answered = transport.answers.count;
  for (let number = 1; ; number += 1) {
    const tried = await attempt(number);
    if (tried.done) return tried.value;
    // A line that cuts a third of all connections would else end what asks for hundreds of things.
    const alive = transport.answers.count > answered && !tried.error && transport.tries > 1;
    answered = transport.answers.count;
    const tries = alive ? transport.tries * MORE_TRIES : transport.tries;
    if (transport.tries === 1 && tried.error) throw tried.error;
    if (number >= tries) throw fail("network", { url, problem: afterTries(tried.problem, number) });
    const waitMs = tried.retryAfterMs ?? backoff(number, transport.random);
    if (waitedMs + waitMs > transport.waitMs) {
      const seconds = Math.ceil(waitMs / 1000);
      const problem =
        tried.retryAfterMs === undefined
          ? afterTries(tried.problem, number)
          : `${tried.problem}; it asks to wait ${seconds} s`;
      throw fail("network", { url, problem });
    }
    transport.onRetry?.(tried.problem);
    await transport.sleep(waitMs);
    waitedMs += waitMs;
    if (transport.signal?.aborted) throw fail("cancelled", {});
  }
}

/** Milliseconds that a `Retry-After` header asks for: seconds or an HTTP date; undefined where it says nothing. */
export function parseRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}

/** How long to wait after the trouble of try `number`, in milliseconds. */
export function backoff(number: number, random: () => number): number {
  return Math.round(random() * Math.min(LONGEST_STEP_MS, FIRST_STEP_MS * 2 ** number));
}

/** A trouble, and how often it was met where that was more than once. */
export function afterTries(problem: string, tries: number): string {
  return tries === 1 ? problem : `${problem} (${tries} tries)`;
}
