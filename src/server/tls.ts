import { networkOf } from "#base/address.ts";
import { isLoopbackHost, type ServerConfig } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { isIpLiteral, parseHost } from "#http/host.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import type { Ctx } from "#store/ctx.ts";
import type { CertificateSource } from "#tls/certificate.ts";
import { createEndpoints, type Endpoints, type TlsPeer } from "#tls/endpoints.ts";
import { type Front, startFront } from "#tls/front.ts";
import { createSlots } from "#tls/slots.ts";
import { within } from "#tls/within.ts";

import { clientAddress } from "./address.ts";
import { openPort } from "./open-port.ts";

/** Who sent a request over https; the address is the peer's, which may be a trusted proxy. */
export type SecurePeer = Pick<TlsPeer, "address" | "secure" | "covers">;

/** How https is started. */
export type TlsOptions = {
  source: CertificateSource;
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Undefined: the connection became a WebSocket. */
  answer: (
    request: Request,
    peer: SecurePeer,
    server: Bun.Server<SocketData>,
  ) => Response | undefined | Promise<Response | undefined>;
  websocket?: Bun.WebSocketHandler<SocketData> | undefined;
  /** Seconds a connection may be silent. */
  idleSeconds: number;
};

/** The https listener. */
export type RunningTls = {
  port: number;
  /** Whether there is a certificate for a host now. Where one can be obtained, that begins, and the answer is false until it is there. */
  isReady: (host: string) => Promise<boolean>;
  /** Accepts no further connections and lets requests in flight finish for at most `drainSeconds`. Ends the source too. */
  stop: () => Promise<void>;
};

const HANDSHAKE_MS = 10_000;
const HANDSHAKES_PER_NETWORK = 256;
const HANDSHAKES = 4096;
const CERTIFICATES_OPEN = 512;
const READY_WITHIN_MS = 20;

/** Listens for https. @throws address_in_use */
export async function startTls(ctx: Ctx, options: TlsOptions): Promise<RunningTls> {
  const { source, host, port, answer, websocket, idleSeconds } = options;
  const endpoints = createEndpoints<SocketData>({
    answer,
    ...(websocket && { websocket }),
    idleSeconds,
    max: CERTIFICATES_OPEN,
  });
  const front = openPort(host, port, (hostname) =>
    startFront({
      hostname,
      port,
      // Who names no server came by address: that is us.
      route: async (serverName) => {
        const certificate = await source.find(serverName ?? ctx.config.domain);
        return certificate && endpoints.of(certificate);
      },
      slots: createSlots(HANDSHAKES_PER_NETWORK, HANDSHAKES, isOwnMachine),
      handshakeMs: HANDSHAKE_MS,
      stallMs: idleSeconds * 1000,
      log: ctx.log,
    }),
  );
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await drain(front, endpoints, ctx.config.drainSeconds * 1000);
    await source.stop();
  };
  return {
    port: front.port,
    isReady: (name) => isReady(source, name),
    stop: () => (stopping ??= stop()),
  };
}

async function drain(front: Front, endpoints: Endpoints, ms: number): Promise<void> {
  front.close();
  const deadline = setTimeout(() => {
    void endpoints.terminate();
    front.terminate();
  }, ms);
  await endpoints.stop();
  await front.ended();
  clearTimeout(deadline);
}

async function isReady(source: CertificateSource, host: string): Promise<boolean> {
  if (isIpLiteral(host)) return false;
  // Where it fails, the handshake fails as well, and is logged there.
  const found = source.find(host).catch(() => undefined);
  return (await within(READY_WITHIN_MS, found)) !== undefined;
}

function isOwnMachine(network: string): boolean {
  return isLoopbackHost(network) || network === networkOf("::1");
}

/**
 * The port for https.
 *
 * @throws config_invalid where it would be 65536
 */
export function chooseTlsPort(config: ServerConfig): number {
  const named = config["tls.port"];
  if (named !== 0) return named;
  if (config.port === 80) return 443;
  if (config.port === 0) return 0;
  if (config.port < 65_535) return config.port + 1;
  const problem = "there is no port after 65535: name one";
  throw fail("config_invalid", { key: "tls.port", source: "its default", problem });
}

/**
 * The redirect that answers a request over http, or undefined where http is answered itself: where it is turned off, for the proofs of an
 * ACME authority, behind a trusted proxy that speaks https, for addresses, and for `localhost` where no authority of ours signs for it.
 * Ask `isReady` of the listener too: a name without certificate must not be sent to one.
 */
export function redirectToHttps(
  request: Request,
  config: ServerConfig,
  tlsPort: number,
  peer: string,
): Response | undefined {
  if (config.tls === "off" || config["tls.redirect"] === "off") return undefined;
  const host = parseHost(request.headers.get("host"));
  if (host === undefined || isIpLiteral(host)) return undefined;
  if (isLocalName(host) && config.tls !== "dev") return undefined;
  if (isSecureBehindProxy(request, config, peer)) return undefined;
  const target = targetOf(request.url);
  if (target.startsWith("/.well-known/acme-challenge/")) return undefined;
  const port = tlsPort === 443 ? "" : `:${tlsPort}`;
  const location = `https://${host}${port}${target}`;
  return new Response(null, { status: 308, headers: { location, "content-length": "0" } });
}

/** Whether a trusted proxy says that its client came by https. */
export function isSecureBehindProxy(request: Request, config: ServerConfig, peer: string): boolean {
  // Without a header of forwarding, `clientAddress` only brings the address to its plain form.
  if (!config.trustedProxies.includes(clientAddress(peer, null, []))) return false;
  const said = request.headers.get("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
  return said === "https";
}

/** The Strict-Transport-Security of answers over https, or undefined for none: an own authority or `localhost` must stay reachable by http. */
export function hstsHeader(config: ServerConfig): string | undefined {
  const seconds = config["tls.hstsSeconds"];
  if (config.tls === "off" || config.tls === "dev" || seconds === 0) return undefined;
  return isLocalName(config.domain) ? undefined : `max-age=${seconds}`;
}

/** Whether a host means this machine by its name alone (RFC 6761). */
export function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function targetOf(address: string): string {
  const url = URL.parse(address);
  return url ? `${url.pathname}${url.search}` : "/";
}
