import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";

import { clientHello, records, sendRaw } from "#test/tls/https.ts";

import { startDns } from "../support/dns.ts";
import { startPebble } from "../support/pebble.ts";
import { bodyOf, headerOf, rawRequest, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { codeOf, statusOf } from "./wire.ts";

setDefaultTimeout(60_000);

/** Fatal, unrecognized_name. */
const UNRECOGNIZED = "15030300020270";

let world: SiteWorld;
let port = 0;
let ca = "";
beforeAll(async () => {
  world = await siteWorld({ LAND_TLS: "dev", LAND_TLS_PORT: "0", LAND_TLS_REDIRECT: "off" });
  port = Number(/listens for https on https:\/\/localhost:(\d+)/.exec(world.server.log())?.[1]);
  ca = await Bun.file(join(world.server.data, "tls/ca.pem")).text();
  await world.deploy(world.ada, "blog", { "index.html": "I am blog" });
  await world.deploy(world.eve, "shop", { "index.html": "I am shop" });
  await untilHot();
});
afterAll(() => world[Symbol.asyncDispose]());

async function handshake(
  servername: string,
  protocols: string[] = ["http/1.1"],
): Promise<TLSSocket> {
  const options = { host: "127.0.0.1", port, servername, ca, ALPNProtocols: protocols };
  const socket = connect(options);
  await once(socket, "secureConnect");
  return socket;
}

/** Asks for `host` on a connection that was made for `servername`. */
async function ask(servername: string, host: string, target = "/"): Promise<string> {
  const socket = await handshake(servername);
  socket.write(rawRequest("GET", target, [`Host: ${host}`]));
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
  await once(socket, "close");
  return answer;
}

describe.each(["cold", "warm"])("%s", (state) => {
  beforeAll(async () => {
    if (state === "cold") return;
    for (let times = 0; times < 3; times += 1)
      for (const name of ["blog", "shop"]) await ask(`${name}.localhost`, `${name}.localhost`);
  });

  test("host confusion: SNI and Host that differ are answered 421", async () => {
    for (let times = 0; times < 2; times += 1)
      for (const [servername, host] of [
        ["blog.localhost", "shop.localhost"],
        ["shop.localhost", "blog.localhost"],
        ["blog.localhost", "localhost"],
        ["blog.localhost", "127.0.0.1"],
        ["localhost", "blog.localhost"],
        ["blog.localhost", "none.localhost"],
        ["blog.localhost", "unknown.example.org"],
        ["blog.localhost", "x.blog.localhost"],
      ] as const) {
        const answer = await ask(servername, host);
        expect([servername, host, statusOf(answer)]).toEqual([servername, host, 421]);
        expect(codeOf(answer)).toBe("misdirected");
        expect(bodyOf(answer)).not.toMatch(/I am/);
        expect(headerOf(answer, "set-cookie")).toBeUndefined();
      }
  });

  test("host confusion: a Host that is none is refused over https, too", async () => {
    for (const host of [
      "blog.localhost, shop.localhost",
      "a@blog.localhost",
      "",
      "blog..localhost",
    ])
      expect([host, statusOf(await ask("blog.localhost", host))]).toEqual([host, 400]);
    for (const host of ["blog.localhost", "BLOG.localhost.", "blog.localhost:443"])
      expect([host, bodyOf(await ask("blog.localhost", host))]).toEqual([host, "I am blog"]);
  });
});

test("certificate abuse: a name that leads nowhere gets the alert for it and no certificate", async () => {
  const before = await tlsFiles();
  for (const name of [
    "none.localhost",
    "evil.example.org",
    "x.blog.localhost",
    "0000000000--none.localhost",
    "localhost.example.org",
    "example.org",
    "*.localhost",
    "_acme-challenge.localhost",
    "blog.localhost\0.evil.example",
    "a".repeat(300),
  ]) {
    const answer = await sendRaw(port, [records(clientHello(Buffer.from(name)))]);
    expect([name, answer.toString("hex")]).toEqual([name, UNRECOGNIZED]);
  }
  const refused = await handshake("none.localhost").catch((error: { code?: string }) => error);
  expect(refused).toBeInstanceOf(Error);
  expect(await tlsFiles()).toEqual(before);
});

test("certificate abuse: each name has a certificate of its own, for it alone", async () => {
  const blog = (await handshake("blog.localhost")).getPeerCertificate();
  const shop = (await handshake("shop.localhost")).getPeerCertificate();
  expect([blog.subjectaltname, shop.subjectaltname]).toEqual([
    "DNS:blog.localhost",
    "DNS:shop.localhost",
  ]);
  expect(blog.pubkey).not.toEqual(shop.pubkey);
});

test("certificate abuse: a site that is removed has none from then on", async () => {
  await world.deploy(world.ada, "brief", { "index.html": "brief" });
  expect(bodyOf(await ask("brief.localhost", "brief.localhost"))).toBe("brief");
  const { status } = await world.server.call("DELETE", "/sites/brief", { token: world.ada });
  expect(status).toBe(204);
  const answer = await sendRaw(port, [records(clientHello(Buffer.from("brief.localhost")))]);
  expect(answer.toString("hex")).toBe(UNRECOGNIZED);
});

test("certificate abuse: a thousand unknown names take nothing, and who has one is served meanwhile", async () => {
  const flood = Array.from({ length: 1000 }, async (_, at) => {
    const answer = await sendRaw(port, [records(clientHello(Buffer.from(`n${at}.example.org`)))]);
    return answer.toString("hex");
  });
  const served = await Promise.all(
    Array.from({ length: 10 }, () => ask("blog.localhost", "blog.localhost").then(bodyOf)),
  );
  expect(new Set(served)).toEqual(new Set(["I am blog"]));
  expect(new Set(await Promise.all(flood))).toEqual(new Set([UNRECOGNIZED]));
});

test("certificate abuse: the key of the authority and of the server are this user's alone", async () => {
  for (const path of ["tls/ca.key", "secret.key"]) {
    const { mode } = await Bun.file(join(world.server.data, path)).stat();
    expect([path, mode & 0o777]).toEqual([path, 0o600]);
  }
  const hash = createHash("sha256").update(
    await Bun.file(join(world.server.data, "tls/ca.key")).text(),
  );
  expect(world.server.log()).not.toContain(hash.digest("hex"));
  expect(world.server.log()).not.toMatch(/BEGIN (?:EC )?PRIVATE KEY/);
});

test("certificate abuse: with an authority on the network, unknown names and pending domains make no order", async () => {
  await using dns = await startDns();
  await using pebble = await startPebble({ httpPort: 1, dnsServer: dns.address });
  await using own = await siteWorld({
    LAND_TLS: "acme",
    LAND_DOMAIN: "land.example.net",
    LAND_TLS_PORT: "0",
    LAND_ACME_DIRECTORY: pebble.directory,
    LAND_ACME_CA_FILE: pebble.caFile,
    LAND_DNS_SERVERS: dns.address,
  });
  await own.deploy(own.eve, "evil", { "index.html": "evil" });
  await own.server.call("POST", "/sites/evil/domains", {
    token: own.eve,
    body: { host: "victim.example.org" },
  });
  const at = Number(/listens for https on https:\/\/[^:]+:(\d+)/.exec(own.server.log())?.[1]);
  // The server's own name, which it orders without being asked.
  while (pebble.orders() === 0) await new Promise((resolve) => setImmediate(resolve));
  const names = [
    "victim.example.org",
    "www.victim.example.org",
    "none.land.example.net",
    "x.evil.land.example.net",
    "evil.localhost",
  ];
  for (const name of [...names, ...Array.from({ length: 50 }, (_, of) => `n${of}.example.org`)]) {
    const answer = await sendRaw(at, [records(clientHello(Buffer.from(name)))]);
    expect([name, answer.toString("hex")]).toEqual([name, UNRECOGNIZED]);
  }
  expect(pebble.orders()).toBe(1);
});

/** Frames of HTTP/2 by hand: what clients refuse to send. @see RFC 9113 section 4.1 */
function frame(type: number, flags: number, stream: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Header fields without compression. @see RFC 7541 section 6.2.2 */
function fields(pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) =>
      Buffer.concat([
        Buffer.of(0, name.length),
        Buffer.from(name, "latin1"),
        Buffer.of(value.length),
        Buffer.from(value, "latin1"),
      ]),
    ),
  );
}

