import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDigest } from "#base/names.ts";
import { type Blobs, openBlobs } from "#store/blobs.ts";

let root: string;
let blobs: Blobs;
let time = new Date("2026-01-01T00:00:00Z");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-blobs-"));
  time = new Date("2026-01-01T00:00:00Z");
  blobs = await openBlobs(root, () => time);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function* stream(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}
const HELLO = parseDigest(
  "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
);

test("bytes get the address of their content, once committed", async () => {
  const staged = await blobs.stage(stream("hel", "lo"), 100);
  expect(staged).toMatchObject({ digest: HELLO, sizeBytes: 5 });
  expect(await blobs.has(HELLO)).toBe(false);
  await staged.commit();
  expect(await (await blobs.find(HELLO))?.text()).toBe("hello");
  expect(await readdir(join(root, "staging"))).toEqual([]);
});

test("the same bytes again renew the time", async () => {
  await (await blobs.stage(stream("hello"), 100)).commit();
  time = new Date("2026-02-01T00:00:00Z");
  await (await blobs.stage(stream("hello"), 100)).commit();
  const listed = await Array.fromAsync(blobs.list());
  expect(listed).toEqual([{ digest: HELLO, sizeBytes: 5, touchedAt: time }]);
});

test("too much, a broken source and a discard leave nothing", async () => {
  await expect(blobs.stage(stream("hello", "world"), 9)).rejects.toMatchObject({
    code: "payload_too_large",
  });
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(3);
    throw new Error("connection lost");
  }
  await expect(blobs.stage(broken(), 100)).rejects.toThrow("connection lost");
  await (await blobs.stage(stream("hello"), 100)).discard();
  expect(await readdir(join(root, "staging"))).toEqual([]);
  expect(await blobs.has(HELLO)).toBe(false);
});

test("a start clears what a killed upload left", async () => {
  await Bun.write(join(root, "staging", "left"), "half");
  await openBlobs(root, () => time);
  expect(await readdir(join(root, "staging"))).toEqual([]);
});

test("fifty uploads of the same bytes at once are one blob", async () => {
  await Promise.all(
    Array.from({ length: 50 }, async () => (await blobs.stage(stream("hello"), 100)).commit()),
  );
  expect(await Array.fromAsync(blobs.list())).toHaveLength(1);
});

test("many contents at once get their addresses in order, and are there", async () => {
  const texts = Array.from({ length: 300 }, (_, at) => `content ${at % 250}`);
  const digests = await blobs.putMany(texts.map((text) => new TextEncoder().encode(text)));
  expect(digests).toHaveLength(300);
  expect(await (await blobs.find(digests[7] ?? HELLO))?.text()).toBe("content 7");
  expect(digests[257]).toBe(digests[7] ?? HELLO);
  const listed = await Array.fromAsync(blobs.list());
  expect(listed).toHaveLength(250);
  expect(listed.every(({ touchedAt }) => touchedAt.getTime() === time.getTime())).toBe(true);
  expect(await blobs.sizeOf(digests[7] ?? HELLO)).toBe(9);
  expect(await blobs.sizeOf(HELLO)).toBeUndefined();
  expect(await readdir(join(root, "staging"))).toEqual([]);
});

test("many contents again renew their time, and none is nothing", async () => {
  const contents = ["a", "b"].map((text) => new TextEncoder().encode(text));
  await blobs.putMany(contents);
  time = new Date("2026-02-01T00:00:00Z");
  await blobs.putMany(contents);
  const times = (await Array.fromAsync(blobs.list())).map(({ touchedAt }) => touchedAt);
  expect(times).toEqual([time, time]);
  expect(await blobs.putMany([])).toEqual([]);
});

test("many contents on a disk that takes none fail as such and leave nothing half", async () => {
  await rm(join(root, "staging"), { recursive: true });
  await expect(blobs.putMany([new Uint8Array(3), new Uint8Array(4)])).rejects.toMatchObject({
    code: "file_failed",
  });
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
});
