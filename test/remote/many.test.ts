import { afterEach, expect, test } from "bun:test";

import type { Digest } from "#base/names.ts";
import { parseDigest } from "#base/names.ts";
import { createRemote } from "#remote/client.ts";
import type { IndexAnswer } from "#remote/index-lines.ts";

/** A server whose answers to one path are as given, in turn; the last one stays. */
function serve(...answers: ((request: Request) => Response | Promise<Response>)[]) {
  const bodies: unknown[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      bodies.push(await request.clone().json());
      const answer = answers[Math.min(bodies.length, answers.length) - 1];
      return answer?.(request) ?? new Response(null, { status: 500 });
    },
  });
  servers.push(server);
  const sleep = async (): Promise<void> => undefined;
  const remote = createRemote({ registry: `http://127.0.0.1:${server.port}`, sleep });
  return { remote, bodies };
}
const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

const DIGEST = `sha256:${"a".repeat(64)}`;
const line = (v: string): string => JSON.stringify({ v, deps: {}, digest: DIGEST, size: 3 });
const ndjson =
  (...lines: (object | string)[]) =>
  (): Response =>
    new Response(
      lines.map((each) => `${typeof each === "string" ? each : JSON.stringify(each)}\n`).join(""),
      {
        headers: { "content-type": "application/x-ndjson" },
      },
    );

/** A body that breaks off after some bytes. */
function broken(type: string, bytes: Uint8Array | string): Response {
  const stream = new ReadableStream({
    async pull(controller) {
      controller.enqueue(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
      await Bun.sleep(20);
      controller.error(new Error("cut"));
    },
  });
  return new Response(stream, { headers: { "content-type": type } });
}

type Served = ReturnType<typeof serve>;
async function indexes({ remote }: Served, names: readonly string[], follow = true) {
  const told = new Map<string, IndexAnswer>();
  const wanted = new Map(names.map((name) => [name, {}]));
  const taken: string[] = [];
  const { taken: supported } = await remote.readIndexes(wanted, follow, (name, answer) => {
    taken.push(name);
    told.set(name, answer);
  });
  expect(new Set(taken).size).toBe(taken.length);
  return { supported, told };
}

test("indexes come each as it was sent, what is unchanged or absent is told", async () => {
  const served = serve(
    ndjson(
      { package: "left", etag: '"1"' },
      line("1.0.0"),
      line("1.1.0"),
      { package: "pad", unchanged: true },
      { package: "gone", absent: true },
      { package: "deep", etag: '"2"' },
    ),
  );
  const { supported, told } = await indexes(served, ["left", "pad", "gone"]);
  expect(supported).toBe(true);
  expect(told.get("left")).toMatchObject({
    kind: "fresh",
    etag: '"1"',
    text: `${line("1.0.0")}\n${line("1.1.0")}\n`,
  });
  expect(told.get("pad")).toEqual({ kind: "unchanged" });
  expect(told.get("gone")).toEqual({ kind: "absent" });
  expect(told.get("deep")).toMatchObject({ kind: "fresh", entries: [] });
});

test("where the answer breaks off, the rest is asked for, and what came is named with its ETag", async () => {
  const first = `${JSON.stringify({ package: "left", etag: '"1"' })}\n${line("1.0.0")}\n${JSON.stringify({ package: "pad", etag: '"2"' })}\n`;
  const served = serve(
    () => broken("application/x-ndjson", first),
    ndjson({ package: "left", unchanged: true }, { package: "pad", etag: '"2"' }, line("2.0.0")),
  );
  const { supported, told } = await indexes(served, ["left", "pad"]);
  expect(supported).toBe(true);
  expect(told.get("left")).toMatchObject({ kind: "fresh" });
  expect(told.get("pad")).toMatchObject({ entries: [{ version: "2.0.0" }] });
  expect(served.bodies[1]).toMatchObject({ packages: { left: { etag: '"1"' }, pad: {} } });
});

const HOSTILE: Record<string, () => Response> = {
  "a page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  "404": () => new Response("", { status: 404 }),
  "405": () => new Response("", { status: 405 }),
  "501": () => new Response("", { status: 501 }),
  "a redirect": () =>
    new Response("", { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
  "a version of no package": ndjson(line("1.0.0")),
  "a package twice": ndjson({ package: "left", etag: "1" }, { package: "left", etag: "1" }),
  "a version twice": ndjson({ package: "left", etag: "1" }, line("1.0.0"), line("1.0.0")),
  "no JSON": ndjson({ package: "left", etag: "1" }, "{"),
  "a name that is none": ndjson('{"package":5}'),
  "half a line": () =>
    new Response('{"package":"left","etag":"1"}\n{"v"', {
      headers: { "content-type": "application/x-ndjson" },
    }),
  "a line without end": () => {
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000).fill(32)),
    });
    return new Response(stream, { headers: { "content-type": "application/x-ndjson" } });
  },
};

