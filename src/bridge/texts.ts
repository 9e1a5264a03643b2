import { BridgeError } from "./model.ts";

/** Deepest nesting of a JSON value that is taken. */
const MAX_DEPTH = 64;
/** Of what a guest says: reading a text of 26 MB that is all keys takes ten seconds and a gigabyte, and all else waits. */
const MAX_GUEST_BYTES = 2 * 1024 * 1024;
const MAX_GUEST_COMMAS = 50_000;
/** Shorter ones cannot hold so much that counting pays. */
const COUNT_FROM = 128 * 1024;
const COMMA = 0x2c;
const EMPTY = new Uint8Array(0);

/** A message's JSON value and its bytes, which are a view. */
export type TextMessage = { value: unknown; bytes: Uint8Array };

/**
 * Reads JSON, a NUL and bytes. Keys `__proto__` are dropped wherever they are. `isGuests`: a guest said it, to a host that serves others too.
 *
 * Throws BridgeError `bad_json` where it is none, `too_deep` where it is nested too deeply, `too_large` where it is too much to read
 */
export function readTextMessage(
  buffer: Buffer,
  start: number,
  end: number,
  isGuests = false,
): TextMessage {
  // Not beyond the frame: what follows it may be a megabyte without one, and is looked at again for each frame.
  const nul = buffer.subarray(start, end).indexOf(0);
  const textEnd = nul < 0 ? end : start + nul;
  if (isGuests && isTooMuch(buffer, start, textEnd))
    throw new BridgeError("too_large", "The message has too many values");
  let value: unknown;
  try {
    value = JSON.parse(buffer.toString("utf8", start, textEnd));
  } catch {
    throw new BridgeError("bad_json", "The message is not JSON");
  }
  clean(value, 0);
  return { value, bytes: textEnd === end ? EMPTY : buffer.subarray(textEnd + 1, end) };
}

function isTooMuch(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < COUNT_FROM) return false;
  if (end - start > MAX_GUEST_BYTES) return true;
  let commas = 0;
  for (let at = start; at < end; at += 1) if (buffer[at] === COMMA) commas += 1;
  return commas > MAX_GUEST_COMMAS;
}

/** JSON.parse makes `__proto__` an own key, which the next `Object.assign` would make a prototype. */
function clean(value: unknown, depth: number): void {
  if (value === null || typeof value !== "object") return;
  if (depth >= MAX_DEPTH) throw new BridgeError("too_deep", "The message is nested too deeply");
  if (Array.isArray(value)) {
    for (const item of value) clean(item, depth + 1);
    return;
  }
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    if (key === "__proto__") Reflect.deleteProperty(value, key);
    else clean(Reflect.get(value, key), depth + 1);
  }
}

/** What went wrong, as it is told to the other end: nothing of errors that were not meant for it. */
export function errorText(error: unknown): string {
  const code = codeOf(error);
  const message = code !== "internal" && error instanceof Error ? error.message : "Internal error";
  return JSON.stringify({ code, message: message.slice(0, 2000) });
}

/** What the other end says went wrong; its words are cut and may be anything. */
export function readError(value: unknown): BridgeError {
  const code = field(value, "code");
  const message = field(value, "message");
  return new BridgeError(
    /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : "internal",
    message === "" ? "It failed" : message.slice(0, 2000),
  );
}

function codeOf(error: unknown): string {
  const code = field(error, "code");
  // `ENOENT` and `ERR_…` of the runtime tell of paths.
  return /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : "internal";
}

function field(value: unknown, name: string): string {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return "";
  const found: unknown = Reflect.get(value, name);
  return typeof found === "string" ? found : "";
}
