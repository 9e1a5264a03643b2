import type { ServerConfig } from "#base/config.ts";
import { BridgeError, type HeaderList, type LinkResponse } from "#bridge/model.ts";
import type { ProgramAnswer } from "#sites/serving/program.ts";

import { passBody } from "./visitor-body.ts";

/** Headers that concern the connection, or that the server alone sends. */
const KEPT_BACK = new Set([
  "alt-svc",
  "connection",
  "content-length",
  "date",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Orders to a proxy in front, which it obeys: with `X-Accel-Redirect` a program would have it send files of the machine. */
const KEPT_BACK_START = /^x-(?:land-|accel-|sendfile|lighttpd-|litespeed-|reproxy-url)/;
/** Statuses whose answers have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** Makes what programs answer into what visitors get. */
export type Answers = {
  /** Throws BridgeError `bad_response` where it cannot be sent; `onWrong` is told of it where it breaks off later. */
  toAnswer: (
    method: string,
    response: LinkResponse,
    onWrong: (error: BridgeError) => void,
  ) => ProgramAnswer;
};

/** Makes answers for a server of these domains. */
export function createAnswers(config: Pick<ServerConfig, "domain" | "sitesDomain">): Answers {
  const domains = [config.domain, config.sitesDomain].filter((domain) => domain !== "");
  const headersOf = rememberHeaders(domains);
  return {
    toAnswer(method, response, onWrong) {
      const { status, statusText, body } = response;
      // An informational status would leave the visitor waiting; 101 hands over the connection, which is not the program's.
      if (status < 200) throw refuse(body, `status ${status}`);
      const isEmpty = WITHOUT_BODY.has(status) || method === "HEAD";
      const { headers, copied, length } = headersOf(response.headers);
      const withLength = (): { status: number; statusText: string; headers: Pairs } => ({
        status,
        statusText,
        headers: length === undefined ? headers : [...headers, ["content-length", String(length)]],
      });
      const init = { status, statusText, headers: copied ?? headers };
      if (isEmpty || body === null) {
        drop(body);
        const isTold = isEmpty && status !== 204;
        return { response: new Response(null, isTold ? withLength() : init), bytes: 0 };
      }
      if (body instanceof Uint8Array)
        return { response: new Response(body, init), bytes: body.length };
      const counted = countBody(body, length, onWrong);
      return { response: new Response(counted.body, withLength()), bytes: 0, sent: counted.sent };
    },
  };
}

type Pairs = [string, string][];
/** `copied`: the same again, which is copied in half the time. */
type Read = { headers: Pairs; length: number | undefined; copied: Headers | undefined };

/** Reads headers; where the same list comes again, it was read before. */
function rememberHeaders(domains: readonly string[]): (list: HeaderList) => Read {
  const before = new WeakMap<HeaderList, Read>();
  return (list) => {
    const known = before.get(list);
    if (known) known.copied ??= new Headers(known.headers);
    const read = known ?? readHeaders(list, domains);
    if (!known) before.set(list, read);
    return read;
  };
}

function readHeaders(list: HeaderList, domains: readonly string[]): Read {
  const headers: [string, string][] = [];
  let length: number | undefined;
  for (const [name, value] of list) {
    if (name === "content-length" && /^\d{1,15}$/.test(value)) length = Number(value);
    if (KEPT_BACK.has(name) || (name.startsWith("x-") && KEPT_BACK_START.test(name))) continue;
    // Cookies are cleared for the whole registrable domain: those of other sites and of the dashboard, too.
    if (name === "clear-site-data" && /cookies|\*/i.test(value)) continue;
    headers.push([name, name === "set-cookie" ? ownCookie(value, domains) : value]);
  }
  return { headers, length, copied: undefined };
}

/**
 * A Set-Cookie value without a `Domain` that would give the cookie to other sites or to the server's own pages: it stays a cookie
 * of the host that answered.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-5.2.3
 */
export function ownCookie(cookie: string, domains: readonly string[]): string {
  if (!/;\s*domain\s*=/i.test(cookie)) return cookie;
  const [pair = "", ...attributes] = cookie.split(";");
  const kept = attributes.filter((attribute) => {
    const [name = "", ...value] = attribute.split("=");
    if (name.trim().toLowerCase() !== "domain") return true;
    const domain = value.join("=").trim().toLowerCase().replace(/^\./, "").replace(/\.$/, "");
    return !domains.some((own) => own === domain || own.endsWith(`.${domain}`));
  });
  return [pair, ...kept].join(";");
}

/** Counts what is read; one that is not as long as it was said to be breaks off, since what follows would be taken for an answer. */
function countBody(
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  onWrong: (error: BridgeError) => void,
): { body: ReadableStream<Uint8Array>; sent: Promise<number> } {
  const { promise, resolve } = Promise.withResolvers<number>();
  let count = 0;
  const wrong = (): BridgeError => {
    const error = new BridgeError(
      "bad_response",
      `The answer broke off: its body is not the ${length} bytes long that content-length said`,
    );
    onWrong(error);
    return error;
  };
  const look = (bytes: number): Error | undefined => {
    count += bytes;
    return length !== undefined && count > length ? wrong() : undefined;
  };
  const onEnd = (isWhole: boolean): Error | undefined => {
    resolve(count);
    return isWhole && length !== undefined && count !== length ? wrong() : undefined;
  };
  return { body: passBody(body, look, onEnd), sent: promise };
}

function refuse(body: LinkResponse["body"], problem: string): BridgeError {
  drop(body);
  return new BridgeError("bad_response", `The program answered what cannot be sent: ${problem}`);
}

function drop(body: LinkResponse["body"]): void {
  if (body instanceof ReadableStream) body.cancel().catch(() => undefined);
}
