/** A listener whose every request is a handshake with one site, real WebSockets to it, and a program that is a function of the test. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket as TcpSocket } from "node:net";

import { loadConfig, type ServerConfig } from "#base/config.ts";
import { createHooks } from "#base/hooks.ts";
import { parseDeployId, parseDigest, parseSiteName } from "#base/names.ts";
import type { SocketInfo } from "#bridge/calls.ts";
import type { Peer } from "#http/peer.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { createSockets, type SocketParts, type Sockets } from "#runtime/sockets/sockets.ts";
import type { ProgramRef, Tenant } from "#runtime/tenant.ts";
import { type ProgramAsk, UPGRADED } from "#sites/serving/program.ts";

/** What a program was asked. */
export type Asked = {
  ref: ProgramRef;
  name: string;
  socket: SocketInfo;
  text: string;
  code?: number | undefined;
  reason?: string | undefined;
};

export const FIRST = parseDeployId("aaaaaaaaaa");
export const SECOND = parseDeployId("bbbbbbbbbb");

/** A test's server of sockets. */
export type World = AsyncDisposable & {
  sockets: Sockets;
  port: number;
  /** Answers a request as the listener does. */
  answer: (request: Request, peer: Peer) => Promise<Response | undefined>;
  /** Everything the program was asked, oldest first. */
  asked: Asked[];
  told: string[];
  logged: { event: string; cause: unknown }[];
  /** How often it was asked which handlers a program has. */
  starts: () => number;
  /** Makes another deploy live. */
  release: (deploy: typeof FIRST | undefined) => void;
  /** Tells that a site was removed. */
  remove: (siteId: number) => void;
  pass: (ms: number) => void;
  tenant: (siteId?: number, deploy?: typeof FIRST) => Tenant;
  note: (name: string, params: unknown, bytes?: string | Uint8Array, tenant?: Tenant) => void;
  open: (path?: string, options?: Bun.WebSocketOptions) => Promise<Client>;
  raw: (headers?: Record<string, string>, path?: string) => Promise<Raw>;
};

/** A WebSocket of a test. */
export type Client = {
  ws: WebSocket;
  got: (string | Buffer)[];
  closed: Promise<{ code: number; reason: string }>;
};

/** A connection by hand. */
export type Raw = { tcp: TcpSocket; status: number; head: string };

/** How the world is. `path` decides the address: `/ws` is the site's; `?site=2` another; `?draft` the second deploy's own. */
export type WorldOptions = {
  config?: Partial<ServerConfig>;
  handles?: boolean;
  call?: (asked: Asked) => Promise<void> | void;
  address?: string;
  idleSeconds?: number;
  handlersOf?: () => Promise<void>;
  /** Real programs instead of the test's. */
  parts?: Pick<SocketParts, "handlersOf" | "call" | "currentProgram">;
};

