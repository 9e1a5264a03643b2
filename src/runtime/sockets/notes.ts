import type { Binding, Tenant } from "../tenant.ts";
import { type Act, findSocket, type Outbox } from "./outbox.ts";
import { countOf, type Rooms } from "./rooms.ts";
import type { SocketSite } from "./socket.ts";
import type { Speakers } from "./speakers.ts";
import type { Message } from "./writer.ts";

/** What programs may ask for. */
export type NoteParts = {
  rooms: Rooms;
  speakers: Pick<Speakers, "reach" | "ask">;
  outbox: Outbox;
};

type Fields = Readonly<Record<string, unknown>>;

const MAX_ID = 64;
const MAX_TOPIC = 256;
const MAX_DATA_BYTES = 4096;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What programs may do with their sockets. A note that is malformed does nothing: whoever writes to the link by hand is told nothing. */
export function socketBinding({ rooms, speakers, outbox }: NoteParts): Binding {
  const note =
    (read: (fields: Fields, bytes: Uint8Array) => Act | undefined) =>
    (tenant: Tenant, params: unknown, bytes: Uint8Array): void => {
      const site = rooms.site(tenant.siteId);
      const act = site && read(fieldsOf(params), bytes);
      if (!site || !act) return;
      if (act.kind === "data" && keep(speakers, site, tenant, act)) return;
      outbox.add(site, tenant.deploy, act);
    };
  return {
    notes: {
      "socket.send": note(readSend),
      "socket.publish": note(readPublish),
      "socket.subscribe": note((fields) => readTopic("subscribe", fields)),
      "socket.unsubscribe": note((fields) => readTopic("unsubscribe", fields)),
      "socket.close": note(readClose),
      "socket.data": note(readData),
    },
    calls: {
      async "socket.count"(tenant, params) {
        const site = rooms.site(tenant.siteId);
        const { topic = "" } = fieldsOf(params);
        if (!site || !isText(topic, MAX_TOPIC)) return { value: 0 };
        const reached =
          speakers.reach(site, tenant.deploy) ?? (await speakers.ask(site, tenant.deploy));
        return { value: reached.reduce((sum, room) => sum + countOf(room, topic), 0) };
      },
    },
  };
}

/** Keeps data at once where it is known whose socket it is: the next event must carry it. */
function keep(
  speakers: Pick<Speakers, "reach">,
  site: SocketSite,
  { deploy }: Tenant,
  { id, data }: Extract<Act, { kind: "data" }>,
): boolean {
  const reached = speakers.reach(site, deploy);
  if (!reached) return false;
  const socket = findSocket(reached, id);
  if (socket) socket.data = data;
  return true;
}

function readSend({ id, text }: Fields, bytes: Uint8Array): Act | undefined {
  if (!isText(id, MAX_ID)) return undefined;
  return { kind: "send", id, message: messageOf(text, bytes), bytes: bytes.length };
}

function readPublish({ topic, text, except }: Fields, bytes: Uint8Array): Act | undefined {
  if (!isText(topic, MAX_TOPIC)) return undefined;
  return {
    kind: "publish",
    topic,
    except: isText(except, MAX_ID) ? except : undefined,
    message: messageOf(text, bytes),
    bytes: bytes.length,
  };
}

function readTopic(kind: "subscribe" | "unsubscribe", { id, topic }: Fields): Act | undefined {
  if (!isText(id, MAX_ID) || !isText(topic, MAX_TOPIC) || topic === "") return undefined;
  return { kind, id, topic };
}

function readClose({ id, code, reason }: Fields): Act | undefined {
  if (!isText(id, MAX_ID)) return undefined;
  return {
    kind: "close",
    id,
    code: typeof code === "number" && isCloseCode(code) ? code : 1000,
    reason: typeof reason === "string" ? reason.slice(0, 123) : "",
  };
}

function readData({ id, data }: Fields): Act | undefined {
  if (!isText(id, MAX_ID)) return undefined;
  const json = JSON.stringify(data ?? null);
  return Buffer.byteLength(json) <= MAX_DATA_BYTES ? { kind: "data", id, data: json } : undefined;
}

/** The bytes may lie in memory that is used again: they are copied. */
function messageOf(text: unknown, bytes: Uint8Array): Message {
  return text === true ? decoder.decode(bytes) : new Uint8Array(bytes);
}

/** Codes that a server may send. @see RFC 6455 section 7.4 */
function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (
    (code >= 1000 && code <= 1003) ||
    (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999)
  );
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length <= max;
}

function fieldsOf(params: unknown): Fields {
  return typeof params === "object" && params !== null ? { ...params } : {};
}
