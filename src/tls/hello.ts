import { isIpLiteral, parseHost } from "#http/host.ts";

/** What the first bytes of a connection ask for. */
export type Hello =
  /** Not whole yet. */
  | { kind: "more" }
  /** A ClientHello; `serverName` in lower case, undefined where it names none (or an address, which is no name). */
  | { kind: "hello"; serverName: string | undefined }
  /** Plain http came to the https port. */
  | { kind: "http" }
  /** Nothing that could become a connection: answer this alert. */
  | { kind: "bad"; alert: number };

/** Alerts that the front answers by itself. @see RFC 8446 section 6 */
export const ALERT = {
  handshakeFailure: 40,
  decodeError: 50,
  internalError: 80,
  unrecognizedName: 112,
} as const;

/** Longest first flight that is read, in bytes. A ClientHello with post-quantum keys has about 2 KB. */
export const HELLO_BYTES_MAX = 20_480;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;
const RECORD_BYTES_MAX = 16_384;

/**
 * Reads a ClientHello as far as its server name, without any cryptography. It may be cut at any byte and spread over several records.
 *
 * @see RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3
 */
export function readHello(bytes: Buffer): Hello {
  if (bytes.length === 0) return { kind: "more" };
  if (/^[A-Z]{3,8} $|^[A-Z]{3}/.test(bytes.toString("latin1", 0, 3))) return { kind: "http" };
  const message = joinRecords(bytes);
  if (message === undefined) return { kind: "bad", alert: ALERT.decodeError };
  if (message.length < 4) return tooLong(bytes) ?? { kind: "more" };
  if (message[0] !== CLIENT_HELLO) return { kind: "bad", alert: ALERT.decodeError };
  const end = 4 + message.readUIntBE(1, 3);
  if (end > HELLO_BYTES_MAX) return { kind: "bad", alert: ALERT.decodeError };
  if (message.length < end) return tooLong(bytes) ?? { kind: "more" };
  try {
    return helloOf(readServerName(message.subarray(4, end)));
  } catch (cause) {
    if (cause instanceof RangeError) return { kind: "bad", alert: ALERT.decodeError };
    throw cause;
  }
}

function tooLong(bytes: Buffer): Hello | undefined {
  return bytes.length >= HELLO_BYTES_MAX ? { kind: "bad", alert: ALERT.decodeError } : undefined;
}

function helloOf(name: string | undefined): Hello {
  if (name === undefined) return { kind: "hello", serverName: undefined };
  const host = /^[A-Za-z0-9_.-]+$/.test(name) ? parseHost(name) : undefined;
  if (host === undefined) return { kind: "bad", alert: ALERT.unrecognizedName };
  return { kind: "hello", serverName: isIpLiteral(host) ? undefined : host };
}

/** The handshake bytes of the records so far, or undefined where these are no handshake records. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) return at === 0 ? undefined : Buffer.concat(parts);
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return undefined;
    if (at + 5 > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return undefined;
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const [first] = parts;
  return parts.length === 1 && first ? first : Buffer.concat(parts);
}

/** @throws RangeError where a length leads out of the message */
function readServerName(body: Buffer): string | undefined {
  let at = 2 + 32;
  at += 1 + body.readUInt8(at);
  at += 2 + body.readUInt16BE(at);
  at += 1 + body.readUInt8(at);
  if (at === body.length) return undefined;
  const end = at + 2 + body.readUInt16BE(at);
  if (end !== body.length) throw new RangeError("the extensions end elsewhere");
  for (at += 2; at < end;) {
    const type = body.readUInt16BE(at);
    const next = at + 4 + body.readUInt16BE(at + 2);
    if (next > end) throw new RangeError("an extension leads out of the message");
    if (type === SERVER_NAME_EXTENSION) return readNames(body.subarray(at + 4, next));
    at = next;
  }
  return undefined;
}

function readNames(list: Buffer): string | undefined {
  const end = 2 + list.readUInt16BE(0);
  if (end !== list.length) throw new RangeError("the list of names ends elsewhere");
  for (let at = 2; at < end;) {
    const type = list.readUInt8(at);
    const next = at + 3 + list.readUInt16BE(at + 1);
    if (next > end) throw new RangeError("a name leads out of the list");
    if (type === HOST_NAME) return list.toString("latin1", at + 3, next);
    at = next;
  }
  return undefined;
}

/**
 * Watches the records a client sends after its ClientHello: the returned function takes the bytes as they come and answers true
 * from the record on that only a handshake near its end brings (ChangeCipherSpec or encrypted data).
 */
export function watchHandshake(): (bytes: Buffer) => boolean {
  let header = Buffer.alloc(0);
  let skip = 0;
  let done = false;
  return (bytes) => {
    for (let at = 0; !done && at < bytes.length;) {
      if (skip > 0) {
        const step = Math.min(skip, bytes.length - at);
        skip -= step;
        at += step;
        continue;
      }
      const take = bytes.subarray(at, at + 5 - header.length);
      header = Buffer.concat([header, take]);
      at += take.length;
      if (header.length < 5) break;
      done = header[0] === 20 || header[0] === 23;
      skip = header.readUInt16BE(3);
      header = Buffer.alloc(0);
    }
    return done;
  };
}
