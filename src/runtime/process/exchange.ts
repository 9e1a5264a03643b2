import {
  type Body,
  BridgeError,
  type CallAnswer,
  type LinkResponse,
  type RequestHead,
} from "#bridge/model.ts";

import type { Instance, Pending } from "./instance.ts";
import { refuse } from "./refusals.ts";

/** What is told while a process works for somebody. */
export type Work = {
  nowMs: () => number;
  /** It was given work. */
  begun: (instance: Instance) => void;
  /** It finished some. Once for each `begun`. */
  finished: (instance: Instance) => void;
};

/** Controllers that nobody used: making one costs as much as the rest of a small request. */
const spare: AbortController[] = [];
const MAX_SPARE = 64;

/**
 * Hands a request to a process. The work is finished when the last byte of the answer was taken, or nobody wants it any more.
 *
 * Rejects with a BridgeError: what ended the process, `wall_limit`, `cancelled`, or what the program's side refused.
 */
export async function sendRequest(
  work: Work,
  instance: Instance,
  request: {
    head: RequestHead;
    body: Body;
    signal: AbortSignal;
    limitMs: number;
    onFinish: () => void;
  },
): Promise<LinkResponse> {
  const { head, signal } = request;
  const abort = spare.pop() ?? new AbortController();
  const leave = (): void => {
    abort.abort();
    // Nobody may be there to take note of the end of a stream.
    finish();
  };
  let expired: BridgeError | undefined;
  const pending: Pending = {
    requestId: head.requestId,
    sentMs: work.nowMs(),
    limitMs: request.limitMs,
    expire(error) {
      expired = error;
      abort.abort();
    },
  };
  const finish = begin(work, instance, pending, () => {
    signal.removeEventListener("abort", leave);
    if (!abort.signal.aborted && spare.length < MAX_SPARE) spare.push(abort);
    request.onFinish();
  });
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  try {
    const body = touching(request.body, () => (pending.sentMs = work.nowMs()));
    const answer = await instance.link.request(head, body, abort.signal);
    instance.pending.delete(pending);
    if (answer.body instanceof ReadableStream)
      return { ...answer, body: ending(answer.body, finish) };
    finish();
    return answer;
  } catch (error) {
    finish();
    throw expired ?? explain(instance, error);
  }
}

/** Asks a process something by name. Rejects as `sendRequest` does. */
export async function sendCall(
  work: Work,
  instance: Instance,
  call: {
    name: string;
    params: unknown;
    bytes: Uint8Array | undefined;
    limitMs: number;
    onFinish: () => void;
  },
): Promise<CallAnswer> {
  const late = Promise.withResolvers<never>();
  const pending: Pending = {
    requestId: "",
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
  return body instanceof ReadableStream ? passing(body, touch, () => {}) : body;
}

/** A body that tells when it is over: read to its end, failed, or given up by its reader. */
function ending(body: ReadableStream<Uint8Array>, onEnd: () => void): Body {
  return passing(body, () => {}, onEnd);
}

function passing(
  body: ReadableStream<Uint8Array>,
  onPart: () => void,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            onEnd();
            controller.close();
          } else {
            onPart();
            controller.enqueue(value);
          }
        } catch (error) {
          onEnd();
          controller.error(error);
        }
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    // Nothing is read ahead: a part may lie in memory that is used again when the next one is asked for.
    { highWaterMark: 0 },
  );
}