/** Starts one. */
export async function socketWorld(options: WorldOptions = {}): Promise<World> {
  const config = { ...loadConfig({ data: "/nowhere", env: {}, flags: {} }), ...options.config };
  const asked: Asked[] = [];
  const told: string[] = [];
  const logged: World["logged"] = [];
  let starts = 0;
  let live: typeof FIRST | undefined = FIRST;
  let at = 0;
  const log = (event: string, fields?: Record<string, unknown>): void =>
    void logged.push({ event, cause: fields?.["cause"] });
  const hooks = createHooks(() => undefined);
  const sockets = createSockets({
    config,
    hooks,
    log: { info: log, warn: log, error: log },
    now: () => new Date(Date.now() + at),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    async handlersOf() {
      starts += 1;
      await options.handlersOf?.();
      return { fetch: true, scheduled: false, websocket: options.handles ?? true };
    },
    async call(ref, name, params, bytes): Promise<void> {
      const { socket, code, reason } = params as Asked;
      const one = { ref, name, socket, text: textOf(bytes), code, reason };
      asked.push(one);
      await options.call?.(one);
    },
    currentProgram: async (siteId, deploy, isLive) => {
      const of = isLive ? live : deploy;
      return of && refOf(siteId, of);
    },
    siteAt: async (host) => (host === "www.example.com" ? "site1" : undefined),
    ...(options.idleSeconds !== undefined && { idleSeconds: options.idleSeconds }),
    tell: (_siteId, _site, message) => void told.push(message),
    ...options.parts,
  });
  const answer = async (request: Request, peer: Peer): Promise<Response | undefined> => {
    const decided = await sockets.answerUpgrade(askOf(request, peer, live ?? FIRST));
    if (!decided) return new Response("for the program");
    return decided.response === UPGRADED ? undefined : decided.response;
  };
  const server = Bun.serve<SocketData>({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch(request, self) {
      const peer: Peer = {
        address: () => options.address ?? "127.0.0.1",
        secure: false,
        upgrader: self,
      };
      return answer(request, peer);
    },
    websocket: sockets.websocket,
  });
  const port = server.port ?? 0;
  return {
    sockets,
    port,
    answer,
    asked,
    told,
    logged,
    starts: () => starts,
    release(deploy) {
      live = deploy;
      hooks.emit("site.changed", { site: "site1" });
    },
    remove: (id) => hooks.emit("site.deleted", { site: `site${id}`, id, user: "ada" }),
    pass: (ms) => void (at += ms),
    tenant: tenantOf,
    note(name, params, bytes = "", tenant = tenantOf()) {
      const handler = sockets.binding.notes?.[name];
      if (!handler) throw new Error(`no note ${name}`);
      handler(tenant, params, typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    },
    open: (path = "/ws", more = {}) => openClient(`ws://127.0.0.1:${port}${path}`, more),
    raw: (headers, path) => openRaw(port, headers, path),
    async [Symbol.asyncDispose]() {
      sockets.endAll();
      await sockets.stop();
      await server.stop(true);
    },
  };
}

function tenantOf(siteId = 1, deploy = FIRST): Tenant {
  return { siteId, site: parseSiteName(`site${siteId}`), deploy };
}

function refOf(siteId: number, deploy: typeof FIRST): ProgramRef {
  return {
    ...tenantOf(siteId, deploy),
    digest: parseDigest(`sha256:${(deploy === FIRST ? "a" : "b").repeat(64)}`),
    mapDigest: undefined,
    name: "main.ts",
    language: "ts",
    database: undefined,
  };
}

function askOf(request: Request, peer: Peer, live: typeof FIRST): ProgramAsk {
  const query = new URL(request.url).searchParams;
  const isDraft = query.has("draft");
  const { site } = tenantOf(Number(query.get("site") ?? 1));
  const { siteId: id } = tenantOf(Number(query.get("site") ?? 1));
  return {
    request,
    requestId: "r",
    site: {
      id,
      name: site,
      protection: "none",
      passwordHash: null,
      gateVersion: 0,
      maintenance: false,
      requestsPerMinute: null,
    } as unknown as ProgramAsk["site"],
    program: {
      deploy: isDraft ? SECOND : live,
      isLive: !isDraft,
    } as unknown as ProgramAsk["program"],
    host: "site1.localhost",
    peer,
    address: peer.address(),
  };
}

/** Opens a WebSocket and waits for it. */
export async function openClient(url: string, options: Bun.WebSocketOptions = {}): Promise<Client> {
  const ws = new WebSocket(url, options);
  const got: (string | Buffer)[] = [];
  ws.binaryType = "nodebuffer";
  ws.addEventListener("message", ({ data }) => void got.push(data as string | Buffer));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  await new Promise<void>((resolve, reject) => {
    ws.addEventListener("open", () => resolve());
    ws.addEventListener("error", () => reject(new Error("not opened")));
  });
  return { ws, got, closed };
}

async function openRaw(
  port: number,
  headers: Record<string, string> = {},
  path = "/ws",
): Promise<Raw> {
  const tcp = connect(port, "127.0.0.1");
  await once(tcp, "connect");
  const all: Record<string, string> = {
    host: `127.0.0.1:${port}`,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  tcp.on("error", () => undefined);
  tcp.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const [part] = (await once(tcp, "data")) as [Buffer];
    head += part.toString("latin1");
  }
  tcp.pause();
  return { tcp, head, status: Number(head.split(" ")[1]) };
}

/** Comes when `holds` does; the test's own limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(2);
}

/** Large messages are bytes that nobody reads. */
function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return bytes.length > 100_000 ? "" : Buffer.from(bytes).toString();
}
