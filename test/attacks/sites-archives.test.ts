import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import zlib from "node:zlib";

import { gzipped, rawEntry, rawTar } from "#fixtures/tar.ts";
import { rawZip } from "#fixtures/zip.ts";
import { hostileUploads } from "#test/sites/hostile-uploads.ts";

import { cleanEnvironment, temporaryFolder } from "../support/land.ts";
import { parseObject, PASSWORD } from "../support/people.ts";
import { bodyOf, type SiteWorld, siteWorld } from "./site-world.ts";

setDefaultTimeout(120_000);

const LARGE = { name: "index.html", content: randomBytes(24 * 1024 * 1024) };
const OLD = "the old site";
const MB = 1024 * 1024;

let world: SiteWorld;
beforeAll(async () => {
  world = await siteWorld({ LAND_RATE_LIMIT: "off" });
  await world.deploy(world.ada, "blog", { "index.html": OLD });
});
afterAll(() => world[Symbol.asyncDispose]());

type Answer = { status: number; code: string | undefined };

async function send(
  bytes: Uint8Array,
  site = "blog",
  { url, token } = { url: world.server.url, token: world.ada },
): Promise<Answer> {
  const form = new FormData();
  form.set("file", new Blob([Uint8Array.from(bytes)]), "site");
  form.set("site_name", site);
  const answer = await fetch(`${url}/api/deploy`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  return { status: answer.status, code: /"code":"(\w+)"/.exec(await answer.text())?.[1] };
}

/** Every path below the data folder, and one folder above it; what the database writes beside it left out. */
async function listAll(): Promise<string[]> {
  const root = join(world.server.data, "..");
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/land\.db/.test(path))
    .toSorted();
}

test("tar/zip slip, links: no hostile archive writes a path, and every one is refused", async () => {
  const before = await listAll();
  const taken: string[] = [];
  for (const { name, bytes, code } of hostileUploads()) {
    const answer = await send(bytes());
    if (answer.code !== code) taken.push(`${name}: ${answer.status} ${answer.code}`);
  }
  expect(taken).toEqual([]);
  expect(hostileUploads().length).toBeGreaterThan(40);
  // A refused archive may leave contents by their digest, and nothing else.
  const added = (await listAll()).filter((path) => !before.includes(path));
  expect(added.filter((path) => !/^data\/blobs\/sha256\/[0-9a-f/]+$/.test(path))).toEqual([]);
  expect(await world.staged()).toEqual([]);
  expect(bodyOf(await world.ask("blog.localhost", "/"))).toBe(OLD);
});

test("tar/zip slip, links: what is kept are plain files, each named by the digest of its bytes", async () => {
  await world.deploy(world.ada, "kept", { "index.html": "kept", "bin/run.sh": "#!/bin/sh\nid\n" });
  const folder = join(world.server.data, "blobs/sha256");
  const entries = await readdir(folder, { recursive: true });
  let files = 0;
  for (const name of entries) {
    const path = join(folder, name);
    const stat = await lstat(path);
    if (stat.isDirectory()) continue;
    files += 1;
    expect([name, stat.isFile(), stat.nlink, stat.mode & 0o111]).toEqual([name, true, 1, 0]);
    const hex = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    expect(hex).toEndWith(name.replaceAll("/", "").slice(-60));
  }
  expect(files).toBeGreaterThan(2);
});

/** Compressed zeros of any size, made of one block again and again; the checksum at the end is wrong, and never reached. */
function zeros(bytes: number, raw: boolean): Buffer {
  const piece = Buffer.alloc(16 * MB);
  const block = zlib.deflateRawSync(piece, { finishFlush: zlib.constants.Z_FULL_FLUSH });
  const blocks = Array.from({ length: Math.ceil(bytes / piece.length) }, () => block);
  const body = Buffer.concat([...blocks, zlib.deflateRawSync(Buffer.alloc(0))]);
  if (raw) return body;
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  return Buffer.concat([head, body, Buffer.alloc(8)]);
}

/** A tar.gz whose one entry says that it has so many bytes. */
function tarBomb(bytes: number): Buffer {
  const header = rawEntry({ name: "zeros", size: bytes }).subarray(0, 512);
  return Buffer.concat([gzipped(header), zeros(bytes, false)]);
}

/** A zip whose one entry unpacks to so many bytes and says `told`. */
function zipBomb(bytes: number, told: number): Buffer {
  const packed = zeros(bytes, true);
  const zip = rawZip([
    { name: "zeros", method: 0, content: packed, size: told, local: { size: told } },
  ]);
  // The method is put in afterwards: what is in the entry is packed already.
  zip.writeUInt16LE(8, 8);
  zip.writeUInt16LE(8, zip.lastIndexOf(Buffer.from("PK\x01\x02", "latin1")) + 10);
  return zip;
}

