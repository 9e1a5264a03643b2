import { constants } from "node:crypto";

import { isIpLiteral } from "#http/host.ts";

import { type Certificate, covers } from "./certificate.ts";
import type { Target, Visitor } from "./front.ts";

/** Who sends a request over TLS. */
export type TlsPeer = Visitor & {
  secure: true;
  /** Whether the connection may ask for `host`: its certificate is for it, or it named no server and `host` is an address. */
  covers: (host: string) => boolean;
};

/** An answer; undefined where the connection became a WebSocket. */
type Answered = Response | undefined | Promise<Response | undefined>;

/** How requests that came over TLS are answered. */
export type EndpointOptions<WebSocketData> = {
  answer: (request: Request, peer: TlsPeer, server: Bun.Server<WebSocketData>) => Answered;
  /** Without it, no request may be upgraded. */
  websocket?: Bun.WebSocketHandler<WebSocketData>;
  /** Seconds a connection may be silent. */
  idleSeconds: number;
  /** Most certificates for which a server is kept open. */
  max: number;
};

/** One server on the loopback per certificate in use. */
export type Endpoints = {
  /** The server with this certificate; started where there is none yet, or one with an older certificate for the same names. */
  of: (certificate: Certificate) => Target;
  /** Lets requests in flight finish. */
  stop: () => Promise<void>;
  /** Breaks off everything. */
  terminate: () => Promise<void>;
};

type Endpoint = Target & {
  chain: string;
  /** Takes no new connections; ends with its last one. */
  retire: () => void;
  stop: (force: boolean) => Promise<void>;
};

/** Ciphers of TLS 1.2 with forward secrecy and authenticated encryption; TLS 1.3 has no others. */
const CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** Makes an empty set of servers. */
export function createEndpoints<WebSocketData = undefined>(
  options: EndpointOptions<WebSocketData>,
): Endpoints {
  /** By the names in the certificate, the one used last at the end. */
  const current = new Map<string, Endpoint>();
  const all = new Set<Endpoint>();

  function start(certificate: Certificate): Endpoint {
    const endpoint = startEndpoint(certificate, options, () => all.delete(endpoint));
    all.add(endpoint);
    return endpoint;
  }

  return {
    of(certificate) {
      const key = certificate.names.join(" ");
      const known = current.get(key);
      const fresh = known?.chain === certificate.chain ? known : start(certificate);
      current.delete(key);
      current.set(key, fresh);
      if (known !== fresh) known?.retire();
      const [oldest] = current;
      if (oldest && current.size > options.max) {
        current.delete(oldest[0]);
        oldest[1].retire();
      }
      return fresh;
    },
    stop: async () => void (await Promise.all([...all].map((endpoint) => endpoint.stop(false)))),
    terminate: async () =>
      void (await Promise.all([...all].map((endpoint) => endpoint.stop(true)))),
  };
}

function startEndpoint<WebSocketData>(
  certificate: Certificate,
  options: EndpointOptions<WebSocketData>,
  onStop: () => void,
): Endpoint {
  const peers = new Map<number, TlsPeer>();
  const { names } = certificate;
  let retired = false;

  function answer(request: Request, server: Bun.Server<WebSocketData>) {
    const from = server.requestIP(request);
    // Only the front connects here. Another local program has an address or a port that the front never announced.
    const peer = from?.address === "127.0.0.1" ? peers.get(from.port) : undefined;
    if (!peer) return new Response(null, { status: 421, headers: { connection: "close" } });
    return options.answer(request, peer, server);
  }

  const server = serve(certificate, options, answer);
  const stop = async (force: boolean): Promise<void> => {
    await server.stop(force);
    onStop();
  };
  const stopIfUnused = (): void => {
    if (retired && peers.size === 0) void stop(false);
  };
  return {
    port: server.port ?? 0,
    chain: certificate.chain,
    opened(localPort, visitor) {
      const byAddress = visitor.serverName === undefined;
      peers.set(localPort, {
        ...visitor,
        secure: true,
        covers: (host) => covers(names, host) || (byAddress && isIpLiteral(host)),
      });
    },
    closed(localPort) {
      peers.delete(localPort);
      stopIfUnused();
    },
    retire() {
      retired = true;
      stopIfUnused();
    },
    stop,
  };
}

/** Where the certificate and its key do not work together, what Bun.serve throws comes through. */
function serve<WebSocketData>(
  { chain, key }: Certificate,
  { websocket = { message: () => undefined }, idleSeconds }: EndpointOptions<WebSocketData>,
  fetch: (request: Request, server: Bun.Server<WebSocketData>) => Answered,
): Bun.Server<WebSocketData> {
  return Bun.serve<WebSocketData>({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    development: false,
    http2: true,
    idleTimeout: idleSeconds,
    // Each route has a limit of its own, refused with a problem; Bun's would close the connection.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    tls: {
      cert: chain,
      key,
      ciphers: CIPHERS,
      secureOptions: constants.SSL_OP_NO_TLSv1 | constants.SSL_OP_NO_TLSv1_1,
    },
    fetch,
    websocket,
  });
}
