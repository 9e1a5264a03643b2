import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { toLandError } from "#base/errors.ts";
import { parseDigest } from "#base/names.ts";
import { type Form, readForm } from "#http/multipart.ts";
import { type Blobs, openBlobs, type Staged } from "#store/blobs.ts";

let root = "";
let blobs: Blobs;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-multipart-"));
  blobs = await openBlobs(root, () => new Date());
});
afterAll(() => rm(root, { recursive: true, force: true }));

const staged = () => readdir(join(root, "staging"));

const read = (request: Request, limitBytes = 1_000_000): Promise<Form<Staged>> =>
  readForm(request, {
    texts: { manifest: 1000, signature: 10 },
    file: "tarball",
    limitBytes,
    pace: { bytesPerSecond: 0, now: () => new Date(0) },
    takeFile: (content) => blobs.stage(content, 300_000),
    dropFile: (taken) => taken.discard(),
  });

const post = (body: string | FormData | ReadableStream, headers: Record<string, string> = {}) =>
  new Request("http://localhost/", { method: "POST", body, headers });

function form(parts: [string, string | Blob][]): Request {
  const data = new FormData();
  for (const [name, value] of parts) data.append(name, value);
  return post(data);
}

const bytes = new Blob([crypto.getRandomValues(new Uint8Array(60_000)), new Uint8Array(200_000)]);

test.each([
  [
    [
      ["manifest", "{}"],
      ["tarball", bytes],
      ["signature", "s"],
    ],
  ],
  [
    [
      ["tarball", bytes],
      ["signature", "s"],
      ["manifest", "{}"],
    ],
  ],
  [
    [
      ["signature", "s"],
      ["manifest", new Blob(["{}"], { type: "application/json" })],
      ["tarball", bytes],
    ],
  ],
] as [[string, string | Blob][]][])("parts come in any order", async (parts) => {
  const { texts, file } = await read(form(parts));
  expect(texts).toEqual({ manifest: "{}", signature: "s" });
  expect(file?.sizeBytes).toBe(bytes.size);
  const hash = new Bun.CryptoHasher("sha256").update(await bytes.arrayBuffer()).digest("hex");
  expect(file?.digest).toBe(parseDigest(`sha256:${hash}`));
  await file?.discard();
  expect(await staged()).toEqual([]);
});

test("what did not come is not there, and a part of the prototype is no part of ours", async () => {
  expect(await read(form([["manifest", "{}"]]))).toEqual({
    texts: { manifest: "{}" },
    file: undefined,
  });
  expect(
    toLandError(await read(form([["constructor", "{}"]])).catch((e: unknown) => e)).data,
  ).toEqual({
    field: "constructor",
    problem: "there is no such part",
  });
});

const boundary = { "content-type": "multipart/form-data; boundary=b" };
const part = (name: string, body: string, more = ""): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${body}\r\n`;

test.each([
  ["no form", () => post("{}", { "content-type": "application/json" }), "unsupported_media_type"],
  [
    "no boundary",
    () => post("x", { "content-type": "multipart/form-data" }),
    "unsupported_media_type",
  ],
  [
    "an empty boundary",
    () => post("x", { "content-type": "multipart/form-data; boundary=" }),
    "bad_request",
  ],
  [
    "unknown part",
    () =>
      form([
        ["tarball", bytes],
        ["evil", "1"],
      ]),
    "invalid_input",
  ],
  [
    "part twice",
    () =>
      form([
        ["manifest", "1"],
        ["tarball", bytes],
        ["manifest", "2"],
      ]),
    "invalid_input",
  ],
  [
    "file twice",
    () =>
      form([
        ["tarball", bytes],
        ["tarball", bytes],
      ]),
    "invalid_input",
  ],
  [
    "text too large",
    () =>
      form([
        ["tarball", bytes],
        ["signature", "12345678901"],
      ]),
    "invalid_input",
  ],
  [
    "largest text too large",
    () =>
      form([
        ["tarball", bytes],
        ["manifest", "x".repeat(1001)],
      ]),
    "invalid_input",
  ],
  [
    "file too large",
    () => form([["tarball", new Blob([new Uint8Array(300_001)])]]),
    "payload_too_large",
  ],
  [
    "whole too large",
    () =>
      form([
        ["manifest", "x"],
        ["tarball", new Blob([new Uint8Array(2_000_000)])],
      ]),
    "payload_too_large",
  ],
  ["cut short in the file", () => post(part("tarball", "x".repeat(5000)), boundary), "bad_request"],
  [
    "cut short in a text",
    () => post('--b\r\nContent-Disposition: form-data; name="manifest"\r\n\r\nabc', boundary),
    "bad_request",
  ],
  [
    "cut short in the headers",
    () => post("--b\r\nContent-Disposition: form-", boundary),
    "bad_request",
  ],
  ["no boundary in the body", () => post("hello", boundary), "bad_request"],
  [
    "too many parts",
    () => post(`${"--b\r\nX: y\r\n\r\n\r\n".repeat(40)}--b--\r\n`, boundary),
    "bad_request",
  ],
] as [string, () => Request, string][])(
  "refused, and nothing is left: %s",
  async (_, make, code) => {
    const error = toLandError(await read(make()).catch((e: unknown) => e));
    expect(error.code).toBe(code);
    expect(await staged()).toEqual([]);
  },
);

test("a body that declares too much is refused unread", async () => {
  let pulled = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1000));
      },
    },
    { highWaterMark: 0 },
  );
  const error = toLandError(
    await read(post(body, { ...boundary, "content-length": "9000000" })).catch((e: unknown) => e),
  );
  expect(error.code).toBe("payload_too_large");
  expect(pulled).toBe(0);
});

test("a client that goes away in the middle leaves nothing", async () => {
  const outcome = Promise.withResolvers<string>();
  const arrived = Promise.withResolvers<void>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const code = await readForm(request, {
        texts: { manifest: 1000 },
        file: "tarball",
        limitBytes: 1_000_000,
        pace: { bytesPerSecond: 0, now: () => new Date(0) },
        takeFile: (content) => {
          arrived.resolve();
          return blobs.stage(content, 300_000);
        },
        dropFile: (taken) => taken.discard(),
      }).then(
        () => "read",
        (error: unknown) => toLandError(error).code,
      );
      outcome.resolve(code);
      return new Response(code);
    },
  });
  const socket = connect(server.port ?? 0, "127.0.0.1");
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 500000\r\n\r\n${part("tarball", "y".repeat(100_000), '; filename="x"').slice(0, -2)}`,
  );
  await arrived.promise;
  socket.destroy();
  expect(await outcome.promise).toBe("bad_request");
  expect(await staged()).toEqual([]);
  await server.stop(true);
});