/** A server as a process of its own, whose memory is not that of who attacks it. */
async function serveAlone() {
  const folder = await temporaryFolder("bombs");
  const main = join(import.meta.dir, "../../src/main.ts");
  const child = Bun.spawn([process.execPath, main, "serve", "--port", "0", "--data", folder.path], {
    env: { ...cleanEnvironment(folder.path), LAND_RATE_LIMIT: "off", LAND_SITES_FILES: "2000" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  let url = "";
  for await (const chunk of child.stdout) {
    url += new TextDecoder().decode(chunk);
    if (url.includes("\n")) break;
  }
  url = /http:\/\/\S+/.exec(url)?.[0] ?? "";
  const status = (): string => readFileSync(`/proc/${child.pid}/status`, "utf8");
  return {
    url,
    /** The most memory that it had since `forget`, in bytes. */
    peak: (): number => Number(/VmHWM:\s+(\d+) kB/.exec(status())?.[1]) * 1024,
    forget: () => Bun.write(`/proc/${child.pid}/clear_refs`, "5"),
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

const GB = 1024 * MB;

describe("a server as a process of its own", () => {
  let alone: Awaited<ReturnType<typeof serveAlone>>;
  let token = "";
  let base = 0;
  beforeAll(async () => {
    alone = await serveAlone();
    const answer = await fetch(`${alone.url}/api/v1/users/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "ada", email: "ada@example.com", password: PASSWORD }),
    });
    token = String(parseObject(await answer.text())["token"]);
    // What it needs for archives that are sound is its base: garbage stays for a while on a busy machine.
    for (const pack of [gzipped(rawTar([LARGE])), rawZip([LARGE])])
      expect(await send(pack, "blog", { ...alone, token })).toMatchObject({ status: 200 });
    base = alone.peak();
  });
  afterAll(() => alone[Symbol.asyncDispose]());

  /** Runs `work` and answers the most that the server had then over what sound archives take, in bytes. */
  async function growthOf(work: () => Promise<void>): Promise<number> {
    await alone.forget();
    await work();
    return alone.peak() - base;
  }

  test.each<[string, () => Buffer]>([
    ["tar.gz: 10 MB that become 10 GB", () => tarBomb(10 * GB - 512)],
    ["tar.gz: zeros and no tar", () => zeros(10 * GB, false)],
    [
      "tar.gz: an entry that says less than there is",
      () =>
        Buffer.concat([
          gzipped(rawEntry({ name: "zeros", size: 512 }).subarray(0, 512)),
          zeros(10 * GB, false),
        ]),
    ],
    [
      "tar.gz: a name of 10 GB",
      () =>
        Buffer.concat([
          gzipped(
            rawEntry({ name: "././@LongLink", type: "L", size: 8 * GB - 1 }).subarray(0, 512),
          ),
          zeros(8 * GB, false),
        ]),
    ],
    [
      "tar.gz: extended headers of 8 GB",
      () =>
        Buffer.concat([
          gzipped(rawEntry({ name: "pax", type: "x", size: 8 * GB - 1 }).subarray(0, 512)),
          zeros(8 * GB, false),
        ]),
    ],
    ["zip: an entry that says all of its 3 GB", () => zipBomb(3 * GB, 3 * GB)],
    ["zip: an entry that says little", () => zipBomb(3 * GB, 1000)],
    [
      "tar.gz: 60,000 entries where 2,000 files are allowed",
      () => gzipped(rawTar(Array.from({ length: 60_000 }, (_, at) => ({ name: `f${at}` })))),
    ],
    [
      "zip: 60,000 entries where 2,000 files are allowed",
      () => rawZip(Array.from({ length: 60_000 }, (_, at) => ({ name: `f${at}`, content: "" }))),
    ],
  ])("decompression bomb: %s", async (_, bytes) => {
    const bomb = bytes();
    let answer: Answer | undefined;
    const startedMs = performance.now();
    const growth = await growthOf(async () => {
      answer = await send(bomb, "blog", { url: alone.url, token });
    });
    expect(answer?.code).toMatch(/^(?:archive_(?:too_large|invalid)|payload_too_large)$/);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(growth).toBeLessThan(100 * MB);
  });

  test("decompression bomb: a body is never unpacked because its header says that it is packed", async () => {
    const bomb = zeros(GB, false);
    for (const [method, path] of [
      ["POST", "/api/v1/sites"],
      ["POST", "/api/v1/sites/blog/deploys"],
      ["POST", "/api/deploy"],
      ["POST", "/api/v1/packages"],
    ] as const)
      for (const coding of ["gzip", "deflate", "br", "zstd"]) {
        const growth = await growthOf(async () => {
          const answer = await fetch(alone.url + path, {
            method,
            headers: {
              authorization: `Bearer ${token}`,
              "content-type": "application/json",
              "content-encoding": coding,
            },
            body: Uint8Array.from(bomb),
          });
          await answer.arrayBuffer();
          expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
        });
        expect(growth).toBeLessThan(100 * MB);
      }
  });
});

test("tar/zip slip, links: a sound archive is taken, so that these tests can fail", async () => {
  const sound = gzipped(rawTar([{ name: "index.html", content: "new" }]));
  expect(await send(sound, "sound")).toEqual({ status: 200, code: undefined });
});
