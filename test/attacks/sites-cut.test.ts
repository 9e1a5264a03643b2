import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { rawTar } from "#fixtures/tar.ts";
import { listOf, sha256 } from "#test/sites/deploy-world.ts";
import { until } from "#test/tls/https.ts";

import { archiveForm } from "./archive-form.ts";
import { bodyOf, sendCut, type SiteWorld, siteWorld } from "./site-world.ts";
import { sendRaw, statusOf } from "./wire.ts";

setDefaultTimeout(120_000);

const OLD = "the old site";
const NEW = { "index.html": "the new site", "a/large.bin": "0123456789".repeat(40_000) };
const RANDOM_CUTS = 20;

let world: SiteWorld;
let old = "";
beforeAll(async () => {
  world = await siteWorld({ LAND_RATE_LIMIT: "off" });
  old = (await world.deploy(world.ada, "blog", { "index.html": OLD })).id;
});
afterAll(async () => {
  expect(/"event":"bug".*/.exec(world.server.log())?.[0]).toBeUndefined();
  await world[Symbol.asyncDispose]();
});

/** A request as bytes; `chunked` says its length as it goes. */
function bytesOf(
  method: string,
  path: string,
  body: Uint8Array,
  { type, chunked }: { type: string; chunked: boolean },
): Buffer {
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${world.ada}`,
    `Content-Type: ${type}`,
    chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`,
    "Connection: close",
  ].join("\r\n");
  const parts = chunked ? chunksOf(body) : [Buffer.from(body)];
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), ...parts]);
}

function chunksOf(body: Uint8Array): Buffer[] {
  const parts: Buffer[] = [];
  const step = Math.max(1, Math.ceil(body.length / 7));
  for (let at = 0; at < body.length; at += step) {
    const part = body.subarray(at, at + step);
    parts.push(
      Buffer.from(`${part.length.toString(16)}\r\n`),
      Buffer.from(part),
      Buffer.from("\r\n"),
    );
  }
  return [...parts, Buffer.from("0\r\n\r\n")];
}

/** Where something ends, one byte before and after it, and anywhere. */
function cutsOf(whole: Buffer): number[] {
  const ends = new Set<number>([1, whole.length - 1, whole.length - 2, whole.length - 3]);
  for (const mark of ["\r\n\r\n", "\r\n--", "--\r\n", "\r\n0\r\n", "}"]) {
    const at = whole.lastIndexOf(mark);
    const first = whole.indexOf(mark);
    for (const place of [first, at])
      for (const by of [-1, 0, 1, mark.length]) if (place !== -1) ends.add(place + by);
  }
  for (let times = 0; times < RANDOM_CUTS; times += 1)
    ends.add(Math.floor(Math.random() * whole.length));
  // Who sent the last chunk said that this is all: the empty line after it is no part of a body.
  const end = whole.toString("latin1").endsWith("\r\n0\r\n\r\n") ? whole.length - 2 : whole.length;
  return [...ends].filter((cut) => cut >= 0 && cut < end);
}

async function expectOld(): Promise<void> {
  expect(bodyOf(await world.ask("blog.localhost", "/"))).toBe(OLD);
  expect(statusOf(await world.ask("blog.localhost", "/a/large.bin"))).toBe(404);
  expect((await world.live("blog"))?.id).toBe(old);
}

/** Cuts a request everywhere, proves that the old site stands and nothing is left, then sends it whole. */
async function cutEverywhere(whole: Buffer): Promise<string> {
  const before = await finished();
  const cuts = cutsOf(whole);
  for (const how of ["fin", "rst"] as const) {
    // Several at a time, as from several clients.
    for (let at = 0; at < cuts.length; at += 8)
      await Promise.all(
        cuts.slice(at, at + 8).map((cut) => sendCut(world.port, whole.subarray(0, cut), how)),
      );
    await expectOld();
  }
  await until(async () => (await world.staged()).length === 0);
  await expectOld();
  expect(await finished()).toEqual(before);
  return sendRaw(world.server, whole);
}

/** The finished deploys of the site. */
async function finished(): Promise<string[]> {
  const { value } = await world.server.call<{ items: { id: string; state: string }[] }>(
    "GET",
    "/sites/blog/deploys?limit=100",
    { token: world.ada },
  );
  return value.items.filter(({ state }) => state === "ready").map(({ id }) => id);
}

async function back(): Promise<void> {
  const body = { deploy: old };
  const { status } = await world.server.call("POST", "/sites/blog/rollback", {
    token: world.ada,
    body,
  });
  expect(status).toBe(200);
}

