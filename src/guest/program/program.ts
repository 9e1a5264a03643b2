import type { SocketInfo } from "#bridge/calls.ts";
import type { Body, Handlers, Link, LinkResponse, RequestHead, Shape } from "#bridge/model.ts";

import type { Lines } from "../log/lines.ts";
import type { Stacks } from "../log/stacks.ts";
import type { Run } from "../run.ts";
import type { Waiting } from "../waiting.ts";

/** A loaded program, of either shape. What it throws has been written to the log. */
export type Program = {
  shape: Shape;
  handlers: Handlers;
  /** Throws BridgeError `exception` */
  answer: (head: RequestHead, body: Body, signal: AbortSignal, run: Run) => Promise<LinkResponse>;
  /** Throws BridgeError `exception`, or `no_retry` where it failed and said so. Its message is the error's: no visitor asked for it. */
  scheduled: (cron: string, scheduledTime: number, run: Run) => Promise<void>;
  socket: (event: SocketEvent, run: Run) => Promise<void>;
};

/** What happened to a socket. */
export type SocketEvent =
  | { kind: "open"; info: SocketInfo }
  | { kind: "message"; info: SocketInfo; message: string | Uint8Array }
  | { kind: "close"; info: SocketInfo; code: number; reason: string };

/** What programs of both shapes are run with. */
export type Guest = {
  link: () => Link;
  stacks: Stacks;
  lines: Lines;
  waiting: Waiting;
  /** Writes an error of the program to the log; of the run that it is called in where none is named. */
  report: (error: unknown, run?: Run) => void;
  /** Variables and bindings as they are now. */
  env: () => Readonly<Record<string, unknown>>;
};
