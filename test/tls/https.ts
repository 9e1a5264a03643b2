import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

import { startTls, type TlsOptions } from "#server/tls.ts";
import type { Certificate, CertificateSource } from "#tls/certificate.ts";
import { covers } from "#tls/certificate.ts";
import { makeLeaf, makeRoot, type Root } from "#tls/dev-authority.ts";

import { testCtx } from "../support/ctx.ts";

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));

/** A root and certificates that it signed, for tests. */
export async function authority(): Promise<{
  root: Root;
  sign: (names: readonly string[], now?: Date) => Promise<Certificate>;
}> {
  const root = await makeRoot({ now: new Date(), random });
  return { root, sign: (names, now = new Date()) => makeLeaf(root, names, { now, random }) };
}

/** A source of what is in the list; the list may change. */
export function listSource(certificates: Certificate[]): CertificateSource & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async find(name) {
      asked.push(name);
      return certificates.find(({ names }) => covers(names, name));
    },
    stop: async () => undefined,
  };
}

/** An https listener on a free port. */
export async function httpsServer(options: Partial<TlsOptions> & Pick<TlsOptions, "source">) {
  const ctx = await testCtx({ now: () => new Date(), config: { drainSeconds: 1, tls: "files" } });
  const running = await startTls(ctx, {
    host: "127.0.0.1",
    port: 0,
    idleSeconds: 10,
    answer: (request, peer) => Response.json({ url: request.url, address: peer.address }),
    ...options,
  });
  return {
    ...running,
    ctx,
    async [Symbol.asyncDispose]() {
      await running.stop();
      await ctx.close();
    },
  };
}

/** A finished handshake, or what it failed with. */
export async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** Sends bytes over plain TCP, in pieces, and answers everything that came until the other side closed. */
export async function sendRaw(port: number, pieces: Uint8Array[]): Promise<Buffer> {
  const socket = connectTcp(port, "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => void parts.push(part));
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  await once(socket, "connect");
  for (const piece of pieces) socket.write(piece);
  await closed;
  return Buffer.concat(parts);
}

/** A ClientHello with this server name, as the bytes of the name; undefined for none. */
export function clientHello(serverName: Uint8Array | undefined, padding = 0): Buffer {
  const u16 = (value: number) => Buffer.of(value >> 8, value & 255);
  const sized = (bytes: Uint8Array) => Buffer.concat([u16(bytes.length), bytes]);
  const extensions: Buffer[] = [];
  if (padding > 0) extensions.push(Buffer.concat([u16(21), sized(Buffer.alloc(padding))]));
  if (serverName)
    extensions.push(
      Buffer.concat([u16(0), sized(sized(Buffer.concat([Buffer.of(0), sized(serverName)])))]),
    );
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    sized(Buffer.of(0x13, 0x01)),
    Buffer.of(1, 0),
    sized(Buffer.concat(extensions)),
  ]);
  return Buffer.concat([Buffer.of(1, 0), u16(body.length), body]);
}

/** A handshake message in records of at most `size` bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    parts.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part);
  }
  return Buffer.concat(parts);
}

/** Comes when `holds` does; the test's own limit ends it otherwise. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(5);
}
