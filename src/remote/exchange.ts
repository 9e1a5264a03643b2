import type { Static, TSchema } from "@sinclair/typebox";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import {
  ANSWER_LIMITS,
  dropBody,
  errorOf,
  parseAnswer,
  problemOfType,
  readBody,
} from "./answer.ts";
import {
  isLasting,
  PROXY_SIGN_IN,
  type Transport,
  type Watch,
  watchConnecting,
  watchRequest,
} from "./network.ts";
import type { RegistryUrl } from "./registry-url.ts";
import { parseRetryAfter, type Try, withRetry } from "./retry.ts";

/** A request to the API. */
export type Outgoing = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`, beginning with a slash, every part encoded. */
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. Its maker must call `watch.next` while it goes. */
  stream?: (watch: Watch) => ReadableStream<Uint8Array>;
  /** Whether doing it twice is the same as once. By default all but POST. */
  repeatable?: boolean;
  /** How long the answer may take to begin, where it takes longer than others. */
  answerTimeoutMs?: number;
};

/** The way to one registry. */
export type Exchange = {
  readonly registry: RegistryUrl;
  readonly transport: Transport;
  /** Asks and reads an answer of that shape. What the registry throws comes out. @throws network, bad_answer, cancelled */
  ask: <T extends TSchema>(schema: T, outgoing: Outgoing) => Promise<Static<T>>;
  /** Asks for something that answers without content. @throws network, bad_answer, cancelled */
  tell: (outgoing: Outgoing) => Promise<void>;
  /**
   * Asks and hands the answer to `read` within the try, so that a body that breaks off is asked for again where the
   * request is repeatable. Only answers below 300 and 304 arrive there.
   *
   * @throws network, bad_answer, cancelled
   */
  send: <T>(
    outgoing: Outgoing,
    read: (response: Response, watch: Watch, url: string) => Promise<T>,
  ) => Promise<T>;
  /** One try of the same, for those who repeat in their own way. */
  sendOnce: <T>(
    outgoing: Outgoing,
    read: (response: Response, watch: Watch, url: string) => Promise<T>,
  ) => Promise<Try<T>>;
  /** One try that leaves the body to the caller, who must end the watch. */
  open: (outgoing: Outgoing) => Promise<Try<Opened>>;
};

/** An answer whose body was not read yet. */
export type Opened = { response: Response; watch: Watch; url: string };

const MAX_REDIRECTS = 5;
/** Answers that may be another in a moment. */
const PASSING = new Set([408, 429, 502, 503, 504]);

/** Makes the way to a registry. `token` goes to that origin and to no other, whatever a redirect says. */
export function createExchange(
  registry: RegistryUrl,
  token: string | undefined,
  transport: Transport,
): Exchange {
  const open = tellingChanges(transport, async (outgoing) => {
    const address = addressOf(registry, outgoing);
    const url = bareUrl(address);
    const watch = watchRequest(transport);
    let opened = false;
    try {
      const response = await follow({ registry, token, transport, watch }, address, outgoing);
      opened = response.status < 300 || response.status === 304;
      if (opened) return { done: true, value: { response, watch, url } };
      return await troubleOf(response, { watch, transport, url });
    } catch (error) {
      if (error instanceof LandError) throw error;
      const problem = watch.explain(error) + through(transport, address);
      if (isLasting(error)) throw fail("network", { url, problem }, { cause: error });
      return { done: false, problem };
    } finally {
      if (!opened) watch.end();
    }
  });
  const sendOnce: Exchange["sendOnce"] = async (outgoing, read) => {
    const tried = await open(outgoing);
    if (!tried.done) return tried;
    const { response, watch, url } = tried.value;
    try {
      const value = await read(response, watch, url);
      transport.answers.count += 1;
      return { done: true, value };
    } catch (error) {
      if (error instanceof LandError) throw error;
      return { done: false, problem: watch.explain(error) };
    } finally {
      watch.end();
    }
  };
  const send: Exchange["send"] = async (outgoing, read) => {
    const repeatable = outgoing.repeatable ?? outgoing.method !== "POST";
    const url = bareUrl(addressOf(registry, outgoing));
    return withRetry(repeatable ? transport : { ...transport, tries: 1 }, url, () =>
      sendOnce(outgoing, read),
    );
  };
  return {
    registry,
    transport,
    open,
    sendOnce,
    send,
    ask: (schema, outgoing) =>
      send(outgoing, (response, watch, url) =>
        readJsonAnswer(schema, response, { watch, url, transport }),
      ),
    tell: (outgoing) => send(outgoing, dropBody),
  };
}

/** Tells of what may change a package before it is sent, and once it was answered or came to nothing. */
function tellingChanges({ onChange }: Transport, open: Exchange["open"]): Exchange["open"] {
  if (!onChange) return open;
  return async (outgoing) => {
    if (outgoing.method === "GET" || !outgoing.path.startsWith("/packages")) return open(outgoing);
    onChange();
    return open(outgoing).finally(onChange);
  };
}

/** An answer of JSON in the shape that was promised. @throws bad_answer */
export async function readJsonAnswer<T extends TSchema>(
  schema: T,
  response: Response,
  about: { watch: Watch; url: string; transport: Transport },
): Promise<Static<T>> {
  const { url, watch, transport } = about;
  const problem = problemOfType(response, "application/json");
  if (problem !== undefined) throw fail("bad_answer", { url, problem });
  const { idleTimeoutMs } = transport;
  const text = await readBody(response, {
    url,
    limitBytes: ANSWER_LIMITS.json,
    watch,
    idleTimeoutMs,
  });
  return parseAnswer(schema, text, url);
}

type Sending = {
  registry: RegistryUrl;
  token: string | undefined;
  transport: Transport;
  watch: Watch;
};

/** Sends, and follows redirects of reads; to another origin without the token, and never from https to http. */
async function follow(sending: Sending, start: string, outgoing: Outgoing): Promise<Response> {
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const response = await sendTo(sending, url, outgoing);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status === 304 || response.status >= 400 || !location)
      return response;
    await dropBody(response);
    url = nextHop(url, location, outgoing.method, start);
  }
  const problem = `it redirects more than ${MAX_REDIRECTS} times`;
  throw fail("bad_answer", { url: bareUrl(start), problem });
}

function nextHop(from: string, location: string, method: string, start: string): string {
  const refuse = (problem: string) => fail("bad_answer", { url: bareUrl(start), problem });
  const next = URL.parse(location, from);
  if (!next || !/^https?:$/.test(next.protocol)) throw refuse("it redirects to no address");
  const where = printable(next.origin);
  if (method !== "GET")
    throw refuse(`it redirects to ${where}, and what changes something is not sent on`);
  if (from.startsWith("https:") && next.protocol === "http:")
    throw refuse(`it redirects from https to ${where}`);
  return next.href;
}

async function sendTo(
  { registry, token, transport, watch }: Sending,
  url: string,
  { method, headers, json, stream, answerTimeoutMs = transport.answerTimeoutMs }: Outgoing,
): Promise<Response> {
  const own = new URL(url).origin === registry;
  watch.next(answerTimeoutMs, `no answer came within ${answerTimeoutMs / 1000} s`);
  const connected = watchConnecting(transport, url, watch);
  try {
    const response = await transport.fetch(url, {
      method,
      redirect: "manual",
      signal: watch.signal,
      headers: {
        accept: "application/json, application/x-ndjson, application/problem+json",
        "user-agent": transport.userAgent,
        ...headers,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(own && token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(stream && { body: stream(watch), duplex: "half" }),
    });
    if (response.status !== 407) return response;
    await dropBody(response);
    const problem = PROXY_SIGN_IN + through(transport, url);
    throw fail("network", { url: bareUrl(url), problem });
  } finally {
    connected();
  }
}

/** Where a trouble may be the proxy's. */
function through({ proxyOf }: Transport, url: string): string {
  const proxy = proxyOf?.(url);
  return proxy === undefined ? "" : ` (through the proxy ${printable(proxy)})`;
}

/** A trouble that may pass; what the registry tells is thrown where it will not. */
async function troubleOf(
  response: Response,
  about: { watch: Watch; transport: Transport; url: string },
): Promise<Try<never>> {
  const { watch, transport, url } = about;
  const { idleTimeoutMs } = transport;
  const limitBytes = ANSWER_LIMITS.problem;
  const text = await readBody(response, { url, limitBytes, watch, idleTimeoutMs });
  const error = errorOf(response, text, url);
  if (!PASSING.has(response.status)) throw error;
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), transport.now());
  const problem =
    error.code === "bad_answer" ? `it answers with status ${response.status}` : error.message;
  return { done: false, problem, ...(retryAfterMs !== undefined && { retryAfterMs }), error };
}

function addressOf(registry: RegistryUrl, { path, query = {} }: Outgoing): string {
  checkParts(path);
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, value);
  const search = given.toString();
  return `${registry}/api/v1${path}${search && `?${search}`}`;
}

/**
 * No encoding keeps `..` from being resolved, and a part that is empty makes another address too: a key of that name would be the
 * site itself, which `DELETE` removes.
 */
function checkParts(path: string): void {
  const part = /\/(\.{0,2})(?=\/|$)/.exec(path)?.[1];
  if (part === undefined) return;
  const problem = part === "" ? "it is empty" : "addresses take it for another folder";
  throw fail("name_invalid", { what: "a name", value: part, problem });
}

/** An address for a message: what is asked for may be private. */
function bareUrl(url: string): string {
  return printable(url.replace(/[?#].*$/s, ""));
}
