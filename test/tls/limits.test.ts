import { beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";

import type { Certificate } from "#tls/certificate.ts";
import { createEndpoints } from "#tls/endpoints.ts";
import { startFront } from "#tls/front.ts";
import { createPipe } from "#tls/pipe.ts";
import { createSlots } from "#tls/slots.ts";

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
let sign: (names: readonly string[]) => Promise<Certificate>;
beforeAll(async () => {
  const made = await authority();
  ca = made.root.certificate;
  ({ sign } = made);
  own = await sign(["localhost"]);
});

const front = (handshakeMs: number, perNetwork: number) => {
  const endpoints = createEndpoints({
    idleSeconds: 5,
    max: 2,
    answer: (request, _peer, server) =>
      server.upgrade(request, { data: undefined }) ? undefined : new Response("plain"),
    websocket: { message: (socket, message) => void socket.send(message) },
  });
  const started = startFront({
    hostname: "127.0.0.1",
    port: 0,
    route: async (name) => (name === "localhost" ? endpoints.of(own) : undefined),
    slots: createSlots(perNetwork, 100),
    handshakeMs,
    stallMs: 1000,
    log: { info() {}, warn() {}, error() {} },
  });
  return {
    port: started.port,
    async [Symbol.asyncDispose]() {
      started.close();
      started.terminate();
      await endpoints.terminate();
    },
  };
};

test("WebSockets pass", async () => {
  await using server = front(5000, 10);
  const socket = new WebSocket(`wss://localhost:${server.port}/`, { tls: { ca } });
  await once(socket, "open");
  const payload = "x".repeat(200_000);
  socket.send(payload);
  const [event] = (await once(socket, "message")) as [MessageEvent];
  expect(event.data).toBe(payload);
  socket.close();
});

test("a handshake that does not get on is broken off, a finished one is left alone", async () => {
  // Long enough for a real one on a machine that does something else besides.
  await using server = front(1500, 10);
  expect(await sendRaw(server.port, [])).toHaveLength(0);
  const hello = records(clientHello(Buffer.from("localhost")));
  const real = await handshake(server.port, { servername: "localhost", ca });
  // Its time begins later than that of the real one, so when it is broken off both are over.
  await sendRaw(server.port, [hello.subarray(0, 30)]);
  real.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const [part] = await once(real, "data");
  expect(String(part)).toStartWith("HTTP/1.1 200");
  real.destroy();
});

test("one network has so many handshakes at a time, and gets its places back", async () => {
  await using server = front(5000, 2);
  const waiting = [connectTcp(server.port, "127.0.0.1"), connectTcp(server.port, "127.0.0.1")];
  await Promise.all(waiting.map((socket) => once(socket, "connect")));
  expect(await sendRaw(server.port, [])).toHaveLength(0);
  for (const socket of waiting) socket.destroy();
  await until(async () => {
    const socket = await handshake(server.port, { servername: "localhost", ca }).catch(
      () => undefined,
    );
    socket?.destroy();
    return socket !== undefined;
  });
});

test("a server behind the front answers nobody but the front", async () => {
  const endpoints = createEndpoints({
    idleSeconds: 5,
    max: 4,
    answer: () => new Response("secret"),
  });
  const { port } = endpoints.of(own);
  const answer = await fetch(`https://localhost:${port}/`, { tls: { ca } });
  expect(answer.status).toBe(421);
  expect(await answer.text()).toBe("");
  await endpoints.terminate();
});

test("a reader that stops is waited for: the server's bytes are not piled up, and none is lost", async () => {
  const chunk = Buffer.alloc(64 * 1024, 5);
  const chunks = 1600;
  let pulled = 0;
  await using server = await httpsServer({
    source: listSource([own]),
    answer: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulled += 1;
            if (pulled > chunks) controller.close();
            else controller.enqueue(chunk);
          },
        }),
      ),
  });
  const socket = await handshake(server.port, { servername: "localhost", ca });
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await once(socket, "readable");
  let before = -1;
  await until(async () => {
    if (pulled === before) return true;
    before = pulled;
    await Bun.sleep(100);
    return false;
  });
  expect(pulled).toBeLessThan(chunks);
  let got = 0;
  socket.on("data", (part: Buffer) => void (got += part.length));
  await once(socket, "close");
  expect(got).toBeGreaterThan(chunk.length * chunks);
  expect(got).toBeLessThan(chunk.length * (chunks + 2));
});

test("a client that takes nothing of what is left for it is not kept for ever", async () => {
  const { sockets, ended } = stalling();
  const pipe = createPipe(sockets.from, sockets.to, 30);
  pipe.push(Buffer.alloc(10));
  pipe.finish();
  expect(await ended).toBe("terminated");
});

