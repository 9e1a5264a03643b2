import { isIP } from "node:net";

import { isLoopbackHost, loadConfig, type ServerConfig } from "#base/config.ts";
import { fail, LandError } from "#base/errors.ts";
import { isIpLiteral, parseHost } from "#http/host.ts";
import { problemResponse } from "#http/problems.ts";
import { PLAIN_PAGE_HEADERS } from "#sites/serving/serve-pages.tsx";
import { splitUrl } from "#sites/serving/serve-question.ts";

import { addressOf } from "./boot.ts";
import { createFolderAnswer, type FolderAnswer } from "./dev-answer.ts";
import { createContent } from "./dev-content.ts";
import { followFolder } from "./dev-folder.ts";
import {
  createReload,
  forbidsReload,
  type Reload,
  RELOAD_PATH,
  SCRIPT_PATH,
  withScriptInOwnPage,
} from "./dev-reload.ts";
import { listen } from "./start.ts";

/** How a folder is served while it is made. */
export type DevOptions = {
  folder: string;
  /** The program that the manifest names, relative to the folder. */
  main: string | undefined;
  host: string;
  /** 0 picks a free one. Undefined: `DEV_PORT`, or the next one that is free. */
  port: number | undefined;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Told of each answer, but for those of `/.land/`. */
  onAnswer: (answer: DevAnswer) => void;
  /** Told after the folder changed, of the paths that are new, gone or changed. */
  onChange: (paths: readonly string[]) => void;
  onWarning: (text: string) => void;
};

/** One request and its answer. */
export type DevAnswer = {
  at: Date;
  method: string;
  /** As sent, with the query. */
  target: string;
  status: number;
  /** Of the body. */
  bytes: number;
  ms: number;
  /** The file that answered, the address that a redirect leads to, or why it was refused. */
  by: string | undefined;
};

/** A folder that is served. */
export type RunningDev = {
  url: string;
  port: number;
  /** The program that lies in the folder and is not run. */
  program: string | undefined;
  /** How many files are served now. */
  files: number;
  hasIndex: boolean;
  /** Breaks off what is under way. */
  stop: () => Promise<void>;
};

/** The port by default. */
export const DEV_PORT = 5265;
/** How many ports after it are tried. */
const MORE_PORTS = 20;

/**
 * Serves a folder as if it were deployed, by the same code, and lets its pages follow its changes. Nothing is written to disk.
 *
 * @throws file_failed, address_in_use
 */
export async function startDev(options: DevOptions): Promise<RunningDev> {
  const { now, onChange, onWarning } = options;
  const content = createContent(now, ({ message }) => onWarning(message));
  let reload: Reload | undefined;
  const folder = await followFolder({
    ...options,
    content,
    onChange(build, paths) {
      const isCss = paths.every((path) => path.endsWith(".css") && build.files.has(path));
      reload?.tell(build.id, isCss ? paths.map((path) => `/${path}`) : undefined);
      onChange(paths);
    },
  });
  const first = await folder.current();
  const pages = (reload = createReload(first.id));
  const config = configOf(options);
  const answerFolder = createFolderAnswer({ ...options, config, content, current: folder.current });
  const answer = createAnswer(options, { pages, answerFolder });
  try {
    const server = takePort(options, answer);
    const port = server.port ?? 0;
    return {
      url: addressOf(config, port),
      port,
      program: first.program,
      files: first.files.size,
      hasIndex: first.files.has("index.html") || first.files.has("_redirects"),
      async stop() {
        folder.stop();
        pages.stop();
        await server.stop(true);
      },
    };
  } catch (error) {
    folder.stop();
    pages.stop();
    throw error;
  }
}

type Answer = (request: Request) => Promise<Response>;
type Behind = { pages: Reload; answerFolder: FolderAnswer };

function configOf({ host, folder }: DevOptions): ServerConfig {
  // Nothing of the environment: what a server is told there is not meant for this one.
  const config = loadConfig({ data: folder, env: {}, flags: { host, rateLimit: "off" } });
  return { ...config, "sites.cacheBytes": 32 * 1024 * 1024 };
}

function takePort({ host, port }: DevOptions, answer: Answer): Bun.Server<undefined> {
  for (let at = port ?? DEV_PORT; ; at++)
    try {
      return listen(host, at, answer);
    } catch (error) {
      const isTaken = error instanceof LandError && error.code === "address_in_use";
      if (!isTaken || port !== undefined || at === DEV_PORT + MORE_PORTS) throw error;
    }
}

function createAnswer(options: DevOptions, { pages, answerFolder }: Behind): Answer {
  const { now, onAnswer, onWarning } = options;
  const warned = new Set<string>();
  const warnOfPolicy = ({ headers }: Response): void => {
    const policy = headers.get("content-security-policy");
    const isHtml = /^text\/html\b/i.test(headers.get("content-type") ?? "");
    if (!isHtml || policy === null || warned.has(policy) || !forbidsReload(policy)) return;
    if (policy === PLAIN_PAGE_HEADERS["content-security-policy"]) return;
    warned.add(policy);
    onWarning(
      "Pages will not reload by themselves: the Content-Security-Policy in _headers forbids their script. It needs script-src 'self' and connect-src 'self'",
    );
  };
  return async (request) => {
    const at = now();
    const startedMs = performance.now();
    const header = request.headers.get("host");
    const host = parseHost(header);
    const { path, query } = splitUrl(request.url);
    const note = (response: Response, bytes: number, by: string | undefined): Response => {
      const ms = performance.now() - startedMs;
      const target = query === "" ? path : `${path}?${query}`;
      onAnswer({ at, method: request.method, target, status: response.status, bytes, ms, by });
      return response;
    };
    if (host === undefined || !isOurs(host, options.host))
      return note(refuseHost(host), 0, `the Host header is ${header ?? "missing"}`);
    if (path === SCRIPT_PATH) return pages.script();
    if (path === RELOAD_PATH) return pages.follow();
    const { response, bytes, by } = await answerFolder(request, host);
    warnOfPolicy(response);
    return note(await withScriptInOwnPage(request, response), bytes, by);
  };
}

/**
 * Whether a name is one of this machine. A page of anybody could let its own name lead here, and read what is served: a name
 * that nobody else can have is not that.
 */
function isOurs(host: string, listening: string): boolean {
  if (isLoopbackHost(host) || host.endsWith(".localhost")) return true;
  if (isLoopbackHost(listening)) return false;
  return isIpLiteral(host) || (isIP(listening) === 0 && host === listening.toLowerCase());
}

function refuseHost(host: string | undefined): Response {
  const problem =
    host === undefined
      ? "its Host header is not one host name"
      : "its Host header names another machine";
  return problemResponse(fail("bad_request", { problem }), {});
}
