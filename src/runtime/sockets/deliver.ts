import { BridgeError, type Handlers } from "#bridge/model.ts";

import type { CallProgram } from "../process/supervisor.ts";
import type { ProgramRef } from "../tenant.ts";
import { infoOf } from "./about.ts";
import { closeGently, type Socket, type SocketEvent } from "./socket.ts";
import type { Speakers } from "./speakers.ts";

/** What events are handed on with. */
export type DeliverParts = {
  speakers: Pick<Speakers, "programOf">;
  handlersOf: (ref: ProgramRef) => Promise<Handlers>;
  call: CallProgram;
};

/**
 * Hands one event to the program that its socket's address has now. A socket without a program, or whose program does not run, is closed.
 * `late`: the program is not done in time, and goes on. Rejects only with what should not happen.
 */
export async function deliver(
  parts: DeliverParts,
  socket: Socket,
  event: SocketEvent,
): Promise<"done" | "late"> {
  const { speakers, handlersOf } = parts;
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
    if (!(cause instanceof BridgeError)) throw cause;
    return "done";
  }
  if (!handlers.websocket) return "done";
  try {
    await callProgram(parts.call, ref, socket, event);
    return "done";
  } catch (cause) {
    // What a program or its process failed of is told to its owner by those who know of it.
    if (!(cause instanceof BridgeError)) throw cause;
    return cause.code === "wall_limit" ? "late" : "done";
  }
}

function callProgram(
  call: CallProgram,
  ref: ProgramRef,
  about: Socket,
  event: SocketEvent,
): Promise<void> {
  const socket = infoOf(about);
  if (event.kind === "open") return call(ref, "socket.open", { socket });
  if (event.kind === "message")
    return call(ref, "socket.message", { socket, text: event.text }, event.bytes);
  return call(ref, "socket.close", { socket, code: event.code, reason: event.reason });
}
