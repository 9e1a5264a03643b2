import { afterEach, expect, test } from "bun:test";
import { createServer } from "node:net";

import type { LandError } from "#base/errors.ts";
import { createRemote, type RemoteOptions } from "#remote/client.ts";

let stop = async (): Promise<void> => undefined;
afterEach(() => stop());

/** A server that is handed each request as text, and what writes to its connection. */
async function serve(
  answer: (n: number, request: string, send: (bytes: string | Uint8Array) => void) => void,
  closeMs: number | false = 0,
): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      requests.push(chunk.toString("latin1"));
      answer(requests.length, requests.at(-1) ?? "", (bytes) => void socket.write(bytes));
      if (closeMs !== false) setTimeout(() => socket.end(), closeMs);
    });
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  stop = async () => void server.close();
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    requests,
  };
}

const remoteAt = (registry: string, more: Partial<RemoteOptions> = {}) =>
  createRemote({ registry, sleep: async () => undefined, ...more });

const failure = (promise: Promise<unknown>): Promise<LandError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: LandError) => error,
  );

async function read(remote: ReturnType<typeof remoteAt>, limit?: number): Promise<string> {
  let text = "";
  for await (const piece of remote.download("left", "1.0.0", limit))
    text += Buffer.from(piece).toString("latin1");
  return text;
}

// Every answer names its connection as the last one: one that is kept and then ends under the next
// request would have it sent twice, and the count of requests would depend on the moment.
const head = (type: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nconnection: close\r\n${more}\r\n`;

test("a body that drips without end is given up, and one that is slow is not", async () => {
  const timers: ReturnType<typeof setInterval>[] = [];
  const { url } = await serve((n, _, send) => {
    send(head("application/gzip", "content-length: 3000\r\n"));
    let sent = 0;
    timers.push(
      setInterval(() => {
        // The first brings a byte at a time, the second 300.
        const size = n === 1 ? 1 : 300;
        if (sent < 3000) send("x".repeat(size));
        sent += size;
      }, 20),
    );
  }, false);
  const network = { idleTimeoutMs: 200, tries: 1 };
  const error = await failure(read(remoteAt(url, { network })));
  expect(error).toMatchObject({ code: "network", exitCode: 13 });
  expect(error.message).toContain("nothing came for 0.2 s");
  expect(await read(remoteAt(url, { network }))).toHaveLength(3000);
  for (const timer of timers) clearInterval(timer);
});

test("a connection that does not come about is told as such, before an answer is overdue", async () => {
  const never = new Promise<never>(() => undefined);
  const fetch = (_: string, init: BunFetchRequestInit): Promise<Response> =>
    new Promise((_done, refuse) =>
      init.signal?.addEventListener("abort", () => refuse(new Error("aborted"))),
    );
  const route = { fetch, proxyOf: () => undefined, reach: () => never };
  const network = { connectTimeoutMs: 40, answerTimeoutMs: 5000, tries: 2 };
  const error = await failure(remoteAt("https://a.example", { route, network }).readIndex("left"));
  expect(error.message).toBe(
    "Cannot reach https://a.example/api/v1/index/left: no connection came about within 0.04 s (2 tries)",
  );
  const connected = { ...route, reach: async () => undefined };
  const silent = { connectTimeoutMs: 20, answerTimeoutMs: 80, tries: 1 };
  const slow = remoteAt("https://a.example", { route: connected, network: silent });
  expect((await failure(slow.readIndex("left"))).message).toContain("no answer came within 0.08 s");
});

test("what became another while it was sent is refused; a part is asked for only of the same", async () => {
  const { url, requests } = await serve((n, _, send) => {
    if (n === 1)
      send(`${head("application/gzip", 'etag: "one"\r\ncontent-length: 20\r\n')}0123456789`);
    else send(`${head("application/gzip", 'etag: "two"\r\ncontent-length: 20\r\n')}abcdefghij`);
  }, 50);
  const error = await failure(read(remoteAt(url)));
  expect(error).toMatchObject({ code: "bad_answer" });
  expect(error.message).toContain("it became another while it was sent");
  expect(requests[1]).toMatch(/^range: bytes=10-\r$/im);
  expect(requests[1]).toMatch(/^if-range: "one"\r$/im);
});

test("a small body that would unpack to gigabytes ends at the limit", async () => {
  const bomb = Bun.gzipSync(new Uint8Array(100_000_000), { level: 9 });
  const { url } = await serve((_, __, send) => {
    send(
      head("application/x-ndjson", `content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n`),
    );
    send(bomb);
  });
  const error = await failure(remoteAt(url).readIndex("left"));
  expect(error).toMatchObject({ code: "bad_answer" });
  expect(error.message).toContain("it is larger than");
});

test("a redirect to itself ends, and one to no address is refused", async () => {
  const { url, requests } = await serve((_, request, send) => {
    const location = request.includes("/index/loop") ? "/api/v1/index/loop" : "file:///etc/passwd";
    send(
      `HTTP/1.1 302 Found\r\nlocation: ${location}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
  });
  const remote = remoteAt(url);
  expect((await failure(remote.readIndex("loop"))).message).toContain("redirects more than 5");
  expect(requests).toHaveLength(6);
  expect((await failure(remote.readIndex("file"))).message).toContain("redirects to no address");
});

test("while others are answered, a connection that breaks is tried longer", async () => {
  let broken = 0;
  const { url } = await serve((_, request, send) => {
    if (request.includes("/index/good")) {
      send(head("application/x-ndjson", "content-length: 0\r\n"));
      return;
    }
    broken += 1;
    if (broken > 13) send(head("application/x-ndjson", "content-length: 0\r\n"));
  });
  const remote = remoteAt(url, {
    network: { waitMs: Number.POSITIVE_INFINITY },
    sleep: async () => void (await remote.readIndex("good")),
  });
  expect(await remote.readIndex("bad")).toMatchObject({ kind: "fresh" });
  expect(broken).toBe(14);
});
