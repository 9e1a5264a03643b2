import { ensureFirstCode } from "#accounts/invites.ts";
import { plainAddress } from "#base/address.ts";
import type { ConfigKey } from "#base/settings.ts";
import { parseHost } from "#http/host.ts";
import type { Peer } from "#http/peer.ts";
import { createRateLimiter } from "#http/rate.ts";
import type { Runtime } from "#runtime/runtime.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { type SiteAnswer, UPGRADED } from "#sites/serving/program.ts";
import type { SiteServer } from "#sites/serving/serve.ts";
import type { Ctx } from "#store/ctx.ts";

import { clientAddress } from "./address.ts";
import { createApp } from "./app.ts";
import { addressOf, boot, type Booted, secureAddressOf } from "./boot.ts";
import { createHandler, type Handler } from "./handle.ts";
import { startHosting } from "./hosting.ts";
import { type Certificates, openCertificates } from "./https.ts";
import { openPort } from "./open-port.ts";
import {
  chooseTlsPort,
  hstsHeader,
  isSecureBehindProxy,
  redirectToHttps,
  type RunningTls,
  type SecurePeer,
  startTls,
} from "./tls.ts";

/** What a server is started with. */
export type StartOptions = {
  /** The data folder. */
  data: string;
  /** Settings of the command line by key. */
  flags: Readonly<Partial<Record<ConfigKey, string>>>;
  env: Readonly<Record<string, string | undefined>>;
  /** Takes the one line that tells the address. */
  writeOut: (text: string) => void;
  /** Takes log lines and what the operator must know. */
  writeErr: (text: string) => void;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
};

/** A server that accepts connections. */
export type Running = {
  /** Where it listens, `http://127.0.0.1:5263`. */
  url: string;
  /** Stops listening, lets requests in flight finish for at most `drainSeconds`, then closes the data folder. */
  stop: () => Promise<void>;
  /** Logs what was thrown where nobody catches. The state of the process is then unknown: stop it. */
  logCrash: (cause: unknown) => void;
};

/** Programs that were answering to the last get this long to end by themselves. */
const LAST_MS = 300;
/** Seconds a connection may be silent, in a request or between two. */
const IDLE_SECONDS = 60;

/**
 * Opens the data folder and serves it.
 *
 * @throws lock_busy, config_invalid, data_newer, address_in_use, file_failed
 */
export async function startServer(options: StartOptions): Promise<Running> {
  const booted = await boot({ ...options, writeLog: options.writeErr });
  try {
    return await serve(booted, options);
  } catch (error) {
    await booted.close();
    throw error;
  }
}

/** What listens. Filled as it is opened. */
type Doors = { http?: Bun.Server<SocketData>; https?: RunningTls };

async function serve(booted: Booted, options: StartOptions): Promise<Running> {
  const { ctx } = booted;
  const certificates = await openCertificates(ctx, options.writeErr);
  const hosting = startHosting(ctx, certificates?.jobs ?? []);
  const doors: Doors = {};
  const end = async (): Promise<void> => {
    const drainMs = ctx.config.drainSeconds * 1000;
    const startedMs = performance.now();
    hosting.endStreams();
    const deadline = setTimeout(() => void doors.http?.stop(true), drainMs);
    await Promise.all([doors.http?.stop(), doors.https?.stop() ?? certificates?.source.stop()]);
    clearTimeout(deadline);
    // Programs had the same time for what goes on after their answers.
    await hosting.stop(Math.max(LAST_MS, drainMs - (performance.now() - startedMs)));
  };
  try {
    const { sites, websocket, runtime } = hosting;
    const url = await openDoors(booted, doors, {
      certificates,
      sites,
      websocket,
      runtime,
      options,
    });
    const code = await ensureFirstCode(ctx);
    if (code !== undefined)
      options.writeErr(`The first account needs this code, and becomes admin: ${code}\n`);
    options.writeOut(`land is listening on ${url}\n`);
    let stopping: Promise<void> | undefined;
    return {
      url,
      stop: () => (stopping ??= end().then(() => booted.close())),
      logCrash: (cause) => ctx.log.error("crash", { cause }),
    };
  } catch (error) {
    // What was started reads and writes the data folder, which is closed next.
    await end();
    throw error;
  }
}

