import type { GuestError, Handlers, Shape } from "#bridge/model.ts";

const MAX_CHARS = 8192;

/** What a process says of its program; a hostile one may say anything, and whatever it did not say is not there. */
export function readLoaded(message: unknown): { shape: Shape; handlers: Handlers } {
  const handlers = field(message, "handlers");
  return {
    shape: field(message, "shape") === "script" ? "script" : "module",
    handlers: {
      fetch: field(handlers, "fetch") === true,
      scheduled: field(handlers, "scheduled") === true,
      websocket: field(handlers, "websocket") === true,
    },
  };
}

/** Why it says that its program cannot be loaded: texts, cut to what a line of a log holds. */
export function readBroken(error: unknown): GuestError {
  const text = (name: string): string => {
    const value = field(error, name);
    return typeof value === "string" ? value.slice(0, MAX_CHARS) : "";
  };
  return { name: text("name") || "Error", message: text("message"), stack: text("stack") };
}

function field(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
