import { createLink } from "#bridge/link.ts";
import {
  type Body,
  BridgeError,
  type CallAnswer,
  type Control,
  type Link,
  type LinkHandlers,
  type LinkResponse,
  type RequestHead,
} from "#bridge/model.ts";

import type { Binding, Tenant } from "../tenant.ts";
import { type Account, createMeter, type Meter } from "./meter.ts";
import type { Ring } from "./ring.ts";
import { adoptSocket } from "./socket.ts";

/** The host's end of the link of one process. */
export type HostLink = Link;

/** What a link is made of. */
export type HostLinkParts = {
  /** Descriptors of this process, which belong to the link from now on. */
  link: number;
  sync: number;
  ring?: Ring;
  tenant: Tenant;
  bindings: readonly Binding[];
  /** Whether the process was given a request of this id and has not finished it. */
  isOpen: (requestId: string) => boolean;
  /** What the process says of itself; nothing of it was checked but that it names a kind. */
  onControl: (message: Control, bytes: Uint8Array) => void;
  /** Told once; an error where the process broke the protocol. */
  onClose: (error: BridgeError | undefined) => void;
  /** Shared by all links of a server, so that their sites share its time. */
  meter?: Meter;
  /** Largest value that goes by a call, in bytes. */
  messageBytes?: number;
};

/** Room for the JSON beside a largest value. */
const JSON_BYTES = 1024 * 1024;
const DEFAULT_MESSAGE_BYTES = 32 * JSON_BYTES;
/** A program begins with the first requests of a turn while the server reads the others: an eighth more of them in a second. */
const HEADS_AT_ONCE = 4;

/** Speaks with a process over its two sockets. What it asks for goes to the bindings, in the name of its tenant alone. */
export function openHostLink(parts: HostLinkParts): HostLink {
  const { tenant, ring } = parts;
  const meter = parts.meter ?? createMeter(() => performance.now());
  const account = meter.account(tenant.siteId);
  const answers = answersOf(parts);
  const messageBytes = parts.messageBytes ? parts.messageBytes + JSON_BYTES : DEFAULT_MESSAGE_BYTES;
  const open = (fd: number, handlers: LinkHandlers, memory?: Uint8Array): Link =>
    openOne({ fd, account, messageBytes, handlers, memory });
  const sync = open(parts.sync, {
    onControl: refuse,
    onNote: refuse,
    onRequest: refuse,
    onCall: answers.onCall,
    onClose: (error) => link.close(error),
  });
  const link = open(
    parts.link,
    {
      ...answers,
      onControl: parts.onControl,
      onClose(error) {
        sync.close();
        parts.onClose(error);
      },
    },
    ring?.memory,
  );
  return {
    ...link,
    request(head, body, signal) {
      account.asked();
      const answer = link.request(head, body, signal);
      answer.catch(account.unanswered);
      return answer;
    },
  };
}

function refuse(): never {
  throw new BridgeError("protocol", "Only calls go over this descriptor");
}

function openOne(about: {
  fd: number;
  account: Account;
  messageBytes: number;
  handlers: LinkHandlers;
  memory: Uint8Array | undefined;
}): Link {
  const { fd, account, messageBytes, handlers, memory } = about;
  const socket = adoptSocket(fd, account, {
    onBytes: (bytes) => link.receive(bytes),
    onDrain: () => link.drained(),
    onEnd: () => link.close(),
    backlogBytes: () => link.backlogBytes(),
  });
  const link: Link = createLink(
    "host",
    {
      write: socket.write,
      yields: socket.yields,
      schedule: setImmediate,
      messageBytes,
      headsAtOnce: HEADS_AT_ONCE,
    },
    {
      ...handlers,
      onClose(error) {
        socket.close();
        handlers.onClose(error);
      },
    },
    memory && { memory },
  );
  return link;
}

type Answers = Pick<LinkHandlers, "onCall" | "onNote" | "onRequest">;
type OnCall = NonNullable<Binding["calls"]>[string];
type OnNote = NonNullable<Binding["notes"]>[string];

function answersOf({
  tenant,
  bindings,
  isOpen,
}: Pick<HostLinkParts, "tenant" | "bindings" | "isOpen">): Answers {
  const calls = new Map<string, OnCall>();
  const notes = new Map<string, OnNote>();
  for (const binding of bindings) {
    for (const [name, call] of Object.entries(binding.calls ?? {})) calls.set(name, call);
    for (const [name, note] of Object.entries(binding.notes ?? {})) notes.set(name, note);
  }
  const request = bindings.find((binding) => binding.request)?.request;
  return {
    onCall(name, params, bytes): CallAnswer | Promise<CallAnswer> {
      const call = calls.get(name);
      if (!call) throw new BridgeError("unknown_call", "There is no such call");
      return call(tenant, params, bytes);
    },
    onNote(name, params, bytes) {
      notes.get(name)?.(tenant, params, bytes);
    },
    async onRequest(head: RequestHead, body: Body, signal: AbortSignal): Promise<LinkResponse> {
      if (!request) throw new BridgeError("egress_denied", "Nothing can be fetched here");
      // Whose request it belongs to is the process's word: with ids that it makes up it would have the share of each.
      const isOurs = head.requestId === "" || isOpen(head.requestId);
      return request(tenant, isOurs ? head : { ...head, requestId: "" }, body, signal);
    },
  };
}
