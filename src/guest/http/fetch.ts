import {
  type Body,
  BridgeError,
  type HeaderList,
  type Link,
  type LinkResponse,
} from "#bridge/model.ts";

import { encodeText, natives } from "../natives.ts";
import { currentRun } from "../run.ts";
import { pairsOf, toBodyInit } from "./requests.ts";
import { makeResponse } from "./response-class.ts";
import { listOf } from "./responses.ts";
import { knowLength } from "./stream-lengths.ts";

/** Told to the host: what to do with redirects. It follows them itself, since each hop is checked anew. */
const REDIRECT = "x-land-redirect";
/** Told by the host: where an answer came from after redirects. */
const FINAL_URL = "x-land-url";
/** Codings of bodies that are taken off, as `DecompressionStream` calls them. Nobody is asked for them, but some send nothing else. */
const CODINGS = new Map<string, Bun.CompressionFormat>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"],
  ["zstd", "zstd"],
]);

/** A `fetch` that asks the host. `limit` is how many may be made in one run of the program. */
export function createFetch(link: () => Link, limit: () => number): typeof fetch {
  const viaHost = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request =
      input instanceof natives.Request
        ? new natives.Request(input, init)
        : new natives.Request(String(input), init);
    const url = new natives.URL(request.url);
    if (url.protocol === "data:" || url.protocol === "blob:") return natives.fetch(input, init);
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw new TypeError(`Cannot fetch ${url.protocol} addresses`);
    count(limit());
    const { signal } = request;
    signal.throwIfAborted();
    url.hash = "";
    return ask(link(), { request, url: url.href, body: await bodyOf(request, init), signal });
  };
  return Object.assign(viaHost, { preconnect: () => undefined });
}

type Asked = { request: Request; url: string; body: Body; signal: AbortSignal };

async function ask(link: Link, { request, url, body, signal }: Asked): Promise<Response> {
  const headers = listOf(request.headers).filter(([name]) => !name.startsWith("x-land-"));
  const head = {
    method: request.method,
    url,
    headers: [...headers, [REDIRECT, request.redirect] as const],
    requestId: currentRun()?.requestId ?? "",
    address: "",
  };
  try {
    const answer = await link.request(head, body, signal);
    const finalUrl = answer.headers.find(([name]) => name === FINAL_URL)?.[1] ?? url;
    const { status, statusText } = answer;
    const { headers: kept, body: decoded } = decode(answer);
    const length = kept.find(([name]) => name === "content-length")?.[1];
    if (decoded instanceof natives.ReadableStream && length !== undefined)
      knowLength(decoded, Number(length));
    const response = makeResponse(decoded, { status, statusText, headers: pairsOf(kept) });
    return Object.defineProperties(response, {
      url: { value: finalUrl, configurable: true },
      redirected: { value: finalUrl !== url, configurable: true },
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toTypeError(error);
  }
}

/** The answer without what the host adds, and without its coding, of which it then tells nothing: it may be sent on as it is. */
function decode({ headers, body }: LinkResponse): { headers: HeaderList; body: Body } {
  const kept = headers.filter(([name]) => name !== FINAL_URL);
  const coding = kept.find(([name]) => name === "content-encoding")?.[1];
  const format = CODINGS.get(coding?.toLowerCase() ?? "");
  if (!format || body === null) return { headers: kept, body };
  const stream =
    body instanceof natives.ReadableStream ? body : new natives.Response(toBodyInit(body)).body;
  return {
    headers: kept.filter(([name]) => name !== "content-encoding" && name !== "content-length"),
    body: stream && stream.pipeThrough(new natives.DecompressionStream(format)),
  };
}

/** Throws Error where this run has made as many as it may */
function count(limit: number): void {
  const run = currentRun();
  if (!run) return;
  run.subrequests += 1;
  if (run.subrequests > limit)
    throw Object.assign(new Error(`Too many subrequests: ${limit} may be made per request`), {
      code: "subrequests_limit",
    });
}

/** The body whole where it was given whole: most are, and these need no stream. */
async function bodyOf(request: Request, init: RequestInit | undefined): Promise<Body> {
  const given = init?.body;
  if (given === undefined || given === null || given instanceof natives.ReadableStream)
    return request.body;
  const { headers } = request;
  if (typeof given === "string") {
    if (!headers.has("content-type")) headers.set("content-type", "text/plain;charset=UTF-8");
    return encodeText(given);
  }
  if (headers.has("content-type")) return request.bytes();
  // Bun's Request does not tell the type of all that it is given, its Response does.
  const made = new natives.Response(given);
  const type = made.headers.get("content-type");
  if (type !== null) headers.set("content-type", type);
  return made.bytes();
}

function toTypeError(error: unknown): unknown {
  if (!(error instanceof BridgeError)) return error;
  const message = error.code === "egress_denied" ? error.message : `Cannot fetch: ${error.message}`;
  return Object.assign(new TypeError(message), { code: error.code });
}
