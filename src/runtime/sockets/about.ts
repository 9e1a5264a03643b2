import type { SocketInfo } from "#bridge/calls.ts";
import type { ProgramAsk } from "#sites/serving/program.ts";

import { requestHead } from "../link/visitor-request.ts";
import type { PackedAbout, Socket } from "./socket.ts";

type About = Omit<SocketInfo, "id" | "data">;

/** What is said of the handshake alone. */
const OF_HANDSHAKE = /^(?:sec-websocket-|x-request-id$)/;

/** What is kept of a handshake, as a program sees a request, in a form that takes little memory. */
export function packAbout(ask: ProgramAsk, protocol: string): PackedAbout {
  const { url, headers, address } = requestHead(ask);
  const kept = headers.filter(([name]) => !OF_HANDSHAKE.test(name));
  const about: About = { url, headers: Object.fromEntries(kept), protocol, address };
  return JSON.stringify(about);
}

/** A socket as its program sees it. */
export function infoOf({ id, about, data }: Socket): SocketInfo {
  const { url, headers, protocol, address }: About = JSON.parse(about);
  return { id, url, headers, protocol, address, data: JSON.parse(data) };
}
