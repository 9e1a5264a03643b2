import type { IncomingMessage } from "node:http";

import type { ServerConfig } from "#base/config.ts";
import {
  type Body,
  BridgeError,
  type HeaderList,
  type LinkResponse,
  type RequestHead,
} from "#bridge/model.ts";

import { isAllowed } from "./allow.ts";
import { readBody, tooLarge } from "./bodies.ts";
import { connectTo } from "./connect.ts";
import { exchange } from "./exchange.ts";
import type { Guard } from "./guard.ts";
import { gottenHeaders, headerOf, sentHeaders } from "./headers.ts";
import type { EgressNote } from "./ledger.ts";
import { type Hop, isRedirect, MAX_REDIRECTS, nextHop, type RedirectMode } from "./redirect.ts";
import { broken, deny, parseTarget } from "./target.ts";

/** What a `fetch` of one program may and must. */
export type FetchParts = {
  config: Pick<
    ServerConfig,
    "functions.bodyBytes" | "functions.egressBytes" | "functions.egressSeconds"
  >;
  guard: Guard;
  /** Null: every public host. */
  allow: readonly string[] | null;
  /** Counts one more request, after the first. Throws a BridgeError of `egress_limit` where it is one too many. */
  count: () => void;
  note: (note: Omit<EgressNote, "siteId">) => void;
  ca?: string | undefined;
};

/** The answer, and when its connection is given back. */
export type Fetched = { response: LinkResponse; done: Promise<void> };

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/;
const NO_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
const BODILESS = new Set([204, 205, 304]);

/**
 * Asks another server on behalf of a program, through redirects where it wants that: each address is judged anew. The answer
 * carries `x-land-url`, the address that answered.
 *
 * Throws BridgeError egress_denied, egress_failed, egress_timeout, egress_too_large, egress_limit, cancelled
 */
export async function fetchFor(
  parts: FetchParts,
  head: RequestHead,
  body: Body,
  signals: readonly AbortSignal[],
): Promise<Fetched> {
  const mode = modeOf(headerOf(head.headers, "x-land-redirect"));
  const ending = endingOf(signals, parts.config["functions.egressSeconds"]);
  const declared = lengthOf(head.headers);
  try {
    let hop = firstHop(head, body);
    for (let redirects = 0; ; redirects += 1) {
      const message = await ending.race(askOnce(parts, hop, declared, ending.signal));
      const status = message.statusCode ?? 0;
      const location = message.headers.location;
      if (mode === "manual" || !isRedirect(status, location))
        return answerOf(parts, hop, message, ending);
      message.destroy();
      if (mode === "error") throw broken(hop.target.authority, "it redirects");
      if (redirects >= MAX_REDIRECTS) throw broken(hop.target.authority, "it redirects too often");
      hop = nextHop(hop, status, location);
      parts.count();
    }
  } catch (cause) {
    ending.end();
    throw cause;
  }
}

/** One request to one server, without its body. */
async function askOnce(
  parts: FetchParts,
  hop: Hop,
  declared: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { target } = hop;
  const host = target.authority;
  try {
    if (parts.allow && !isAllowed(parts.allow, target))
      throw deny(host, "the site's list of allowed hosts does not name it");
    const addresses = await parts.guard(target);
    signal.throwIfAborted();
    parts.note({ host, requests: 1 });
    const socket = await connectTo(target, addresses, { signal, ca: parts.ca });
    return await exchange(hop, socket, {
      signal,
      bodyBytes: parts.config["functions.bodyBytes"],
      declared,
      onSent: (bytesOut) => parts.note({ host, bytesOut }),
    });
  } catch (cause) {
    if (cause instanceof BridgeError && cause.code === "egress_denied")
      parts.note({ host, refused: cause.message });
    throw cause;
  }
}

function firstHop({ method, url, headers }: RequestHead, body: Body): Hop {
  const target = parseTarget(url);
  const verb = method.toUpperCase();
  if (!METHOD.test(method) || NO_METHODS.has(verb))
    throw deny(target.authority, "its method is not allowed");
  const isEmpty = body instanceof Uint8Array && body.byteLength === 0;
  const isPlain = verb === "GET" || verb === "HEAD";
  if (isPlain && body !== null && !isEmpty)
    throw broken(target.authority, `a ${verb} request has no body`);
  return {
    target,
    // Methods of one's own keep their letters; those of fetch are known in capitals.
    method: /^(?:get|head|post|put|delete|options)$/i.test(method) ? verb : method,
    headers: sentHeaders(headers),
    body: isPlain ? null : body,
  };
}

function answerOf(
  { config, note }: FetchParts,
  hop: Hop,
  message: IncomingMessage,
  ending: Ending,
): Fetched {
  const { target, method } = hop;
  const host = target.authority;
  const limitBytes = config["functions.egressBytes"];
  const status = message.statusCode ?? 0;
  const headers = gottenHeaders(message.rawHeaders);
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const onEnd = (): void => {
    ending.end();
    resolve();
  };
  const isBodiless = method === "HEAD" || BODILESS.has(status);
  if (!isBodiless && (lengthOf(headers) ?? 0) > limitBytes) {
    message.destroy();
    throw tooLarge(host, "the answer", limitBytes);
  }
  ending.began();
  if (isBodiless) message.destroy();
  const body = isBodiless
    ? null
    : readBody(message, {
        what: host,
        limitBytes,
        onBytes: (bytesIn) => note({ host, bytesIn }),
        onEnd,
      });
  if (isBodiless) onEnd();
  return {
    response: {
      status,
      statusText: message.statusMessage ?? "",
      headers: [...headers, ["x-land-url", target.url.href]],
      body,
    },
    done,
  };
}

/** When a request is over: its program does not want it any more, or the time for the head is up. */
type Ending = {
  signal: AbortSignal;
  /** The same answer, or the reason of the end, whichever comes first. */
  race: <T>(work: Promise<T>) => Promise<T>;
  /** The head is there: its time limit is over. */
  began: () => void;
  end: () => void;
};

function endingOf(signals: readonly AbortSignal[], seconds: number): Ending {
  const controller = new AbortController();
  const late = new BridgeError("egress_timeout", `No answer came within ${seconds} seconds`);
  const timer = setTimeout(() => controller.abort(late), seconds * 1000);
  const cancel = (): void =>
    controller.abort(new BridgeError("cancelled", "Nobody waits for the answer"));
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  controller.signal.addEventListener("abort", () => reject(controller.signal.reason), {
    once: true,
  });
  // Not AbortSignal.any: one that lives as long as the server would keep something of every request.
  for (const signal of signals) signal.addEventListener("abort", cancel, { once: true });
  if (signals.some(({ aborted }) => aborted)) cancel();
  return {
    signal: controller.signal,
    race: (work) => Promise.race([work, promise]),
    began: () => clearTimeout(timer),
    end() {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", cancel);
    },
  };
}

function modeOf(value: string | undefined): RedirectMode {
  return value === "manual" || value === "error" ? value : "follow";
}

function lengthOf(headers: HeaderList): number | undefined {
  const value = headerOf(headers, "content-length");
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
