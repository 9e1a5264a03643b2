import type { SocketInfo } from "#bridge/calls.ts";
import type { Peer } from "#http/peer.ts";
import { withoutPasses } from "#sites/gate/gate-pass.ts";

import type { PackedAbout, Socket } from "./socket.ts";

type About = Omit<SocketInfo, "id" | "data">;

/** Headers that concern one connection alone. */
const HOP_BY_HOP =
  /^(?:connection|upgrade|keep-alive|te|trailer|transfer-encoding|proxy-.*|sec-websocket-.*)$/;

/** What is kept of a handshake, in a form that takes little memory. */
export function packAbout(
  request: Request,
  { address, protocol, peer }: { address: string; protocol: string; peer: Peer },
): PackedAbout {
  const headers = Object.fromEntries(
    [...request.headers].filter(([name]) => !HOP_BY_HOP.test(name)),
  );
  const cookie = withoutPasses(headers["cookie"] ?? "");
  if (cookie === undefined) delete headers["cookie"];
  else headers["cookie"] = cookie;
  const url = peer.secure ? request.url.replace(/^http:/, "https:") : request.url;
  const about: About = { url, headers, protocol, address };
  return JSON.stringify(about);
}

/** A socket as its program sees it. */
export function infoOf({ id, about, data }: Socket): SocketInfo {
  const { url, headers, protocol, address }: About = JSON.parse(about);
  return { id, url, headers, protocol, address, data: JSON.parse(data) };
}
