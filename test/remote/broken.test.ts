import { afterEach, expect, test } from "bun:test";

import { parseDigest } from "#base/names.ts";
import { createRemote } from "#remote/client.ts";

/** A server that answers request `n` with these raw bytes, then breaks the connection: at once, or at `hangUp`. */
function rawServer(
  answerOf: (n: number, request: string) => string,
  patient = false,
): { url: string; requests: string[]; hangUp: () => void; stop: () => void } {
  const requests: string[] = [];
  let hangUp = (): void => undefined;
  const server = Bun.listen<{ text: string }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { text: "" }),
      data(socket, received) {
        socket.data.text += received.toString("latin1");
        if (!isWhole(socket.data.text)) return;
        requests.push(socket.data.text);
        const bytes = answerOf(requests.length, socket.data.text);
        if (bytes !== "") socket.write(bytes);
        hangUp = () => void socket.end();
        if (!patient) socket.end();
      },
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    hangUp: () => hangUp(),
    stop: () => server.stop(true),
  };
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length - end - 4 >= length;
}

function answer(
  status: string,
  type: string,
  body: string,
  more = "",
  length = body.length,
): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n${more}\r\n${body}`;
}

let stop = (): void => undefined;
afterEach(() => stop());

const ARCHIVE = "0123456789".repeat(20);

test("a download that breaks goes on where it was, also where the server sends all again", async () => {
  const server = rawServer((n, request) => {
    const from = Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? 0);
    if (n === 3) return answer("200 OK", "application/gzip", ARCHIVE.slice(0, 100), "", 200);
    const rest = ARCHIVE.slice(from);
    const more = from > 0 ? `content-range: bytes ${from}-199/200\r\n` : "";
    const status = from > 0 ? "206 Partial Content" : "200 OK";
    return answer(status, "application/gzip", n > 3 ? rest : rest.slice(0, 40), more, rest.length);
  }, true);
  ({ stop } = server);
  const remote = createRemote({ registry: server.url, sleep: async () => undefined });
  let text = "";
  for await (const piece of remote.download("left", "1.0.0")) {
    text += Buffer.from(piece).toString();
    server.hangUp();
  }
  expect(text).toBe(ARCHIVE);
  const ranges = server.requests.map((request) => /range: (\S+)/i.exec(request)?.[1]);
  expect(ranges).toEqual([undefined, "bytes=40-", "bytes=80-", "bytes=100-"]);
});

test("a download that breaks each time is network after five tries", async () => {
  const server = rawServer(() => answer("200 OK", "application/gzip", "", "", 200));
  ({ stop } = server);
  const remote = createRemote({ registry: server.url, sleep: async () => undefined });
  const read = async (): Promise<void> => {
    for await (const _ of remote.download("left", "1.0.0"));
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "network", exitCode: 13 });
  expect(server.requests).toHaveLength(5);
});

const DIGEST = parseDigest(`sha256:${"0".repeat(64)}`);
const publication = {
  name: "left",
  version: "1.0.0",
  manifest: { name: "left", version: "1.0.0" },
  archive: new TextEncoder().encode(ARCHIVE),
  digest: DIGEST,
};
const versionOf = (digest: string): string =>
  JSON.stringify({
    name: "left",
    version: "1.0.0",
    description: "",
    license: null,
    digest,
    integrity: "",
    blake3: "",
    sizeBytes: 1,
    unpackedBytes: 1,
    dependencies: {},
    optionalDependencies: {},
    peerDependencies: {},
    engines: {},
    bin: {},
    key: null,
    sig: null,
    yanked: false,
    deprecated: null,
    publishedAt: "2026-01-01T00:00:00.000Z",
    publishedBy: "ada",
  });
const missing = JSON.stringify({ code: "version_not_found", status: 404, detail: "No" });

test.each([
  ["with these bytes is a success", versionOf(DIGEST), "200 OK", undefined, 2],
  ["with other bytes is refused", versionOf("sha256:1"), "200 OK", "version_exists", 2],
  ["that is not there is published again", missing, "404 Not Found", undefined, 3],
])("after a broken publish, a version %s", async (_, body, status, code, count) => {
  const type = status === "200 OK" ? "application/json" : "application/problem+json";
  const server = rawServer((n, request) => {
    if (request.startsWith("GET")) return answer(status, type, body);
    return n === 1 ? "" : answer("201 Created", "application/json", versionOf(DIGEST));
  });
  ({ stop } = server);
  const sent: number[] = [];
  const remote = createRemote({ registry: server.url, sleep: async () => undefined });
  const done = await remote
    .publish({ ...publication, onSent: (bytes) => void sent.push(bytes) })
    .catch((thrown: unknown) => thrown);
  expect(done).toMatchObject(code === undefined ? { digest: DIGEST } : { code });
  expect(server.requests).toHaveLength(count);
  expect(sent.at(-1)).toBe(ARCHIVE.length);
  expect(server.requests[0]).toContain(ARCHIVE);
});
