/** What was said, as it is kept and sent. */
type Message = { name: string; text: string; at: number };

const ROOM = "room";
const KEPT_SECONDS = 24 * 60 * 60;
const SHOWN = 50;

/** The page is a file; this holds the conversation. */
export default {
  websocket: {
    async open(socket, env) {
      socket.subscribe(ROOM);
      socket.send({ messages: await readHistory(env.KV), people: await env.SOCKETS.count() });
      env.SOCKETS.publish(ROOM, { people: await env.SOCKETS.count() });
    },
    async message(socket, raw, env) {
      const said = parseMessage(raw);
      if (!said) {
        socket.send({ problem: "That is no message: 1 to 40 letters of name, 1 to 200 of text" });
        return;
      }
      const message: Message = { ...said, at: Date.now() };
      // In metadata, so that one list gives all of them. Keys are in the order of time.
      const key = `message/${String(message.at).padStart(15, "0")}-${crypto.randomUUID()}`;
      await env.KV.put(key, "", { expirationTtl: KEPT_SECONDS, metadata: message });
      env.SOCKETS.publish(ROOM, { messages: [message] });
    },
    async close(_socket, _code, _reason, env) {
      env.SOCKETS.publish(ROOM, { people: await env.SOCKETS.count() });
    },
  },
} satisfies LandModule;

/** The last messages, oldest first. */
async function readHistory(kv: KVNamespace): Promise<Message[]> {
  let last: Message[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await kv.list<Message>({ prefix: "message/", ...(cursor && { cursor }) });
    last = [...last, ...page.keys.flatMap(({ metadata }) => metadata ?? [])].slice(-SHOWN);
    if (page.list_complete) return last;
    cursor = page.cursor;
  }
}

function parseMessage(raw: string | Uint8Array): Pick<Message, "name" | "text"> | undefined {
  try {
    const sent: { name?: unknown; text?: unknown } = JSON.parse(String(raw));
    const [name, text] = [trim(sent.name, 40), trim(sent.text, 200)];
    return name === undefined || text === undefined ? undefined : { name, text };
  } catch {
    return undefined;
  }
}

/** A text without blanks around it; undefined where that is none, or too long. */
function trim(value: unknown, most: number): string | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" || text.length > most ? undefined : text;
}
