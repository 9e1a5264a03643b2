import type { SocketInfo } from "#bridge/calls.ts";
import type { Link } from "#bridge/model.ts";

import { encodeText, natives } from "../natives.ts";

/** A visitor's WebSocket as a program sees it. The server holds it, so it outlives the process. */
export type LandSocket = {
  readonly id: string;
  readonly url: string;
  readonly headers: Headers;
  readonly protocol: string;
  readonly address: string;
  /** Kept with the socket, at most 4 kB of JSON; assign to change it. */
  data: unknown;
  send: (message: unknown) => void;
  close: (code?: number, reason?: string) => void;
  subscribe: (topic: string) => void;
  unsubscribe: (topic: string) => void;
  /** To everybody of the topic but this socket. */
  publish: (topic: string, message: unknown) => void;
};

/** All sockets of the site: `env.SOCKETS`. */
export type LandSockets = {
  /** To every socket, or those of a topic. */
  broadcast: (message: unknown, topic?: string) => void;
  publish: (topic: string, message: unknown) => void;
  count: (topic?: string) => Promise<number>;
};

const MAX_DATA_BYTES = 4096;
const MAX_TOPIC = 256;

/** Sockets over a link. */
export function createSockets(link: () => Link): LandSockets {
  const publish = (topic: string, message: unknown): void => {
    const { bytes, text } = toMessage(message);
    link().note("socket.publish", { topic, text }, bytes);
  };
  return {
    broadcast: (message, topic) => publish(topic === undefined ? "" : checkTopic(topic), message),
    publish: (topic, message) => publish(checkTopic(topic), message),
    async count(topic) {
      const params = topic === undefined ? {} : { topic: checkTopic(topic) };
      const { value } = await link().call("socket.count", params);
      return Number(value);
    },
  };
}

/** One socket, for the time of one event. */
export function createSocket(link: () => Link, info: SocketInfo): LandSocket {
  const { id } = info;
  let { data } = info;
  const note = (name: string, params: object, bytes?: Uint8Array): void =>
    link().note(name, { id, ...params }, bytes);
  return {
    id,
    url: info.url,
    headers: new natives.Headers(info.headers),
    protocol: info.protocol,
    address: info.address,
    get data() {
      return data;
    },
    set data(value) {
      const text = natives.stringify(value ?? null);
      if (text === undefined || Buffer.byteLength(text) > MAX_DATA_BYTES)
        throw new TypeError(`The data of a socket is at most ${MAX_DATA_BYTES} bytes of JSON`);
      data = value;
      note("socket.data", { data: natives.parse(text) });
    },
    send(message) {
      const { bytes, text } = toMessage(message);
      note("socket.send", { text }, bytes);
    },
    close: (code, reason) =>
      note("socket.close", {
        ...(code !== undefined && { code }),
        ...(reason !== undefined && { reason }),
      }),
    subscribe: (topic) => note("socket.subscribe", { topic: checkTopic(topic) }),
    unsubscribe: (topic) => note("socket.unsubscribe", { topic: checkTopic(topic) }),
    publish(topic, message) {
      const { bytes, text } = toMessage(message);
      link().note("socket.publish", { topic: checkTopic(topic), text, except: id }, bytes);
    },
  };
}

/** A message as a program gets it: a text, or bytes. */
export function fromMessage(bytes: Uint8Array, isText: boolean): string | Uint8Array {
  // A copy: the frame that the bytes lie in would else be kept. What `slice` of a Buffer gives is none.
  return isText ? Buffer.from(bytes).toString("utf8") : new Uint8Array(bytes);
}

/** Texts and bytes as they are; anything else as JSON. */
function toMessage(message: unknown): { bytes: Uint8Array; text: boolean } {
  if (typeof message === "string") return { bytes: encodeText(message), text: true };
  if (message instanceof ArrayBuffer) return { bytes: new Uint8Array(message), text: false };
  if (ArrayBuffer.isView(message)) {
    const { buffer, byteOffset, byteLength } = message;
    return { bytes: new Uint8Array(buffer, byteOffset, byteLength), text: false };
  }
  const json = natives.stringify(message);
  if (json === undefined) throw new TypeError("A message is a text, bytes, or what JSON can say");
  return { bytes: encodeText(json), text: true };
}

function checkTopic(topic: unknown): string {
  if (typeof topic !== "string" || topic === "")
    throw new TypeError("A topic is a text and not empty");
  if (topic.length <= MAX_TOPIC) return topic;
  throw new TypeError(`A topic has at most ${MAX_TOPIC} characters`);
}