for (const [name, answer] of Object.entries(HOSTILE))
  test(`indexes answered with ${name} are asked for singly`, async () => {
    const { supported, told } = await indexes(serve(answer), ["left", "pad"]);
    expect(supported).toBe(false);
    expect(told.has("pad")).toBe(false);
  });

test("without follow nothing is told that was not asked for", async () => {
  const served = serve(
    ndjson({ package: "left", etag: "1" }, line("1.0.0"), { package: "other", etag: "1" }),
  );
  expect((await indexes(served, ["left"], false)).supported).toBe(false);
});

const BYTES = ["one", "two", "three"].map((text) => new TextEncoder().encode(text));
const digestOf = (bytes: Uint8Array): Digest =>
  parseDigest(`sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`);
const DIGESTS = BYTES.map(digestOf);
const TYPE = "application/x-land-archives";
const framed = (bytes: Uint8Array, head: object = {}): Uint8Array =>
  Buffer.concat([
    Buffer.from(`${JSON.stringify({ digest: digestOf(bytes), size: bytes.length, ...head })}\n`),
    bytes,
  ]);
const stream =
  (...parts: Uint8Array[]) =>
  (): Response =>
    new Response(Buffer.concat(parts), { headers: { "content-type": TYPE } });
const [ONE = new Uint8Array(), TWO = new Uint8Array(), THREE = new Uint8Array()] = BYTES;

async function archives({ remote }: Served, limitBytes = 100) {
  const got: string[] = [];
  const wanted = new Map(DIGESTS.map((digest) => [digest, limitBytes]));
  const result = await remote.downloadMany(wanted, async ({ pieces }) => {
    const all: Uint8Array[] = [];
    for await (const piece of pieces) all.push(piece.slice());
    got.push(Buffer.concat(all).toString());
  });
  return { ...result, got };
}

test("archives come one after the other; what is missing is left", async () => {
  const missing = Buffer.from(`${JSON.stringify({ digest: DIGESTS[1], missing: true })}\n`);
  const served = serve(stream(framed(ONE), missing, framed(THREE)));
  const [, two] = DIGESTS;
  expect(await archives(served)).toEqual({
    left: two ? [two] : [],
    supported: true,
    got: ["one", "three"],
  });
});

test("what breaks off half-way is left, what follows is asked for again", async () => {
  const served = serve(
    () => broken(TYPE, Buffer.concat([framed(ONE), framed(TWO).subarray(0, -1)])),
    stream(framed(THREE)),
  );
  const [, two, three] = DIGESTS;
  expect(await archives(served)).toMatchObject({ left: [two], got: ["one", "three"] });
  expect(served.bodies[1]).toEqual({ digests: [three] });
});

test("where nothing comes whole, all is left soon", async () => {
  const served = serve(() => broken(TYPE, "{"));
  const { left, got } = await archives(served);
  expect([left.toSorted(), got]).toEqual([DIGESTS.toSorted(), []]);
  expect(served.bodies).toHaveLength(2);
});

const HOSTILE_STREAMS: Record<string, () => Response> = {
  "a page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  "404": () => new Response("", { status: 404 }),
  "more bytes than the size allows": stream(framed(ONE, { size: 101 }), new Uint8Array(200)),
  "no size": stream(framed(ONE, { size: undefined })),
  "a size that is none": stream(framed(ONE, { size: -1 })),
  "an archive of nobody": stream(framed(ONE, { digest: DIGEST })),
  "a head without end": stream(new Uint8Array(5000).fill(32)),
  "no JSON": stream(Buffer.from("{\n")),
  "no object": stream(Buffer.from("[]\n")),
};

for (const [name, answer] of Object.entries(HOSTILE_STREAMS))
  test(`archives answered with ${name} are left`, async () => {
    const { left, supported, got } = await archives(serve(answer));
    expect([left.toSorted(), supported, got]).toEqual([DIGESTS.toSorted(), false, []]);
  });

test("an archive that comes twice ends the stream, and is taken once", async () => {
  const { got, left } = await archives(serve(stream(framed(ONE), framed(ONE))));
  expect([got, left.toSorted()]).toEqual([["one"], DIGESTS.slice(1).toSorted()]);
});

test("more bytes behind an archive than it has are no archive", async () => {
  const { got, supported } = await archives(serve(stream(framed(ONE), TWO, framed(TWO))));
  expect([got, supported]).toEqual([["one"], false]);
});

test("who will not have an archive ends all, with his own words", async () => {
  const { remote } = serve(stream(framed(ONE), framed(TWO)));
  const wanted = new Map(DIGESTS.map((digest) => [digest, 100]));
  const all = remote.downloadMany(wanted, async ({ pieces }) => {
    for await (const _ of pieces);
    throw new Error("not this one");
  });
  expect(all).rejects.toThrow("not this one");
  await all.catch(() => undefined);
});
