import { spawnWorker } from "#base/worker.ts";

/** A thread with a connection of its own to one database, which answers questions one after another. */
export type Asking<Q, A> = {
  /** Rejects with what the thread says is wrong, or where it died. */
  ask: (question: Q) => Promise<A>;
  /** Ends it; who waits for an answer is told so. */
  stop: () => void;
};

/** What goes to the thread. The first message carries the path of the database. */
export type Question<Q> = { path: string } | { id: number; question: Q };
/** What comes back. */
export type Answer<A> = { id: number; answer: A } | { id: number; error: string };

/** Starts the thread at the first question; it does not keep the process alive. One that dies is replaced at the next question. */
export function createAsking<Q, A>(module: string, path: string): Asking<Q, A> {
  const waiting = new Map<number, PromiseWithResolvers<A>>();
  let worker: Worker | undefined;
  let lastId = 0;

  function failAll(message: string): void {
    for (const waiter of waiting.values()) waiter.reject(new Error(message));
    waiting.clear();
  }
  function start(): Worker {
    const started = spawnWorker(module, { smol: true });
    started.addEventListener("message", ({ data }: MessageEvent<Answer<A>>) => {
      const waiter = waiting.get(data.id);
      waiting.delete(data.id);
      if (waiting.size === 0) started.unref();
      if ("error" in data) waiter?.reject(new Error(data.error));
      else waiter?.resolve(data.answer);
    });
    started.addEventListener("error", ({ message }) => {
      worker = undefined;
      failAll(`the thread of ${module} died: ${message}`);
    });
    started.postMessage({ path } satisfies Question<Q>);
    return started;
  }

  return {
    ask(question) {
      worker ??= start();
      // An answer must arrive even where nothing else keeps the process alive.
      worker.ref();
      lastId += 1;
      const waiter = Promise.withResolvers<A>();
      waiting.set(lastId, waiter);
      worker.postMessage({ id: lastId, question } satisfies Question<Q>);
      return waiter.promise;
    },
    stop() {
      worker?.terminate();
      worker = undefined;
      failAll("the database is closed");
    },
  };
}

/** The other end: answers each question by `answer`, with a connection that `open` opens. Who asks names what both are. */
export function answerQuestions<C>(
  open: (path: string) => C,
  answer: (connection: C, question: never) => unknown,
): void {
  let connection: C | undefined;
  const answerOne = (id: number, question: never): Answer<unknown> => {
    try {
      if (connection === undefined) throw new Error("no database was named");
      return { id, answer: answer(connection, question) };
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) };
    }
  };
  self.addEventListener("message", ({ data }: MessageEvent<Question<never>>) => {
    if ("path" in data) connection = open(data.path);
    else self.postMessage(answerOne(data.id, data.question));
  });
}

declare const self: Worker;
