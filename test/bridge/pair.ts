import { createLink, type LinkTransport } from "#bridge/link.ts";
import {
  type BridgeError,
  type Link,
  type LinkHandlers,
  type LinkResponse,
  RING_SLOT_BYTES,
  RING_SLOTS,
} from "#bridge/model.ts";

/** What a test wants different. */
export type PairOptions = {
  host?: Partial<LinkHandlers>;
  guest?: Partial<LinkHandlers>;
  ring?: boolean;
  /** Bytes that one write takes at most. */
  chunkBytes?: () => number;
  transport?: Partial<LinkTransport>;
};

/** Two links that speak with each other in one process. */
export type Pair = {
  host: Link;
  guest: Link;
  closed: { host?: BridgeError | undefined | "open"; guest?: BridgeError | undefined | "open" };
  /** All that the host sent, and the guest. */
  bytes: { host: number; guest: number };
  /** While true, the guest takes nothing. */
  block: (isBlocked: boolean) => void;
  memory: Uint8Array | undefined;
};

const refuse = (): Promise<LinkResponse> => Promise.reject(new Error("not asked"));
const quiet: LinkHandlers = {
  onControl: () => undefined,
  onRequest: refuse,
  onCall: () => ({ value: null }),
  onNote: () => undefined,
  onClose: () => undefined,
};

/** Makes a pair whose bytes are copied, in pieces where asked so, as a socket would. */
export function makePair(options: PairOptions = {}): Pair {
  const memory = options.ring === true ? new Uint8Array(RING_SLOTS * RING_SLOT_BYTES) : undefined;
  const closed: Pair["closed"] = { host: "open", guest: "open" };
  const bytes = { host: 0, guest: 0 };
  let blocked = false;
  const links: { host?: Link; guest?: Link } = {};
  const transport = (from: "host" | "guest", to: "host" | "guest"): LinkTransport => ({
    write(given) {
      if (from === "host" && blocked) return 0;
      const piece = new Uint8Array(given.subarray(0, options.chunkBytes?.() ?? given.length));
      bytes[from] += piece.length;
      setImmediate(() => links[to]?.receive(piece));
      if (piece.length < given.length) setImmediate(() => links[from]?.drained());
      return piece.length;
    },
    schedule: (flush) => void setImmediate(flush),
    ...(from === "host" && options.transport),
  });
  const bulk = memory && { memory };
  const handlers = (side: "host" | "guest"): LinkHandlers => ({
    ...quiet,
    onClose: (error) => {
      closed[side] = error;
    },
    ...options[side],
  });
  const host = createLink("host", transport("host", "guest"), handlers("host"), bulk);
  const guest = createLink("guest", transport("guest", "host"), handlers("guest"), bulk);
  links.host = host;
  links.guest = guest;
  return {
    host,
    guest,
    closed,
    bytes,
    memory,
    block(isBlocked) {
      blocked = isBlocked;
      if (!isBlocked) host.drained();
    },
  };
}
