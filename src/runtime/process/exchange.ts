import { giveWay } from "#base/slices.ts";
import {
  type Body,
  BridgeError,
  type CallAnswer,
  type LinkResponse,
  type RequestHead,
  type Stop,
} from "#bridge/model.ts";

import { passBody } from "../link/visitor-body.ts";
import type { Instance, Pending } from "./instance.ts";
import type { Pace } from "./pacing.ts";
import { refuse } from "./refusals.ts";

/** What is told while a process works for somebody. */
export type Work = {
  nowMs: () => number;
  /** It was given work. */
  begun: (instance: Instance) => void;
  /** It finished some. Once for each `begun`. */
  finished: (instance: Instance) => void;
  pace: Pace;
};

/** What of an answer goes out before others have their turn: a tenth of a millisecond or two. */
const TURN_BYTES = 512 * 1024;
/** How much goes out at a time where it may not go out at once. */
const PART_BYTES = 64 * 1024;

/** A request of a visitor that is under way. */
type Exchange = { stop: Stop; pending: Pending; expired: BridgeError | undefined };

/**
 * Hands a request to a process. The work is finished when the last byte of the answer was taken, or nobody wants it any more.
 *
 * Rejects with a BridgeError: what ended the process, `wall_limit`, `cancelled`, or what the program's side refused.
 */
export function sendRequest(
  work: Work,
  instance: Instance,
  request: {
    head: RequestHead;
    body: Body;
    signal: AbortSignal;
    limitMs: number;
    onFinish: () => void;
    /** Asks another process, where this one ended by itself before it began to answer. The first that needs it gets it: another may be what ends them. */
    again?: (() => Promise<LinkResponse>) | undefined;
  },
): Promise<LinkResponse> {
  const { head, signal } = request;
  const exchange = openExchange(work, head, request.limitMs);
  const { stop, pending } = exchange;
  const leave = (): void => {
    stopNow(stop);
    // Nobody may be there to take note of the end of a stream.
    finish();
  };
  const finish = begin(work, instance, pending, request.onFinish);
  // Never taken away, which would cost as much as all that this function does: once finished, leaving changes nothing.
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  const body = touching(request.body, () => (pending.sentMs = work.nowMs()));
  return instance.link.request(head, body, stop).then(
    (answer) => {
      pending.limitMs = Number.POSITIVE_INFINITY;
      if (answer.body instanceof ReadableStream)
        return {
          ...answer,
          body: ending(answer.body, finish, (bytes) => work.pace(instance, bytes)),
        };
      finish();
      return answer;
    },
    async (error: unknown) => {
      finish();
      const { again } = request;
      if (again && !signal.aborted && !exchange.expired && (await isLost(instance, error)))
        return again();
      throw exchange.expired ?? explain(instance, error);
    },
  );
}

/** Whether a process ended by itself, told to the first who asks. */
async function isLost(instance: Instance, error: unknown): Promise<boolean> {
  if (!(error instanceof BridgeError) || error.code !== "link_closed" || instance.isRepeated)
    return false;
  instance.isRepeated = true;
  // Whoever looks after it hears of it now, and nobody is given it any more.
  await giveWay();
  return instance.state === "ended" && !instance.why;
}

function openExchange(work: Work, { requestId }: RequestHead, limitMs: number): Exchange {
  const stop: Stop = { isStopped: false, onStop: undefined };
  const exchange: Exchange = {
    stop,
    expired: undefined,
    pending: {
      requestId,
      sentMs: work.nowMs(),
      limitMs,
      expire(error) {
        exchange.expired = error;
        stopNow(stop);
      },
    },
  };
  return exchange;
}

function stopNow(stop: Stop): void {
  stop.isStopped = true;
  stop.onStop?.();
}

/** Asks a process something by name. Rejects as `sendRequest` does. */
export async function sendCall(
  work: Work,
  instance: Instance,
  call: {
    name: string;
    params: unknown;
    bytes: Uint8Array | undefined;
    /** What lines about it carry; "" where it has none. */
    requestId: string;
    limitMs: number;
    onFinish: () => void;
  },
): Promise<CallAnswer> {
  const late = Promise.withResolvers<never>();
  const pending: Pending = {
    requestId: call.requestId,
    sentMs: work.nowMs(),
    limitMs: call.limitMs,
    expire: late.reject,
  };
  const finish = begin(work, instance, pending, call.onFinish);
  try {
    const answer = instance.link.call(call.name, call.params, call.bytes);
    return await Promise.race([answer, late.promise]);
  } catch (error) {
    throw explain(instance, error);
  } finally {
    finish();
  }
}

/** Counts work in. What comes back counts it out, once. */
function begin(work: Work, instance: Instance, pending: Pending, onFinish: () => void): () => void {
  instance.pending.add(pending);
  instance.open += 1;
  instance.requests += 1;
  instance.lastWorkMs = pending.sentMs;
  work.begun(instance);
  let isFinished = false;
  return () => {
    if (isFinished) return;
    isFinished = true;
    onFinish();
    instance.pending.delete(pending);
    instance.open -= 1;
    instance.lastWorkMs = work.nowMs();
    work.finished(instance);
  };
}

/** The reason why a process is gone, in place of the news that its link is. */
function explain({ why }: Instance, error: unknown): unknown {
  if (!(error instanceof BridgeError)) return error;
  if (error.code !== "link_closed" && error.code !== "protocol") return error;
  return why
    ? refuse(why.code, VISITORS[why.code] ?? "The program was ended", why.retryAfterSeconds)
    : refuse("crashed", "The program ended under the request");
}

/** What visitors are told: no figures, they are the owner's. */
const VISITORS: Partial<Record<string, string>> = {
  cpu_limit: "The program computed for too long",
  cpu_budget: "The site computed for too long within a minute",
  memory_limit: "The program took too much memory",
  thread_limit: "The program took too many threads",
  disk_limit: "The program took too much room on the disk",
  wall_limit: "The program did not answer in time",
  stopping: "The server ends",
};

/** A body that tells of each part that is taken from it: while a visitor still sends, an answer cannot be late. */
function touching(body: Body, touch: () => void): Body {
  if (!(body instanceof ReadableStream)) return body;
  return passBody(body, () => {
    touch();
    return undefined;
  });
}

/** A body that tells when it is over: read to its end, failed, or given up by its reader. */
function ending(
  body: ReadableStream<Uint8Array>,
  onEnd: () => void,
  pace: (bytes: number) => Promise<void> | undefined,
): Body {
  let inTurn = 0;
  let inPart = 0;
  const rest = (bytes: number): Promise<void> | undefined => {
    inPart += bytes;
    if (inPart < PART_BYTES) return undefined;
    inTurn += inPart;
    const isOver = inTurn >= TURN_BYTES;
    const wait = pace(inPart) ?? (isOver ? giveWay() : undefined);
    inPart = 0;
    if (wait) inTurn = 0;
    return wait;
  };
  const over = (): undefined => {
    onEnd();
    return undefined;
  };
  return passBody(body, () => undefined, over, rest);
}
