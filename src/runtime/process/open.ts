import {
  BRIDGE_VERSION,
  BridgeError,
  type Control,
  type GuestError,
  type Handlers,
  type Link,
  type Shape,
} from "#bridge/model.ts";

import { openHostLink } from "../link/connection.ts";
import type { Meter } from "../link/meter.ts";
import type { Binding } from "../tenant.ts";
import type { Exit, Instance, Why } from "./instance.ts";
import type { Launched } from "./launch.ts";
import { readBroken, readLoaded } from "./said.ts";

/** Whose process it is, and how it was started. */
type About = Pick<Instance, "ref" | "site" | "startedAt" | "hasDatabase" | "isReadOnly">;

/** What a process says until its program runs. */
export type Opening = {
  instance: Instance;
  /** The sandbox is closed. Rejects where it ended before. */
  hello: Promise<void>;
  loaded: Promise<{ shape: Shape; handlers: Handlers } | { broken: GuestError }>;
};

/** What all links of a server have in common. */
export type Wiring = {
  bindings: readonly Binding[];
  meter: Meter;
  /** Largest value of a call. */
  messageBytes: number;
};

/** What is told to whoever looks after a process. */
export type Watcher = {
  nowMs: () => number;
  /** It was ended by us for the first time: a limit, or a stop. */
  onKill: (instance: Instance, why: Why) => void;
  /** It is gone, for whatever reason. */
  onEnd: (instance: Instance, exit: Exit) => void;
  /** A promise of `waitUntil` is there, or no more. */
  onWaiting: (instance: Instance) => void;
};

/** Takes a process for a program: opens its link under the name of that tenant. */
export function openInstance(
  launched: Launched,
  about: About,
  { bindings, meter, messageBytes }: Wiring,
  watcher: Watcher,
): Opening {
  const hello = Promise.withResolvers<void>();
  const loaded = Promise.withResolvers<Awaited<Opening["loaded"]>>();
  const closed = Promise.withResolvers<BridgeError | undefined>();
  for (const { promise } of [hello, loaded]) promise.catch(() => undefined);
  const tenant = { siteId: about.ref.siteId, site: about.ref.site, deploy: about.ref.deploy };
  const link = openHostLink({
    link: launched.process.link,
    sync: launched.process.sync,
    ring: launched.ring,
    tenant,
    bindings,
    meter,
    messageBytes,
    isOpen: (requestId) => isOpen(instance, requestId),
    onControl(message) {
      launched.process.heard();
      if (message.kind === "hello" && message.version === BRIDGE_VERSION) hello.resolve();
      else if (message.kind === "loaded") loaded.resolve(readLoaded(message));
      else if (message.kind === "broken") loaded.resolve({ broken: readBroken(message.error) });
      else if (!takeControl(instance, message, watcher))
        link.close(new BridgeError("protocol", `it said ${message.kind}`));
    },
    onClose: (error) => closed.resolve(error),
  });
  const ended = Promise.withResolvers<Exit>();
  const instance = makeInstance(launched, about, { link, ended: ended.promise }, watcher);
  const whenClosed = async (error: BridgeError | undefined): Promise<void> => {
    const was = instance.state;
    instance.state = "ended";
    launched.process.kill();
    for (const { reject } of [hello, loaded]) reject(new BridgeError("link_closed", "it ended"));
    const exit = await launched.process.exited;
    launched.ring.close();
    const problem = was === "stopping" ? undefined : error?.message;
    const told = { was, ...exit, stderr: launched.process.stderrTail(), problem };
    watcher.onEnd(instance, told);
    ended.resolve(told);
  };
  void closed.promise.then(whenClosed);
  void launched.process.exited.then(() => link.close());
  return { instance, hello: hello.promise, loaded: loaded.promise };
}

/** Whether a process was given this request or call and has not finished it. */
function isOpen({ pending }: Instance, requestId: string): boolean {
  for (const one of pending) if (one.requestId === requestId) return true;
  return false;
}

/** What a running program's process says of itself. False: it must not say that. */
function takeControl(instance: Instance, message: Control, watcher: Watcher): boolean {
  if (message.kind === "pong") {
    // One that answers ahead would never be found silent.
    if (!Number.isSafeInteger(message.n) || message.n > instance.pinged) return false;
    instance.ponged = Math.max(instance.ponged, message.n);
    return true;
  }
  if (message.kind !== "waiting") return false;
  if (!Number.isSafeInteger(message.count) || message.count < 0) return false;
  instance.waiting = message.count;
  watcher.onWaiting(instance);
  return true;
}

function makeInstance(
  { process, hasEnded }: Launched,
  about: About,
  { link, ended }: { link: Link; ended: Promise<Exit> },
  { nowMs, onKill }: Watcher,
): Instance {
  const instance: Instance = {
    ...about,
    pid: process.pid,
    link,
    ended,
    state: "starting",
    drainUntilMs: Number.POSITIVE_INFINITY,
    shape: "module",
    handlers: { fetch: false, scheduled: false, websocket: false },
    requests: 0,
    open: 0,
    waiting: 0,
    lastWorkMs: nowMs(),
    pending: new Set(),
    pinged: 0,
    ponged: 0,
    cpuMs: 0,
    memoryBytes: 0,
    isSpent: false,
    isRepeated: false,
    why: undefined,
    kill(why) {
      if (why && !instance.why && instance.state !== "ended") {
        instance.why = why;
        onKill(instance, why);
      }
      instance.state = "ended";
      process.kill();
    },
    stop(graceMs) {
      if (instance.state === "stopping" || instance.state === "ended") return;
      if (instance.state === "starting") {
        instance.kill();
        return;
      }
      instance.state = "stopping";
      link.control({ kind: "stop" });
      setTimeout(() => {
        if (!hasEnded()) process.kill();
      }, graceMs).unref();
    },
  };
  return instance;
}