/** Begins a deploy whose blobs nobody has sent. */
async function begin(content: string): Promise<string> {
  const { value } = await world.server.call<{ id: string; missing: string[] }>(
    "POST",
    "/sites/blog/deploys",
    { token: world.ada, body: { files: listOf({ "index.html": content }) } },
  );
  expect(value.missing).toEqual([sha256(content)]);
  return value.id;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const JSON_TYPE = "application/json";

for (const chunked of [false, true]) {
  const how = chunked ? "in chunks" : "with its length";

  test(`a deploy cut at any byte leaves the old site: an archive by POST, ${how}`, async () => {
    const form = new Response(archiveForm("blog", NEW));
    const type = form.headers.get("content-type") ?? "";
    const whole = bytesOf("POST", "/api/deploy", await form.bytes(), { type, chunked });
    const answer = await cutEverywhere(whole);
    expect([statusOf(answer), bodyOf(await world.ask("blog.localhost", "/"))]).toEqual([
      200,
      NEW["index.html"],
    ]);
    await back();
  });

  test(`a deploy cut at any byte leaves the old site: the begin of one, ${how}`, async () => {
    const files = listOf({ "index.html": `begun ${how}`, "b.txt": "b" });
    const whole = bytesOf("POST", "/api/v1/sites/blog/deploys", json({ files }), {
      type: JSON_TYPE,
      chunked,
    });
    expect(statusOf(await cutEverywhere(whole))).toBe(201);
  });

  test(`a deploy cut at any byte leaves the old site: one blob by PUT, ${how}`, async () => {
    const content = `a blob ${how} `.repeat(20_000);
    const id = await begin(content);
    const path = `/api/v1/sites/blog/deploys/${id}/blobs/sha256/${sha256(content)}`;
    const type = "application/octet-stream";
    const whole = bytesOf("PUT", path, Buffer.from(content), { type, chunked });
    for (const cut of [whole.length - 3, whole.length - 100]) {
      await sendCut(world.port, whole.subarray(0, cut), "fin");
      const { value } = await world.server.call("POST", `/sites/blog/deploys/${id}/finalize`, {
        token: world.ada,
        body: {},
      });
      // Without the last chunk the bytes may be whole, and are still no blob.
      expect(value["code"]).toBe("deploy_incomplete");
    }
    expect(statusOf(await cutEverywhere(whole))).toBe(204);
  });

  test(`a deploy cut at any byte leaves the old site: blobs as a tar, ${how}`, async () => {
    const content = `a blob of a tar ${how} `.repeat(20_000);
    const id = await begin(content);
    const tar = rawTar([{ name: sha256(content), content }]);
    const path = `/api/v1/sites/blog/deploys/${id}/blobs`;
    const whole = bytesOf("POST", path, tar, { type: "application/x-tar", chunked });
    const answer = await cutEverywhere(whole);
    expect([statusOf(answer), answer]).toEqual([200, expect.stringContaining('"missing":[]')]);
  });

  test(`a deploy cut at any byte leaves the old site: its end, ${how}`, async () => {
    const content = `finished ${how}`;
    const id = await begin(content);
    const type = "application/octet-stream";
    const blob = `/api/v1/sites/blog/deploys/${id}/blobs/sha256/${sha256(content)}`;
    await sendRaw(world.server, bytesOf("PUT", blob, Buffer.from(content), { type, chunked }));
    const path = `/api/v1/sites/blog/deploys/${id}/finalize`;
    const whole = bytesOf("POST", path, json({ release: true }), { type: JSON_TYPE, chunked });
    const answer = await cutEverywhere(whole);
    expect([statusOf(answer), bodyOf(await world.ask("blog.localhost", "/"))]).toEqual([
      200,
      content,
    ]);
    await back();
  });
}

test("a deploy cut at any byte leaves the old site: bytes that are whole and others are refused", async () => {
  const content = "the bytes that were named";
  const id = await begin(content);
  const path = `/api/v1/sites/blog/deploys/${id}/blobs/sha256/${sha256(content)}`;
  const type = "application/octet-stream";
  const other = Buffer.from(content.replace("named", "meant"));
  const answer = await sendRaw(world.server, bytesOf("PUT", path, other, { type, chunked: false }));
  expect(answer).toContain('"code":"blob_refused"');
  await expectOld();
  expect(await world.staged()).toEqual([]);
});
