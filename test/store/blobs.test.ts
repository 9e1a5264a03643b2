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
