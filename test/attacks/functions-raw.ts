import { DESCRIPTORS, FRAME } from "#bridge/model.ts";

/**
 * Start of a program that speaks the bridge by itself, past everything that the guest's side would check: frames are written to the
 * descriptors as they are.
 */
export const RAW = `
import fs from "node:fs";
const LINK = ${DESCRIPTORS.link}, SYNC = ${DESCRIPTORS.sync}, RING = ${DESCRIPTORS.ring};
const FRAME = ${JSON.stringify(FRAME)};
/** Bytes of a frame; \`length\` may lie. */
function frame(type, id, payload = "", length) {
  const body = Buffer.from(payload);
  const bytes = Buffer.alloc(9 + body.length);
  bytes.writeUInt32LE(length ?? body.length, 0);
  bytes[4] = type;
  bytes.writeUInt32LE(id, 5);
  bytes.set(body, 9);
  return bytes;
}
/** Writes all of it, or as much as is taken within a moment; tells whether that was all. */
function put(fd, bytes, ms = 500) {
  const end = Date.now() + ms;
  for (let at = 0; at < bytes.length; )
    try { at += fs.writeSync(fd, bytes, at); }
    catch (error) {
      if (error.code !== "EAGAIN" || Date.now() > end) return false;
      Bun.sleepSync(1);
    }
  return true;
}
/** The next frame of a descriptor, waiting for it. */
let rest = Buffer.alloc(0);
function take(fd, ms = 3000) {
  const end = Date.now() + ms;
  const piece = Buffer.alloc(65536);
  for (;;) {
    if (rest.length >= 9 && rest.length >= 9 + rest.readUInt32LE(0)) {
      const size = 9 + rest.readUInt32LE(0);
      const found = { type: rest[4], id: rest.readUInt32LE(5), payload: rest.subarray(9, size) };
      rest = rest.subarray(size);
      if (found.type !== FRAME.control) return found;
      const { kind, n } = JSON.parse(found.payload.toString());
      if (kind === "ping") put(fd, frame(FRAME.control, 0, JSON.stringify({ kind: "pong", n })));
      continue;
    }
    try {
      const count = fs.readSync(fd, piece);
      if (count === 0) return { type: 0, id: 0, payload: Buffer.from("closed") };
      rest = Buffer.concat([rest, piece.subarray(0, count)]);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      if (Date.now() > end) return { type: 0, id: 0, payload: Buffer.from("nothing") };
      Bun.sleepSync(1);
    }
  }
}
/** A call over the second descriptor, in the very words given; the answer as text. */
let lastCall = -1;
function rawCall(json, bytes) {
  lastCall += 2;
  put(SYNC, frame(FRAME.call, lastCall, bytes === undefined ? json : json + "\\0" + bytes));
  const { type, payload } = take(SYNC);
  return type + " " + payload.toString("latin1");
}
const note = (name, params, bytes = "") =>
  put(LINK, frame(FRAME.note, 0, JSON.stringify([name, params]) + (bytes && "\\0" + bytes)));
/** Payload of the head of an answer or a request. */
function head(text, kind = 0, body = "") {
  const bytes = Buffer.from(text, "latin1");
  const start = Buffer.alloc(5);
  start[0] = kind;
  start.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([start, bytes, Buffer.from(body)]);
}
const u32 = (...numbers) => Buffer.from(Uint32Array.from(numbers).buffer);
/** Id of the request that is answered: even ones are the host's, in order, where it calls nothing else. */
let lastRequest = 0;
const never = () => new Promise(() => {});
`;
