import { createSocket } from "node:dgram";
import { once } from "node:events";

/** What the server does when it is asked for TXT records: records as lists of strings, or a way to fail. */
export type TxtEntry = readonly (readonly string[])[] | "servfail" | "refused" | "silent";

/** A DNS server on loopback, for one test. */
export type DnsServer = AsyncDisposable & {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** TXT records by name in lower case. A name that is not there is answered NXDOMAIN. */
  txt: Map<string, TxtEntry>;
  /** Names that were asked for, with the type's number, in order. */
  asked: string[];
};

const A = 1;
const TXT = 16;
const RCODES: Readonly<Record<string, number>> = { servfail: 2, refused: 5 };

/** Starts it. Every name has the address 127.0.0.1; anything else but TXT has no records. */
export async function startDns(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const txt = new Map<string, TxtEntry>();
  const asked: string[] = [];
  socket.on("message", (query, peer) => {
    const { name, type, end } = readQuestion(query);
    asked.push(`${name} ${type}`);
    const entry = type === TXT ? txt.get(name) : [];
    if (entry === "silent") return;
    const answers =
      type === A
        ? [Uint8Array.of(127, 0, 0, 1)]
        : typeof entry === "object"
          ? entry.map(encodeStrings)
          : [];
    const code = entry === undefined ? 3 : typeof entry === "string" ? (RCODES[entry] ?? 0) : 0;
    const head = Buffer.from(query.subarray(0, end));
    head.writeUInt16BE(0x8180 | code, 2);
    head.writeUInt16BE(answers.length, 6);
    head.fill(0, 8, 12);
    const records = answers.map((data) => encodeRecord(type, data));
    socket.send(Buffer.concat([head, ...records]), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    txt,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encodeStrings(strings: readonly string[]): Uint8Array {
  return Buffer.concat(
    strings.flatMap((text) => [Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]),
  );
}

/** A record of the question's name that may be kept for no time. */
function encodeRecord(type: number, data: Uint8Array): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
