import { propertyOf } from "../natives.ts";
import { type ModuleHandlers, readExports } from "./module.ts";

/** What service workers register with `addEventListener`, as handlers of a module. */
export type Listeners = {
  /** Puts it into the global scope. */
  install: () => void;
  /** The handlers so far, each of which calls `before` first; undefined where nothing listens. */
  handlers: (before: () => void) => ModuleHandlers | undefined;
};

type Listener = (event: object) => unknown;

/** Takes the listeners of `fetch` and `scheduled`; all others stay the runtime's. */
export function createListeners(): Listeners {
  const taken: Record<"fetch" | "scheduled", Listener[]> = { fetch: [], scheduled: [] };
  return {
    install() {
      const native = globalThis.addEventListener;
      const add = (type: unknown, listener: unknown, options?: unknown): void => {
        if (type === "fetch" || type === "scheduled") taken[type].push(toListener(listener));
        else Reflect.apply(native, globalThis, [type, listener, options]);
      };
      Object.defineProperty(globalThis, "addEventListener", { value: add, writable: true });
    },
    handlers(before) {
      const { fetch, scheduled } = taken;
      if (fetch.length + scheduled.length === 0) return undefined;
      return readExports({
        ...(fetch.length > 0 && { fetch: answerWith(fetch, before) }),
        ...(scheduled.length > 0 && { scheduled: scheduleWith(scheduled, before) }),
      });
    },
  };
}

/** Calls the listeners in turn until one answers. */
function answerWith(listeners: readonly Listener[], before: () => void) {
  return async (request: unknown, _env: unknown, context: object): Promise<unknown> => {
    before();
    const state: { answer?: unknown } = {};
    const event = {
      type: "fetch",
      request,
      respondWith(answer: unknown) {
        if ("answer" in state) throw new TypeError("respondWith() was called before");
        state.answer = answer;
      },
      ...context,
    };
    for (const listener of listeners) {
      listener(event);
      if ("answer" in state) return state.answer;
    }
    throw new Error("No listener of fetch called respondWith()");
  };
}

function scheduleWith(listeners: readonly Listener[], before: () => void) {
  return async (controller: object, _env: unknown, context: object): Promise<void> => {
    before();
    for (const listener of listeners) await listener({ ...controller, ...context });
  };
}

function toListener(listener: unknown): Listener {
  const found = typeof listener === "function" ? listener : propertyOf(listener, "handleEvent");
  if (typeof found !== "function") throw new TypeError("A listener is a function");
  return (event) => Reflect.apply(found, listener, [event]);
}