/** What came of one request over h2: the body of its answer, or how it was refused. */
async function askH2(pairs: readonly (readonly [string, string])[]): Promise<string> {
  const socket = await handshake("blog.localhost", ["h2"]);
  expect(socket.alpnProtocol).toBe("h2");
  let bytes = Buffer.alloc(0);
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const said = readH2(bytes);
    if (said !== undefined) resolve(said);
  });
  socket.on("error", () => resolve("closed"));
  socket.on("close", () => resolve("closed"));
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(
    Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), frame(1, 5, 1, fields(pairs))]),
  );
  const said = await promise;
  socket.destroy();
  return said;
}

/** Undefined while the stream goes on. */
function readH2(bytes: Buffer): string | undefined {
  let body = "";
  for (let at = 0; at + 9 <= bytes.length;) {
    const size = bytes.readUIntBE(at, 3);
    const [type, flags] = [bytes[at + 3], bytes[at + 4] ?? 0];
    if (at + 9 + size > bytes.length) return undefined;
    if (type === 0) body += bytes.toString("latin1", at + 9, at + 9 + size);
    if (type === 3) return "reset";
    if (type === 7) return "closed";
    if ((type === 0 || type === 1) && (flags & 1) === 1) return body;
    at += 9 + size;
  }
  return undefined;
}