/** A socket that takes 4 bytes and then nothing. */
function stalling() {
  let room = 4;
  let settle = (_how: string): void => undefined;
  const ended = new Promise<string>((resolve) => {
    settle = resolve;
  });
  const socket = {
    write(data: Uint8Array) {
      const taken = Math.min(room, data.length);
      room -= taken;
      return taken;
    },
    pause: () => undefined,
    resume: () => undefined,
    end: () => settle("ended"),
    terminate: () => settle("terminated"),
  };
  return { sockets: { from: socket, to: socket }, ended };
}

test("servers of certificates that are used no more are closed, those in use last", async () => {
  const endpoints = createEndpoints({ idleSeconds: 5, max: 2, answer: () => new Response("x") });
  const [first, second, third] = await Promise.all([
    sign(["a.test"]),
    sign(["b.test"]),
    sign(["c.test"]),
  ]);
  const target = endpoints.of(first);
  target.opened(1, { address: "127.0.0.1", serverName: "a.test" });
  const { port } = endpoints.of(second);
  expect(endpoints.of(first).port).toBe(target.port);
  endpoints.of(third);
  await until(() =>
    sendRaw(port, []).then(
      () => false,
      () => true,
    ),
  );
  expect(endpoints.of(first).port).toBe(target.port);
  const replaced = endpoints.of(await sign(["a.test"]));
  expect(replaced.port).not.toBe(target.port);
  const still = connectTcp(target.port, "127.0.0.1");
  await once(still, "connect");
  still.destroy();
  target.closed(1);
  await until(() =>
    sendRaw(target.port, []).then(
      () => false,
      () => true,
    ),
  );
  await endpoints.terminate();
});

test("where a server ends between its choice and the connection, its successor is asked", async () => {
  const endpoints = createEndpoints({ idleSeconds: 5, max: 4, answer: () => new Response("x") });
  const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = gone;
  gone.stop(true);
  const targets = [{ port, opened: () => undefined, closed: () => undefined }, endpoints.of(own)];
  const started = startFront({
    hostname: "127.0.0.1",
    port: 0,
    route: async () => targets.shift(),
    slots: createSlots(10, 10),
    handshakeMs: 5000,
    stallMs: 1000,
    log: { info() {}, warn() {}, error() {} },
  });
  const socket = await handshake(started.port, { servername: "localhost", ca });
  socket.destroy();
  started.close();
  await endpoints.terminate();
});

test("a source that fails is logged, and the client told that it is our fault", async () => {
  const source = { find: () => Promise.reject(new Error("disk")), stop: async () => undefined };
  await using server = await httpsServer({ source });
  const answer = await sendRaw(server.port, [records(clientHello(Buffer.from("a.test")))]);
  expect(answer.toString("hex")).toBe("15030300020250");
  expect(server.ctx.logged.join("")).toContain("tls connection failed");
});

test("a thousand broken connections leave no place taken", async () => {
  await using server = front(5000, 4);
  const hello = records(clientHello(Buffer.from("localhost")));
  for (let round = 0; round < 250; round += 1)
    await Promise.all(
      [hello, hello.subarray(0, 40), Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from("x")].map(
        async (bytes) => {
          const socket = connectTcp(server.port, "127.0.0.1");
          socket.on("error", () => undefined);
          await once(socket, "connect");
          socket.write(bytes);
          const closed = once(socket, "close");
          socket.resetAndDestroy();
          await closed;
        },
      ),
    );
  await until(async () => {
    const sockets = await Promise.all(
      Array.from({ length: 4 }, () =>
        handshake(server.port, { servername: "localhost", ca }).catch(() => undefined),
      ),
    );
    for (const socket of sockets) socket?.destroy();
    return sockets.every((socket) => socket !== undefined);
  });
});

test("stop breaks off what does not finish in time, and idle connections at once", async () => {
  const hanging = Promise.withResolvers<void>();
  const server = await httpsServer({
    source: listSource([own]),
    answer: (request) => {
      if (!request.url.endsWith("/hang")) return new Response("x");
      hanging.resolve();
      return new Promise<never>(() => undefined);
    },
  });
  const idle = await handshake(server.port, { servername: "localhost", ca });
  idle.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(idle, "data");
  const idleClosed = once(idle, "close");
  const stuck = fetch(`https://localhost:${server.port}/hang`, { tls: { ca } }).catch(
    () => "broken",
  );
  await hanging.promise;
  const stopped = server.stop();
  await idleClosed;
  await stopped;
  expect(await stuck).toBe("broken");
  await server.ctx.close();
});
