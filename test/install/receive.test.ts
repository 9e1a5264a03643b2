import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { createReceiver, giveBack, IN_MEMORY_BYTES } from "#install/receive.ts";

import { temporaryFolder } from "../support/land.ts";

const nowhere = { makeFolder: async () => "/nowhere" };

/** What is taken of bytes that are told to be so many. */
async function take(bytes: Uint8Array, sizeBytes?: number, pieceBytes = 1000) {
  const receiver = createReceiver(nowhere, sizeBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes)
    await receiver.take(bytes.subarray(at, at + pieceBytes));
  const { archive } = await receiver.finish();
  if (!("bytes" in archive)) throw new Error("it lies in a file");
  return { receiver, bytes: archive.bytes };
}

const noise = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

test("what comes is there byte for byte, of whatever size, told or not", async () => {
  for (const length of [0, 1, 999, 60_000, 65_536])
    for (const told of [undefined, 0, length, 2 * length]) {
      const sent = noise(length);
      const { receiver, bytes } = await take(sent, told);
      expect(Buffer.from(bytes).equals(sent)).toBe(true);
      await receiver.close();
    }
  const large = Buffer.concat(Array.from({ length: 50 }, () => noise(65_536)));
  const { receiver, bytes } = await take(large, 10, 65_536);
  expect(Buffer.from(bytes).equals(large)).toBe(true);
  await receiver.close();
});

test("memory is lent to one at a time, and again only when it came back", async () => {
  const [one, other] = [noise(5000), noise(5000)];
  const first = await take(one, 5000);
  const second = await take(other, 5000);
  expect(Buffer.from(first.bytes).equals(one)).toBe(true);
  await first.receiver.close();
  await first.receiver.close();
  const [third, fourth] = [await take(one, 5000), await take(one, 5000)];
  expect(third.bytes.buffer).not.toBe(fourth.bytes.buffer);
  expect(Buffer.from(second.bytes).equals(other)).toBe(true);
  for (const { receiver } of [second, third, fourth]) await receiver.close();
});

test("memory that was given away to another thread is not lent again before it came back", async () => {
  const { receiver, bytes } = await take(noise(5000), 5000);
  const given = new Uint8Array(structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
  await receiver.close();
  const after = await take(noise(10), 10);
  expect(after.bytes.buffer).not.toBe(given.buffer);
  giveBack(given);
  giveBack(given);
  const [next, last] = [await take(noise(10), 10), await take(noise(10), 10)];
  expect(next.bytes.buffer).not.toBe(last.bytes.buffer);
});

test("a large one lies in a file, with the checksum that it has", async () => {
  await using root = await temporaryFolder("receive");
  const folder = join(root.path, "spilled");
  const receiver = createReceiver({
    async makeFolder() {
      await mkdir(folder);
      return folder;
    },
  });
  const piece = noise(65_536);
  const hasher = new Bun.CryptoHasher("sha256");
  for (let sent = 0; sent <= IN_MEMORY_BYTES; sent += piece.length) {
    await receiver.take(piece);
    hasher.update(piece);
  }
  const { archive, digest } = await receiver.finish();
  expect(archive).toEqual({ path: join(folder, "archive") });
  expect(digest).toBe(`sha256:${hasher.digest("hex")}`);
  await receiver.close();
  expect(existsSync(folder)).toBe(false);
});
