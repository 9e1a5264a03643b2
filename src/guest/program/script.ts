import type { SocketInfo } from "#bridge/calls.ts";
import { type Body, BridgeError, type LinkResponse, type RequestHead } from "#bridge/model.ts";

import { encodeText, natives } from "../natives.ts";
import { type Run, within } from "../run.ts";
import { createSocket, createSockets } from "../sockets/sockets.ts";
import { isLeft } from "./left.ts";
import type { Guest, Program, SocketEvent } from "./program.ts";
import type { ScriptDb } from "./script-db.ts";
import { BodyNotJson, createScriptRequest, type ScriptRequest } from "./script-request.ts";
import { createScriptAnswer, type ScriptResponse } from "./script-response.ts";

/** A script as a function of what it sees as globals. */
export type ScriptMain = (
  req: ScriptRequest,
  res: ScriptResponse,
  db: ScriptDb,
  socket: object,
) => Promise<void>;

/** What stands before a script, in its first line: the block lets it declare names that are parameters here. */
export const SCRIPT_START = "export default async (req, res, db, socket) => {{";
/** What stands behind it. */
export const SCRIPT_END = "\n}};\n";

type Listener = (...args: unknown[]) => unknown;
type Listeners = Partial<Record<string, Listener[]>>;

/** A program of the script shape: the function is called anew for each request, schedule-less, and for each event of a socket that it names. */
export function createScript(main: ScriptMain, code: string, db: ScriptDb, guest: Guest): Program {
  const sockets = createSockets(guest.link);
  const events = new Set(
    [...code.matchAll(/\bsocket\s*\.\s*on\s*\(\s*["'`](\w+)/g)].map(([, name]) => name),
  );

  async function runOnce(req: ScriptRequest, res: ScriptResponse, run: Run): Promise<Listeners> {
    const listeners: Listeners = {};
    const socket = {
      ...sockets,
      on: (event: string, listener: Listener) => {
        if (typeof listener !== "function") throw new TypeError("socket.on() takes a function");
        (listeners[event] ??= []).push(listener);
        return socket;
      },
    };
    await within(run, () => main(req, res, db, socket));
    return listeners;
  }
  return {
    shape: "script",
    handlers: { fetch: true, scheduled: false, websocket: events.size > 0 },
    async answer(head, body, signal, run) {
      const req = createScriptRequest(head, await readBody(body));
      const { res, answered, finish, fail } = createScriptAnswer(run, guest.report);
      const state = { running: true };
      const work = runOnce(req, res, run)
        .then(finish, (error: unknown) => {
          if (!isLeft(error, signal) && !isBadBody(error)) guest.report(error, run);
          fail(answerTo(error));
        })
        .finally(() => (state.running = false));
      const answer = await answered;
      if (state.running) guest.waiting.add(work);
      return answer;
    },
    async scheduled() {
      throw new BridgeError("no_handler", "A script has no scheduled handler");
    },
    async socket(event, run) {
      if (!events.has(event.kind)) return;
      const { res } = createScriptAnswer(run, guest.report);
      try {
        const listeners = await runOnce(toRequest(event), res, run);
        const socket = createSocket(guest.link, event.info);
        for (const listener of listeners[event.kind] ?? [])
          await within(run, () => listener(...argumentsOf(event), socket));
      } catch (error) {
        guest.report(error, run);
        throw new BridgeError("exception", "The program threw an error");
      }
    },
  };
}

function argumentsOf(event: SocketEvent): unknown[] {
  if (event.kind === "message") return [event.message];
  return event.kind === "close" ? [event.code, event.reason] : [];
}

/** What a script sees as `req` when something happened to a socket: method `OPEN`, `MESSAGE` or `CLOSE`, the message as its body. */
function toRequest(event: SocketEvent): ScriptRequest {
  const { url, headers, address }: SocketInfo = event.info;
  const message = event.kind === "message" ? event.message : "";
  const bytes = typeof message === "string" ? encodeText(message) : message;
  const list = Object.entries(headers);
  return createScriptRequest(
    { method: event.kind.toUpperCase(), url, headers: list, address },
    bytes,
  );
}

async function readBody(body: Body): Promise<Uint8Array> {
  if (body instanceof natives.ReadableStream) return new natives.Response(body).bytes();
  return body ?? new Uint8Array(0);
}

function isBadBody(error: unknown): boolean {
  return error instanceof BodyNotJson;
}

/** What the visitor gets where the script threw before it answered. */
function answerTo(error: unknown): LinkResponse | BridgeError {
  if (!isBadBody(error)) return new BridgeError("exception", "The program threw an error");
  const headers: RequestHead["headers"] = [["content-type", "text/plain;charset=UTF-8"]];
  const body = encodeText("The body of the request is not JSON\n");
  return { status: 400, statusText: "", headers, body };
}
