import type { Events } from "./events.ts";

type Handler<E extends keyof Events> = (payload: Events[E]) => void | Promise<void>;

/** The bus on which features tell what happened, without knowing who listens. */
export type Hooks = {
  /** Calls `handler` after each event of that name. Returns the way to stop. */
  on: <E extends keyof Events>(event: E, handler: Handler<E>) => () => void;
  /** Tells all listeners. A listener that fails is reported and cannot break the act. */
  emit: <E extends keyof Events>(event: E, payload: Events[E]) => void;
};

/** Makes a bus. `onError` is told of listeners that failed. */
export function createHooks(onError: (event: string, cause: unknown) => void): Hooks {
  const handlers = new Map<keyof Events, Set<Handler<never>>>();
  return {
    on(event, handler) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set.add(handler as Handler<never>));
      return () => set.delete(handler as Handler<never>);
    },
    emit(event, payload) {
      for (const handler of handlers.get(event) ?? [])
        void (async () => handler(payload as never))().catch((cause: unknown) =>
          onError(event, cause),
        );
    },
  };
}
