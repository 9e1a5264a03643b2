import { createLink } from "#bridge/link.ts";
import {
  BRIDGE_VERSION,
  BridgeError,
  type Control,
  type Link,
  type LinkHandlers,
  type LoadMessage,
} from "#bridge/model.ts";

import { createCalls } from "./calls.ts";
import { type Core, createCore } from "./core.ts";
import { decodeText, natives } from "./natives.ts";
import { createNear } from "./near.ts";
import { loadProgram } from "./program/load.ts";
import type { Program } from "./program/program.ts";
import { mapRing } from "./ring.ts";
import { openTransport } from "./transport.ts";
import { warm } from "./warm.ts";

/** Where the database of a site lies, in its own folder. */
const DATABASE = "./data.db";
/** How often a process that was told to stop looks whether it may. */
const STOP_POLL_MS = 5;

/** Who was given no program by then is one of those that wait, and has the time. */
const WARM_AFTER_MS = 100;

type State = {
  link: Link | undefined;
  /** Whether the host began to send a program. */
  isGiven: boolean;
  program: Program | undefined;
  stopping: boolean;
};

/** Answers the host over the descriptors it gave, until it closes the link or says stop: then the process ends with 0. */
export async function runGuest(): Promise<void> {
  const state: State = { link: undefined, isGiven: false, program: undefined, stopping: false };
  const theLink = (): Link => {
    if (!state.link) throw new BridgeError("link_closed", "There is no link");
    return state.link;
  };
  const near = createNear((bytes) => state.link?.receive(bytes));
  const core = createCore(theLink, near.expect);
  const transport = await openTransport({
    onBytes: (bytes) => state.link?.receive(bytes),
    onDrain: () => state.link?.drained(),
    onClose: () => natives.exit(0),
    onFlushed: near.look,
  });
  const memory = mapRing();
  const bulk = memory && { memory };
  state.link = createLink("guest", transport, handlersOf(state, core), bulk);
  state.link.control({ kind: "hello", version: BRIDGE_VERSION });
  setTimeout(() => {
    if (!state.isGiven) void warm(core.guest, () => state.isGiven);
  }, WARM_AFTER_MS);
}

function handlersOf(state: State, core: Core): LinkHandlers {
  const begun = (): void => void (state.isGiven = true);
  const loading = createLoading(begun, (message, code) => {
    void load(state, core, message, code);
  });
  const ready = (): Program => {
    if (state.program) return state.program;
    throw new BridgeError("not_loaded", "No program is loaded");
  };
  return {
    onControl(message, bytes) {
      if (message.kind === "ping") state.link?.control({ kind: "pong", n: message.n });
      else if (message.kind === "load") loading(message, bytes);
      else if (message.kind === "env") core.env.set(message.env);
      else if (message.kind === "stop") stop(state, core);
    },
    async onRequest(head, body, signal) {
      return ready().answer(head, body, signal, { requestId: head.requestId, subrequests: 0 });
    },
    onCall: createCalls(ready),
    onNote() {
      // The host tells nothing that way.
    },
    onClose: () => natives.exit(0),
  };
}

/** Puts the parts of the code together. */
function createLoading(
  begun: () => void,
  done: (message: LoadMessage, code: string) => void,
): (message: Control & { kind: "load" }, bytes: Uint8Array) => void {
  let first: LoadMessage | undefined;
  let parts: Uint8Array[] = [];
  return (message, bytes) => {
    begun();
    const { more } = message;
    first ??= isWhole(message) ? message : undefined;
    parts.push(new Uint8Array(bytes));
    if (more || !first) return;
    const code = decodeText(Buffer.concat(parts));
    parts = [];
    done(first, code);
  };
}

function isWhole(message: Partial<LoadMessage>): message is LoadMessage {
  return message.name !== undefined && message.env !== undefined;
}

async function load(state: State, core: Core, message: LoadMessage, code: string): Promise<void> {
  const { guest, limits, env } = core;
  guest.lines.limit(message.logLineBytes);
  limits.subrequests = message.subrequests;
  guest.stacks.name({ url: "", name: message.name, prefixColumns: 0 });
  try {
    if (message.database) {
      const { createD1 } = await import("./d1/binding.ts");
      core.bind("DB", createD1(DATABASE));
    }
    env.set(message.env);
    const program = await loadProgram(code, message, guest);
    state.program = program;
    state.link?.control({ kind: "loaded", shape: program.shape, handlers: program.handlers });
  } catch (error) {
    await guest.stacks.loadMap();
    state.link?.control({ kind: "broken", error: guest.stacks.toError(error) });
  }
}

/** Ends the process as soon as it owes nobody anything. */
function stop(state: State, { guest }: Core): void {
  if (state.stopping) return;
  state.stopping = true;
  const look = (): void => {
    const { link } = state;
    if (!link) return;
    if (guest.waiting.count() + link.open().asked + link.backlogBytes() === 0) natives.exit(0);
  };
  natives.setInterval(look, STOP_POLL_MS);
}
