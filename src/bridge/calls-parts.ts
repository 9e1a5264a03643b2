import { type Assembly, createAssembly } from "./assembly.ts";
import { endsOf } from "./bodies.ts";
import type { Sink } from "./incoming.ts";
import { BridgeError, MAX_PAYLOAD_BYTES } from "./model.ts";
import { type Outgoing, sendBody } from "./outgoing.ts";
import { readTextMessage, type TextMessage } from "./texts.ts";
import type { Wire } from "./wire.ts";

/** First byte of a call or result that comes in parts: a u32 of its size follows, then the message as a body. No JSON begins so. */
const IN_PARTS = 1;
const START_BYTES = 5;

/** What comes in parts is put together one after another, so that all of it takes the memory of one. */
export type Line = Assembly[];

/** Puts a message of a known size together; `done` gets it whole, once. */
export function assemble(
  wire: Wire,
  line: Line,
  about: { id: number; sizeBytes: number },
  done: (message: Buffer | BridgeError) => void,
): Sink {
  const assembly: Assembly = createAssembly(about.sizeBytes, endsOf(wire, about.id), (message) => {
    const at = line.indexOf(assembly);
    if (at < 0) return;
    line.splice(at, 1);
    if (at === 0) line[0]?.begin();
    done(message);
  });
  line.push(assembly);
  if (line.length === 1) assembly.begin();
  return assembly;
}

/** The size of a message that comes in parts; undefined: the frame is all of it. */
export function sizeInParts(buffer: Buffer, start: number, end: number): number | undefined {
  const isStart = end - start === START_BYTES && buffer[start] === IN_PARTS;
  return isStart ? buffer.readUInt32LE(start + 1) : undefined;
}

/** Writes a call or a result; what is too long for one frame goes in parts, which is told then. */
export function sendMessage(
  wire: Wire,
  frame: { type: number; id: number },
  message: { text: string; bytes: Uint8Array | undefined },
  onDone: () => void,
): { outgoing: Outgoing; sizeBytes: number } | undefined {
  const { type, id } = frame;
  const { text, bytes } = message;
  const most = MAX_PAYLOAD_BYTES - (bytes ? bytes.length + 1 : 0);
  // A character takes three bytes at most.
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) {
    wire.writer.text(type, id, text, bytes);
    return undefined;
  }
  const parts = bytes ? [Buffer.from(text), Buffer.alloc(1), bytes] : [Buffer.from(text)];
  const whole = Buffer.concat(parts);
  const start = Buffer.alloc(START_BYTES, IN_PARTS);
  start.writeUInt32LE(whole.length, 1);
  wire.writer.bytes(type, id, start);
  return { outgoing: sendBody(wire, id, whole, 0, onDone), sizeBytes: whole.length };
}

/** Reads a message, or tells why it cannot be taken; what is no JSON closes the link besides. */
export function readMessage(
  wire: Wire,
  buffer: Buffer,
  start: number,
  end: number,
): TextMessage | BridgeError {
  try {
    return readTextMessage(buffer, start, end, wire.side === "host");
  } catch (error) {
    if (error instanceof BridgeError && error.code !== "bad_json") return error;
    wire.violate("a message that is not JSON");
    return new BridgeError("protocol", "The other end broke the protocol");
  }
}

/** What a call or a note asks. */
export type Named = { name: string; params: unknown; bytes: Uint8Array };

/** The name, parameters and bytes of a call or note; undefined: the link was closed because there are none. */
export function readNamed(
  wire: Wire,
  buffer: Buffer,
  start: number,
  end: number,
): Named | BridgeError | undefined {
  const message = readMessage(wire, buffer, start, end);
  if (message instanceof BridgeError) return message.code === "protocol" ? undefined : message;
  const asked: readonly unknown[] = Array.isArray(message.value) ? message.value : [];
  const [name, params] = asked;
  if (typeof name === "string" && asked.length === 2) return { name, params, bytes: message.bytes };
  wire.violate("a call without a name");
  return undefined;
}
