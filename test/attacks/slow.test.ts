import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

import { formOf } from "../registry/api.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let [ada, bob] = ["", ""];
beforeAll(async () => {
  server = await testServer({ LAND_RATE_LIMIT: "off", LAND_DRAIN_SECONDS: "1" });
  ada = await server.register("ada");
  bob = await server.register("bob");
});
afterAll(() => server[Symbol.asyncDispose]());

const staged = () => readdir(join(server.data, "blobs/staging"));

/** Waits until `count` uploads are being written. */
async function stagedAre(count: number): Promise<void> {
  const watcher = watch(join(server.data, "blobs/staging"));
  for (;;) {
    const change = once(watcher, "change");
    if ((await staged()).length === count) break;
    await change;
  }
  watcher.close();
}

/** An upload that has begun and never goes on. */
function stall(token: string): Socket {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    `POST /api/v1/packages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n\r\n--b\r\nContent-Disposition: form-data; name="tarball"; filename="x"\r\n\r\nx`,
  );
  return socket;
}

const publish = async (token: string, name: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}` };
  const body = formOf({ name });
  const answer = await fetch(`${server.url}/api/v1/packages`, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return answer.status;
};

test("uploads that never go on hold up their own account alone, and end with their connections", async () => {
  const sockets = Array.from({ length: 12 }, () => stall(ada));
  await stagedAre(8);
  expect(await publish(bob, "free")).toBe(201);
  const late = publish(ada, "late");
  for (const socket of sockets) socket.destroy();
  expect(await late).toBe(201);
  await stagedAre(0);
  expect(await server.call("GET", "/packages/late")).toMatchObject({ status: 200 });
});

test("a server that is told to stop does so, whoever still talks to it", async () => {
  const stalled = stall(ada);
  await stagedAre(1);
  const half = connect(Number(new URL(server.url).port), "127.0.0.1");
  half.on("error", () => undefined);
  half.write("GET /health HTTP/1.1\r\nHost: loc");
  const startedMs = performance.now();
  await server.stop();
  expect(performance.now() - startedMs).toBeLessThan(4000);
  expect(server.log()).not.toContain('"level":"error"');
  stalled.destroy();
  half.destroy();
});