const PSEUDO = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "blog.localhost"],
  [":path", "/"],
] as const;
const withPseudo = (name: string, value: string) =>
  PSEUDO.map(([of, was]) => [of, of === name ? value : was] as const);

test("smuggling: h2 with plain headers is answered, so that what follows can fail", async () => {
  expect(await askH2([...PSEUDO, ["x-plain", "a"]])).toContain("I am blog");
});

test("smuggling: h2 that asks for another site is told that it is misdirected", async () => {
  expect(await askH2(withPseudo(":authority", "shop.localhost"))).toContain('"code":"misdirected"');
});

test.each<[string, readonly (readonly [string, string])[]]>([
  ["a line break in a value", [...PSEUDO, ["x-a", "b\r\nHost: shop.localhost"]]],
  ["a line feed in a value", [...PSEUDO, ["x-a", "b\nHost: shop.localhost"]]],
  ["a request in a value", [...PSEUDO, ["x-a", "b\r\n\r\nGET / HTTP/1.1\r\nHost: shop.localhost"]]],
  ["NUL in a value", [...PSEUDO, ["x-a", "b\0c"]]],
  ["a line break in a name", [...PSEUDO, ["x-a\r\nhost", "shop.localhost"]]],
  ["a colon in a name", [...PSEUDO, ["host: shop.localhost\r\nx", "y"]]],
  ["capitals in a name", [...PSEUDO, ["X-A", "b"]]],
  ["a line break in the path", withPseudo(":path", "/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")],
  ["a space in the path", withPseudo(":path", "/ HTTP/1.1")],
  [
    "a line break in the method",
    withPseudo(":method", "GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\nGET"),
  ],
  ["a line break in the authority", withPseudo(":authority", "blog.localhost\r\nx: y")],
  ["authority and Host that differ", [...PSEUDO, ["host", "shop.localhost"]]],
  ["two authorities", [...PSEUDO, [":authority", "shop.localhost"]]],
  ["a Transfer-Encoding", [...PSEUDO, ["transfer-encoding", "chunked"]]],
  ["a Connection", [...PSEUDO, ["connection", "x-a"]]],
  ["a length without a body", [...PSEUDO, ["content-length", "10"]]],
])("smuggling: h2 with %s is refused", async (_, pairs) => {
  const answer = await askH2(pairs);
  expect(answer).toBe("reset");
});

async function tlsFiles(): Promise<string[]> {
  return (await readdir(join(world.server.data, "tls"))).toSorted();
}
