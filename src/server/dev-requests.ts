import { parseHost } from "#http/host.ts";
import type { Peer } from "#http/peer.ts";
import { setRequestId } from "#http/request-id.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { UPGRADED } from "#sites/serving/program.ts";
import { PLAIN_PAGE_HEADERS } from "#sites/serving/serve-pages.tsx";
import { splitUrl } from "#sites/serving/serve-question.ts";

import type { FolderAnswer } from "./dev-answer.ts";
import { SCHEDULED_PATH } from "./dev-crons.ts";
import { isOurs, refuseHost } from "./dev-host.ts";
import {
  forbidsReload,
  type Reload,
  RELOAD_PATH,
  SCRIPT_PATH,
  withScriptInOwnPage,
  withScriptInProgramPage,
} from "./dev-reload.ts";

/** One request and its answer. */
export type DevAnswer = {
  at: Date;
  method: string;
  /** As sent, with the query. */
  target: string;
  status: number;
  /** Of the body; undefined where that is still sent. */
  bytes: number | undefined;
  ms: number;
  /** The file or the program that answered, the address that a redirect leads to, or why it was refused. */
  by: string | undefined;
};

/** What answers. */
export type RequestParts = {
  /** Where it listens. */
  host: string;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  pages: Reload;
  answerFolder: FolderAnswer;
  answerScheduled: (request: Request, address: string) => Promise<Response>;
  onAnswer: (answer: DevAnswer) => void;
  onWarning: (text: string) => void;
};

/** Answers a request; undefined where its connection became a WebSocket. */
export type Answer = (
  request: Request,
  server: Bun.Server<SocketData>,
) => Promise<Response | undefined>;

/** Makes it. */
export function createAnswer(parts: RequestParts): Answer {
  const { pages, answerFolder, random } = parts;
  const warnOfPolicy = createPolicyWarning(parts.onWarning);
  return async (request, server) => {
    const note = createNote(parts, request);
    const header = request.headers.get("host");
    const host = parseHost(header);
    const { path } = splitUrl(request.url);
    if (host === undefined || !isOurs(host, parts.host))
      return note(refuseHost(host), 0, `the Host header is ${header ?? "missing"}`);
    if (path === SCRIPT_PATH) return pages.script();
    if (path === RELOAD_PATH) return pages.follow();
    const address = server.requestIP(request)?.address ?? "";
    if (path === SCHEDULED_PATH)
      return note(await parts.answerScheduled(request, address), undefined, "schedule");
    const requestId = Buffer.from(random(9)).toString("base64url");
    setRequestId(request, requestId);
    const peer: Peer = { address: () => address, secure: false, upgrader: server };
    const { response, bytes, by, isByProgram } = await answerFolder(request, host, peer);
    if (response === UPGRADED) return note(undefined, undefined, by);
    response.headers.set("x-request-id", requestId);
    warnOfPolicy(response);
    const page = await withScriptInOwnPage(request, response);
    const isOwn = page !== response || !isByProgram;
    return note(isOwn ? page : withScriptInProgramPage(request, page), bytes, by);
  };
}

type Note = <R extends Response | undefined>(
  response: R,
  bytes: number | undefined,
  by: string | undefined,
) => R;

function createNote({ now, onAnswer }: RequestParts, { method, url }: Request): Note {
  const at = now();
  const startedMs = performance.now();
  return (response, bytes, by) => {
    const ms = performance.now() - startedMs;
    const { path, query } = splitUrl(url);
    const target = query === "" ? path : `${path}?${query}`;
    onAnswer({ at, method, target, status: response?.status ?? 101, bytes, ms, by });
    return response;
  };
}

/** Tells of each policy once. */
function createPolicyWarning(onWarning: (text: string) => void): (response: Response) => void {
  const warned = new Set<string>();
  return ({ headers }) => {
    const policy = headers.get("content-security-policy");
    const isHtml = /^text\/html\b/i.test(headers.get("content-type") ?? "");
    if (!isHtml || policy === null || warned.has(policy) || !forbidsReload(policy)) return;
    if (policy === PLAIN_PAGE_HEADERS["content-security-policy"]) return;
    warned.add(policy);
    onWarning(
      "Pages will not reload by themselves: their Content-Security-Policy forbids the script. It needs script-src 'self' and connect-src 'self'",
    );
  };
}
