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
  // The map forgets which event a handler is for; `on` and `emit` keep it by the key.
  const handlers = new Map<keyof Events, Set<(payload: never) => void | Promise<void>>>();
  return {
    on(event, handler) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set.add(handler));
      return () => set.delete(handler);
    },
    emit(event, payload) {
      for (const handler of handlers.get(event) ?? [])
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
        void (async () => handler(payload as never))().catch((cause: unknown) =>
          onError(event, cause),
        );
    },
  };
}
