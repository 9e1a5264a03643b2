import { networkOf } from "#base/address.ts";
import { isLoopbackHost, type ServerConfig } from "#base/config.ts";
import { type ProgramAnswer, type ProgramAsk, UPGRADED } from "#sites/serving/program.ts";
import { plainResponse } from "#sites/serving/serve-pages.tsx";

import { packAbout } from "./about.ts";
import { readHandshake, readOrigin } from "./handshake.ts";
import type { Rooms } from "./rooms.ts";
import type { CurrentProgram } from "./speakers.ts";

/** What handshakes are judged and done with. */
export type UpgradeParts = {
  config: Pick<ServerConfig, "functions.sockets" | "functions.socketsPerAddress" | "rateLimit">;
  random: (bytes: number) => Uint8Array;
  rooms: Rooms;
  currentProgram: CurrentProgram;
  /** The site that a host leads to by its own address or a domain of its own, if any. */
  siteAt: (host: string) => Promise<string | undefined>;
  /** Sockets that this server can hold. */
  maxSockets: number;
  isEnding: () => boolean;
};

/** Answers a handshake: the connection becomes a WebSocket, or a page tells that it does not. No process is started for it. */
export async function upgrade(parts: UpgradeParts, ask: ProgramAsk): Promise<ProgramAnswer> {
  const { request, peer, program, site } = ask;
  const handshake = readHandshake(request);
  if (!handshake.ok)
    return refuse(ask, handshake.status, { "sec-websocket-version": "13", upgrade: "websocket" });
  const origin = readOrigin(request, peer.secure);
  if (origin.kind === "refused") return refuse(ask, 403);
  // Another deploy's page is no page of the site, and nobody's but its own may talk to a deploy.
  if (origin.kind === "other")
    if (!program.isLive || (await parts.siteAt(origin.host)) !== site.name) return refuse(ask, 403);
  if (!(await parts.currentProgram(site.id, program.deploy, program.isLive)))
    return refuse(ask, 404);
  const network = networkToCount(parts, ask);
  const problem = findProblem(parts, ask, network);
  if (problem) return refuse(ask, problem, { "retry-after": "10" });
  return enter(parts, ask, handshake.protocol, network);
}

function enter(
  { rooms, random }: UpgradeParts,
  ask: ProgramAsk,
  protocol: string,
  network: string | undefined,
): ProgramAnswer {
  const { request, site, program, peer } = ask;
  const socket = rooms.enter({
    siteId: site.id,
    site: site.name,
    deploy: program.deploy,
    isLive: program.isLive,
    id: Buffer.from(random(12)).toString("base64url"),
    network,
    about: packAbout(ask, protocol),
  });
  const headers: Record<string, string> =
    protocol === "" ? {} : { "sec-websocket-protocol": protocol };
  if (peer.upgrader?.upgrade(request, { data: socket, headers }) === true)
    return { response: UPGRADED, bytes: 0 };
  rooms.leave(socket);
  return refuse(ask, 400);
}

/** What a visitor counts as; undefined where visitors are not counted. */
function networkToCount({ config }: UpgradeParts, { address }: ProgramAsk): string | undefined {
  const isFree = config.rateLimit === "off" || config["functions.socketsPerAddress"] === 0;
  return isFree || isLoopbackHost(address) ? undefined : networkOf(address);
}

function findProblem(
  { config, rooms, maxSockets, isEnding }: UpgradeParts,
  { site: { id } }: ProgramAsk,
  network: string | undefined,
): 503 | 429 | undefined {
  const site = rooms.site(id);
  if (isEnding() || rooms.total() >= maxSockets) return 503;
  if ((site?.count ?? 0) >= config["functions.sockets"]) return 503;
  const own = network === undefined ? 0 : (site?.byNetwork.get(network) ?? 0);
  return own > 0 && own >= config["functions.socketsPerAddress"] ? 429 : undefined;
}

function refuse(
  { request }: ProgramAsk,
  status: number,
  headers?: Record<string, string>,
): ProgramAnswer {
  const response = plainResponse(request, status, headers);
  return { response, bytes: Number(response.headers.get("content-length")) };
}
