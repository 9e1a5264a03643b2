import { beforeAll, expect, test } from "bun:test";
import { randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect } from "node:tls";

import type { Certificate } from "#tls/certificate.ts";

import {
  authority,
  clientHello,
  handshake,
  httpsServer,
  listSource,
  records,
  sendRaw,
  until,
} from "./https.ts";

let ca = "";
let own: Certificate;
let blog: Certificate;
let sign: (names: readonly string[]) => Promise<Certificate>;
beforeAll(async () => {
  const made = await authority();
  ca = made.root.certificate;
  ({ sign } = made);
  own = await sign(["localhost", "127.0.0.1"]);
  blog = await sign(["blog.test", "*.blog.test"]);
});

const ALERT_UNRECOGNIZED = "15030300020270";
const big = randomBytes(1024 * 1024);
const digest = (bytes: Uint8Array | ArrayBuffer) => Bun.SHA256.hash(bytes, "hex");

const echo = async () => {
  const source = listSource([own, blog]);
  const server = await httpsServer({
    source,
    answer: async (request, peer) => {
      const path = new URL(request.url).pathname;
      if (path === "/big") return new Response(big);
      if (path === "/digest") return new Response(digest(await request.arrayBuffer()));
      const host = new URL(request.url).hostname;
      if (!peer.covers(host)) return new Response("misdirected", { status: 421 });
      return Response.json({ address: peer.address, host });
    },
  });
  return { ...server, source };
};

test("each name gets its certificate; http/1.1 and h2 are spoken; the client's address is known", async () => {
  await using server = await echo();
  for (const [servername, subject] of [
    ["blog.test", "blog.test"],
    ["a.BLOG.test", "blog.test"],
    ["localhost", "localhost"],
  ] as const) {
    const socket = await handshake(server.port, { servername, ca, ALPNProtocols: ["http/1.1"] });
    const names = socket.getPeerCertificate().subjectaltname;
    expect(names).toContain(subject);
    expect(socket.alpnProtocol).toBe("http/1.1");
    expect(socket.getProtocol()).toBe("TLSv1.3");
    socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
    const text = await new Response(socket as never).text();
    expect(text).toContain(`{"address":"127.0.0.1","host":"${servername.toLowerCase()}"}`);
  }
  const session = connectHttp2(`https://blog.test:${server.port}`, {
    ca,
    createConnection: () =>
      connect({
        host: "127.0.0.1",
        port: server.port,
        servername: "blog.test",
        ca,
        ALPNProtocols: ["h2"],
      }),
  });
  const stream = session.request({ ":path": "/x" });
  let body = "";
  stream.on("data", (part: Buffer) => void (body += part.toString()));
  stream.end();
  await once(stream, "end");
  session.close();
  expect(JSON.parse(body)).toEqual({ address: "127.0.0.1", host: "blog.test" });
});

test("no server name gets our own certificate, and addresses may be asked for then", async () => {
  await using server = await echo();
  const socket = await handshake(server.port, {
    servername: "",
    ca,
    checkServerIdentity: () => undefined,
  });
  expect(socket.getPeerCertificate().subjectaltname).toContain("localhost");
  socket.write("GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nConnection: close\r\n\r\n");
  expect(await new Response(socket as never).text()).toContain("200 OK");
});

test("an unknown name is refused with the alert for it, without another look-up", async () => {
  await using server = await echo();
  const answer = await sendRaw(server.port, [records(clientHello(Buffer.from("evil.test")))]);
  expect(answer.toString("hex")).toBe(ALERT_UNRECOGNIZED);
  expect(server.source.asked).toEqual(["evil.test"]);
  const failed = await handshake(server.port, { servername: "evil.test", ca }).catch(
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(Error);
});

test("names with NUL are refused unasked; spread records and a trailing dot are fine", async () => {
  await using server = await echo();
  const hostile = await sendRaw(server.port, [
    records(clientHello(Buffer.from("blog.test\0.evil"))),
  ]);
  expect(hostile.toString("hex")).toBe(ALERT_UNRECOGNIZED);
  expect(server.source.asked).toEqual([]);
  const dotted = await sendRaw(server.port, [
    records(clientHello(Buffer.from("BLOG.test.")), 9),
    Buffer.of(21, 3, 3, 0, 2, 2, 0),
  ]);
  expect(server.source.asked).toEqual(["blog.test"]);
  expect(dotted.toString("hex")).not.toBe(ALERT_UNRECOGNIZED);
});

test("plain http is told so; garbage and a huge hello are refused; the server lives on", async () => {
  await using server = await echo();
  const told = await sendRaw(server.port, [Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]);
  const [head = "", body = ""] = told.toString().split("\r\n\r\n");
  expect(head).toStartWith("HTTP/1.1 400 Bad Request");
  expect(head).toContain(`Content-Length: ${body.length}`);
  expect((await sendRaw(server.port, [Buffer.alloc(100, 0xff)])).toString("hex")).toBe(
    "15030300020232",
  );
  const huge = clientHello(Buffer.from("blog.test"), 60_000);
  await sendRaw(server.port, [records(huge)]);
  const socket = await handshake(server.port, { servername: "blog.test", ca });
  socket.destroy();
});

test("a host that the certificate is not for is answered 421; another name of it is fine", async () => {
  await using server = await echo();
  const ask = async (servername: string, host: string) => {
    const socket = await handshake(server.port, { servername, ca });
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return Number((await new Response(socket as never).text()).slice(9, 12));
  };
  expect(await ask("blog.test", "localhost")).toBe(421);
  expect(await ask("blog.test", "10.0.0.1")).toBe(421);
  expect(await ask("localhost", "a.blog.test")).toBe(421);
  expect(await ask("a.blog.test", "b.blog.test")).toBe(200);
});

test("1 MB goes up and down unchanged, on 200 connections at once", async () => {
  await using server = await echo();
  const url = `https://localhost:${server.port}`;
  const tls = { ca };
  const up = await fetch(`${url}/digest`, { method: "POST", body: big, tls });
  expect(await up.text()).toBe(digest(big));
  const down = await fetch(`${url}/big`, { tls });
  expect(digest(await down.arrayBuffer())).toBe(digest(big));
  expect(await overHttp2(server.port, "/digest", big).then(String)).toBe(digest(big));
  expect(digest(await overHttp2(server.port, "/big"))).toBe(digest(big));
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const answer = await fetch(`${url}/`, { tls, keepalive: false });
      await answer.text();
      return answer.status;
    }),
  );
  expect(statuses.every((status) => status === 200)).toBe(true);
});