/** Listens for http, and for https where there are certificates. Answers the address of the first. */
async function openDoors(
  booted: Booted,
  doors: Doors,
  parts: {
    certificates: Certificates | undefined;
    sites: SiteServer;
    websocket: Bun.WebSocketHandler<SocketData>;
    runtime: Runtime;
    options: StartOptions;
  },
): Promise<string> {
  const { ctx } = booted;
  const { config } = ctx;
  const { certificates, sites, websocket, runtime, options } = parts;
  const handle = createHandler(ctx, {
    app: createApp(ctx, runtime),
    limiter: createRateLimiter(ctx.now),
    sites,
    toHttps: (request) =>
      certificates === undefined ? undefined : leadToHttps(ctx, certificates, doors, request),
  });
  const answer = createAnswer(ctx, sites, handle);
  doors.http = listen(config.host, config.port, answer.http, websocket);
  const url = addressOf(config, doors.http.port ?? config.port);
  booted.setListening(url);
  if (!certificates) return url;
  doors.https = await startTls(ctx, {
    source: certificates.source,
    host: config.host,
    port: chooseTlsPort(config),
    answer: answer.https,
    websocket,
    idleSeconds: IDLE_SECONDS,
  });
  const secure = secureAddressOf(config, doors.https.port);
  booted.setListening(secure);
  options.writeErr(`land listens for https on ${secure}\n`);
  return url;
}

/** An answer as Bun takes it; undefined where the connection became a WebSocket. */
type Answered = Response | undefined | Promise<Response | undefined>;

function socketAddress(server: Bun.Server<SocketData>, request: Request): string {
  return server.requestIP(request)?.address ?? "";
}

function withoutUpgraded(answer: SiteAnswer): Response | undefined {
  return answer === UPGRADED ? undefined : answer;
}

/** The two doors: plain http, and https behind its own listener. Sites that were asked for before are answered at once. */
function createAnswer(ctx: Ctx, sites: SiteServer, handle: Handler) {
  const { config } = ctx;
  const { trustedProxies } = config;
  const redirects = config.tls !== "off" && config["tls.redirect"] === "on";
  const hsts = hstsHeader(config);
  const addressFor = (request: Request, peer: string): string =>
    trustedProxies.length === 0
      ? plainAddress(peer)
      : clientAddress(peer, request.headers.get("x-forwarded-for"), trustedProxies);
  // Who asks there is this machine, whichever of its own addresses it takes: to ask the system is a tenth of an answer's work.
  const isOwnMachine = trustedProxies.length === 0 && config.host === "127.0.0.1";
  return {
    http: (request: Request, server: Bun.Server<SocketData>): Answered => {
      // A call of the system: asked for once at most.
      let address: string | undefined;
      const peer: Peer = {
        address: () =>
          (address ??= isOwnMachine
            ? config.host
            : addressFor(request, socketAddress(server, request))),
        secure:
          trustedProxies.length > 0 &&
          isSecureBehindProxy(request, config, socketAddress(server, request)),
        upgrader: server,
      };
      if (!redirects || peer.secure) {
        const quick = sites.quick(request, peer);
        if (quick) return quick;
      }
      return handle(request, peer).then(withoutUpgraded);
    },
    https: async (
      request: Request,
      { address, covers }: SecurePeer,
      server: Bun.Server<SocketData>,
    ): Promise<Response | undefined> => {
      const peer: Peer = {
        address: () => addressFor(request, address),
        secure: true,
        covers,
        upgrader: server,
      };
      const host = parseHost(request.headers.get("host"));
      const quick = host !== undefined && covers(host) ? sites.quick(request, peer) : undefined;
      const response = quick ?? (await handle(request, peer));
      if (response === UPGRADED) return undefined;
      if (hsts !== undefined) response.headers.set("strict-transport-security", hsts);
      return response;
    },
  };
}

/** The proof for an authority, or the way to https. */
async function leadToHttps(
  ctx: Ctx,
  { acme }: Certificates,
  { https }: Doors,
  request: Request,
): Promise<Response | undefined> {
  return (await acme?.answerChallenge(request)) ?? (https && redirectIfReady(ctx, https, request));
}

/** The way to https where the host has a certificate, so that nobody is sent to a closed door. */
async function redirectIfReady(
  { config }: Ctx,
  https: RunningTls,
  request: Request,
): Promise<Response | undefined> {
  const redirect = redirectToHttps(request, config, https.port, "");
  if (!redirect) return undefined;
  const host = parseHost(request.headers.get("host"));
  return host !== undefined && (await https.isReady(host)) ? redirect : undefined;
}

/** Takes a port; 0 picks a free one. @throws address_in_use */
export function listen<Data = undefined>(
  hostname: string,
  port: number,
  answer: (request: Request, server: Bun.Server<Data>) => Answered,
  websocket: Bun.WebSocketHandler<Data> = { message: () => undefined },
): Bun.Server<Data> {
  return openPort(hostname, port, (plain) =>
    Bun.serve<Data>({
      hostname: plain,
      port,
      idleTimeout: IDLE_SECONDS,
      development: false,
      // By itself Bun shares the port outside development: a second server would take every other connection.
      reusePort: false,
      // Each route has a limit of its own, refused with a problem; Bun's would close the connection.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: answer,
      websocket,
    }),
  );
}
