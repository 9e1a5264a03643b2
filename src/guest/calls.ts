import type { SocketInfo } from "#bridge/calls.ts";
import { BridgeError, type CallAnswer, type LinkHandlers } from "#bridge/model.ts";

import { isObject, propertyOf } from "./natives.ts";
import type { Program, SocketEvent } from "./program/program.ts";
import { fromMessage } from "./sockets/sockets.ts";

/** Answers what the host asks besides visitors' requests: schedules and events of sockets. */
export function createCalls(program: () => Program): LinkHandlers["onCall"] {
  return async (name, params, bytes): Promise<CallAnswer> => {
    const requestId: unknown = propertyOf(params, "requestId");
    const run = { requestId: typeof requestId === "string" ? requestId : "", subrequests: 0 };
    if (name === "scheduled") {
      const cron = String(propertyOf(params, "cron"));
      await program().scheduled(cron, Number(propertyOf(params, "scheduledTime")), run);
    } else await program().socket(toEvent(name, params, bytes), run);
    return { value: null };
  };
}

/** Throws BridgeError `unknown_call` */
function toEvent(name: string, params: unknown, bytes: Uint8Array): SocketEvent {
  const info = toInfo(propertyOf(params, "socket"));
  if (name === "socket.open") return { kind: "open", info };
  if (name === "socket.message")
    return {
      kind: "message",
      info,
      message: fromMessage(bytes, propertyOf(params, "text") === true),
    };
  if (name !== "socket.close") throw new BridgeError("unknown_call", "There is no such call");
  const code = Number(propertyOf(params, "code"));
  return { kind: "close", info, code, reason: String(propertyOf(params, "reason")) };
}

function toInfo(value: unknown): SocketInfo {
  const text = (name: string): string => {
    const found = propertyOf(value, name);
    return typeof found === "string" ? found : "";
  };
  const headers: unknown = propertyOf(value, "headers");
  return {
    id: text("id"),
    url: text("url"),
    headers: isObject(headers) ? { ...headers } : {},
    protocol: text("protocol"),
    address: text("address"),
    data: propertyOf(value, "data") ?? null,
  };
}
