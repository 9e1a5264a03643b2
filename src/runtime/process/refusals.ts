import { BridgeError } from "#bridge/model.ts";

/** An error for the visitor. `message` holds nothing of the program. */
export function refuse(
  code: RefusalCode,
  message: string,
  retryAfterSeconds?: number,
): BridgeError {
  return new BridgeError(code, message, retryAfterSeconds);
}

/** Why a request or a call is not answered by a program that should have. */
export type RefusalCode =
  /** This server runs no programs. */
  | "functions_unavailable"
  /** The server or the process of the program ends. */
  | "stopping"
  /** The site was removed, or the deploy is not run any more. */
  | "program_gone"
  /** The program cannot be loaded: it is wrong. */
  | "program_broken"
  /** Its process ended before the program ran; it is tried again later. */
  | "start_failed"
  /** Its process ended under the request. */
  | "crashed"
  /** Too many requests at once. */
  | "busy"
  | "wall_limit"
  | "cpu_limit"
  | "cpu_budget"
  | "memory_limit"
  | "thread_limit"
  | "disk_limit"
  /** The visitor left. */
  | "cancelled";
