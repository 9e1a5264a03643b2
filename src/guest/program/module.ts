import { BridgeError } from "#bridge/model.ts";

import { toRequest } from "../http/requests.ts";
import { toLinkResponse } from "../http/responses.ts";
import { isObject, propertyOf } from "../natives.ts";
import { type Run, within } from "../run.ts";
import { createSocket } from "../sockets/sockets.ts";
import { isLeft } from "./left.ts";
import type { Guest, Program, SocketEvent } from "./program.ts";

/** Handlers of a module, each bound to what it is a property of. */
export type ModuleHandlers = {
  fetch: Handler | undefined;
  scheduled: Handler | undefined;
  open: Handler | undefined;
  message: Handler | undefined;
  close: Handler | undefined;
};
type Handler = (...args: unknown[]) => unknown;

/** The handlers that a module exports: its default export is a function or holds them, or they are exported by their names. */
export function readExports(exported: object): ModuleHandlers {
  const main: unknown = Reflect.get(exported, "default");
  const socket = propertyOf(main, "websocket") ?? Reflect.get(exported, "websocket");
  const named = (name: string): Handler | undefined =>
    handlerIn(main, name) ?? handlerIn(exported, name);
  return {
    fetch:
      named("fetch") ??
      (typeof main === "function" && !isClass(main) ? toHandler(main, undefined) : undefined),
    scheduled: named("scheduled"),
    open: handlerIn(socket, "open"),
    message: handlerIn(socket, "message"),
    close: handlerIn(socket, "close"),
  };
}

/** Whether it is a class, which nobody can call. */
export function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** A program of the module shape. */
export function createModule(handlers: ModuleHandlers, guest: Guest): Program {
  const context = createContexts(guest);
  const failed = (error: unknown, run: Run): BridgeError => {
    guest.report(error, run);
    return new BridgeError("exception", "The program threw an error");
  };
  return {
    shape: "module",
    handlers: {
      fetch: handlers.fetch !== undefined,
      scheduled: handlers.scheduled !== undefined,
      websocket: [handlers.open, handlers.message, handlers.close].some(Boolean),
    },
    async answer(head, body, signal, run) {
      const { fetch } = handlers;
      if (!fetch) throw new BridgeError("no_handler", "The program has no fetch handler");
      try {
        const request = toRequest(head, body, signal);
        const given = within(run, () => fetch(request, guest.env(), context()));
        return toLinkResponse(await given, run, guest.report);
      } catch (error) {
        if (isLeft(error, signal)) throw new BridgeError("cancelled", "The visitor left");
        throw failed(error, run);
      }
    },
    async scheduled(cron, scheduledTime, run) {
      const { scheduled } = handlers;
      if (!scheduled) throw new BridgeError("no_handler", "The program has no scheduled handler");
      const state = { noRetry: false };
      const controller = {
        type: "scheduled",
        cron,
        scheduledTime,
        noRetry: () => (state.noRetry = true),
      };
      const promises: unknown[] = [];
      try {
        await within(run, () => scheduled(controller, guest.env(), context(promises)));
        // Also those that these begin: the run is over when nothing is left.
        for (const promise of promises) await promise;
      } catch (error) {
        guest.report(error, run);
        throw new BridgeError(
          state.noRetry ? "no_retry" : "exception",
          guest.stacks.title(error) || "The program threw an error",
        );
      }
    },
    async socket(event, run) {
      try {
        await within(run, () => callSocket(handlers, event, guest, context()));
      } catch (error) {
        throw failed(error, run);
      }
    },
  };
}

function callSocket(
  handlers: ModuleHandlers,
  event: SocketEvent,
  guest: Guest,
  context: object,
): unknown {
  const handler = handlers[event.kind];
  if (!handler) return undefined;
  const socket = createSocket(guest.link, event.info);
  const env = guest.env();
  if (event.kind === "message") return handler(socket, event.message, env, context);
  if (event.kind === "close") return handler(socket, event.code, event.reason, env, context);
  return handler(socket, env, context);
}

/** Makes `ctx`. What it is given goes to `promises`, for who wants to wait for it, and keeps the process. */
function createContexts({ waiting }: Guest): (promises?: unknown[]) => object {
  return (promises) => ({
    waitUntil(promise: unknown) {
      if (!promises) return waiting.add(promise);
      // Who awaits them one after another tells of what fails.
      if (promise instanceof Promise) promise.catch(() => undefined);
      return void promises.push(promise);
    },
    passThroughOnException() {
      // There is nothing behind a program that could answer in its place.
    },
    props: {},
  });
}

function handlerIn(owner: unknown, name: string): Handler | undefined {
  const found = propertyOf(owner, name);
  return typeof found === "function" ? toHandler(found, owner) : undefined;
}

function toHandler(found: object, owner: unknown): Handler {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type was looked at by the caller
  const call = found as Handler;
  return isObject(owner) ? call.bind(owner) : call;
}
