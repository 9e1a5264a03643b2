import type { ServerConfig } from "#base/config.ts";
import type { CallAnswer, Handlers } from "#bridge/model.ts";

import type { ProgramRef } from "../tenant.ts";
import { infoOf } from "./about.ts";
import { closeGently, type Socket, type SocketEvent } from "./socket.ts";
import type { Speakers } from "./speakers.ts";

/** Asks a program something; starts its process where it does not run. */
export type CallProgram = (
  ref: ProgramRef,
  name: string,
  params: unknown,
  bytes?: Uint8Array,
) => Promise<CallAnswer>;

/** What events are handed on with. */
export type DeliverParts = {
  config: Pick<ServerConfig, "functions.wallSeconds">;
  speakers: Pick<Speakers, "programOf">;
  handlersOf: (ref: ProgramRef) => Promise<Handlers>;
  call: CallProgram;
};

/**
 * Hands one event to the program that its socket's address has now. A socket without a program, or whose program does not run, is closed.
 * Rejects with what the program or its start failed of; `late`: it is not done in time, and goes on.
 */
export async function deliver(
  parts: DeliverParts,
  socket: Socket,
  event: SocketEvent,
): Promise<"done" | "late"> {
  const { config, speakers, handlersOf } = parts;
  let ref: ProgramRef | undefined;
  let handlers: Handlers;
  try {
    ref = await speakers.programOf(socket);
    if (!ref) {
      closeGently(socket, 1001, "there is no program any more");
      return "done";
    }
    handlers = await handlersOf(ref);
  } catch (cause) {
    closeGently(socket, 1011, "the program does not run");
    throw cause;
  }
  if (!handlers.websocket) return "done";
  const done = callProgram(parts.call, ref, socket, event);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), config["functions.wallSeconds"] * 1000);
  });
  try {
    return await Promise.race([done.then((): "done" => "done"), late]);
  } finally {
    clearTimeout(timer);
  }
}

function callProgram(
  call: CallProgram,
  ref: ProgramRef,
  about: Socket,
  event: SocketEvent,
): Promise<CallAnswer> {
  const socket = infoOf(about);
  if (event.kind === "open") return call(ref, "socket.open", { socket });
  if (event.kind === "message")
    return call(ref, "socket.message", { socket, text: event.text }, event.bytes);
  return call(ref, "socket.close", { socket, code: event.code, reason: event.reason });
}