/** The body of an answer over h2; POST where there is a body to send. */
async function overHttp2(port: number, path: string, body?: Uint8Array): Promise<Buffer> {
  const session = connectHttp2(`https://localhost:${port}`, { ca });
  const stream = session.request({ ":path": path, ":method": body ? "POST" : "GET" });
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => void parts.push(part));
  stream.end(body);
  await once(stream, "end");
  session.close();
  return Buffer.concat(parts);
}

const curl = Bun.which("curl");
test.if(curl !== null)("curl speaks http/1.1 and h2 to it", async () => {
  await using server = await echo();
  const caFile = `${server.ctx.config.data}/ca.pem`;
  await Bun.write(caFile, ca);
  for (const [flag, version] of [
    ["--http1.1", "1.1"],
    ["--http2", "2"],
  ] as const) {
    const child = Bun.spawn(
      [
        curl ?? "",
        "-sS",
        flag,
        "--cacert",
        caFile,
        "--resolve",
        `a.blog.test:${server.port}:127.0.0.1`,
        "-w",
        " %{http_version}",
        `https://a.blog.test:${server.port}/`,
      ],
      { stdout: "pipe", stderr: "pipe", env: {} },
    );
    expect(await child.stdout.text()).toBe(
      `{"address":"127.0.0.1","host":"a.blog.test"} ${version}`,
    );
  }
});

test("clients that vanish, in the handshake or in a body, leave nothing behind", async () => {
  await using server = await echo();
  const half = connectTcp(server.port, "127.0.0.1");
  await once(half, "connect");
  half.write(records(clientHello(Buffer.from("blog.test"))).subarray(0, 20));
  half.resetAndDestroy();
  const upload = await handshake(server.port, { servername: "localhost", ca });
  upload.on("error", () => undefined);
  upload.write("POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc");
  upload.destroy();
  const download = await handshake(server.port, { servername: "localhost", ca });
  download.on("error", () => undefined);
  download.write("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(download, "data");
  download.destroy();
  const answer = await fetch(`https://localhost:${server.port}/`, { tls: { ca } });
  expect(answer.status).toBe(200);
  await answer.text();
});

test("a new certificate is used at once; connections with the old one go on", async () => {
  const certificates = [own];
  await using server = await httpsServer({ source: listSource(certificates) });
  const serial = (socket: Awaited<ReturnType<typeof handshake>>) =>
    new X509Certificate(socket.getPeerCertificate().raw).serialNumber;
  const old = await handshake(server.port, { servername: "localhost", ca });
  certificates[0] = await sign(own.names);
  const fresh = await handshake(server.port, { servername: "localhost", ca });
  expect(serial(fresh)).not.toBe(serial(old));
  for (const socket of [old, fresh, old]) {
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [part] = await once(socket, "data");
    expect(String(part)).toStartWith("HTTP/1.1 200 OK");
  }
  old.destroy();
  fresh.destroy();
});

test("TLS 1.1 and ciphers without forward secrecy are refused, TLS 1.2 is spoken", async () => {
  await using server = await echo();
  const options = { servername: "localhost", ca };
  const socket = await handshake(server.port, { ...options, maxVersion: "TLSv1.2" });
  expect(socket.getProtocol()).toBe("TLSv1.2");
  socket.destroy();
  for (const refused of [
    { minVersion: "TLSv1", maxVersion: "TLSv1.1" },
    { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" },
  ] as const) {
    const failed = handshake(server.port, { ...options, ...refused });
    expect(await failed.catch((error: unknown) => error)).toBeInstanceOf(Error);
  }
});

test("stop lets an answer finish and takes no new connection", async () => {
  let finish = (): void => undefined;
  let asked = false;
  const server = await httpsServer({
    source: listSource([own]),
    answer: () => {
      asked = true;
      return new Promise<Response>((resolve) => {
        finish = () => resolve(new Response("done"));
      });
    },
  });
  const pending = fetch(`https://localhost:${server.port}/`, { tls: { ca } });
  await until(() => asked);
  const silent = connectTcp(server.port, "127.0.0.1");
  await once(silent, "connect");
  const stopped = server.stop();
  const refused = await handshake(server.port, { servername: "localhost", ca }).catch(
    () => "refused",
  );
  expect(refused).toBe("refused");
  finish();
  expect(await (await pending).text()).toBe("done");
  await stopped;
  await server.ctx.close();
});
