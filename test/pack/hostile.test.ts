import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import { goodArchive, hostileArchives } from "#fixtures/archives.ts";
import { refusalOf } from "#fixtures/refusals.ts";
import { inspectArchive } from "#pack/inspect.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { walkArchive, walkWhole } from "#pack/read.ts";
import { cpuMsOf } from "#test/support/cpu.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "land-hostile-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

async function walk(bytes: Uint8Array, chunkBytes = 65_536): Promise<unknown> {
  const limits = { ...DEFAULT_LIMITS, sizeBytes: bytes.length };
  return walkArchive(inChunks(bytes, chunkBytes), limits, (_, content) => drain(content)).catch(
    (error: unknown) => error,
  );
}

/** What is too large for that is read as it comes. */
async function walkAtOnce(bytes: Uint8Array): Promise<unknown> {
  const limits = { ...DEFAULT_LIMITS, sizeBytes: bytes.length };
  try {
    const walked = walkWhole(bytes, limits, { visit: () => undefined, end: (summary) => summary });
    return walked ? walked.made : await walk(bytes);
  } catch (error) {
    return error;
  }
}

const hostile = hostileArchives();

describe.each(hostile.filter(({ onlyInspect }) => onlyInspect !== true))(
  "$name",
  ({ name, bytes, code, entry }) => {
    test.each([["while it is read"], ["as a whole"]])("is refused %s", async (how) => {
      const error = await (how === "as a whole" ? walkAtOnce(bytes()) : walk(bytes()));
      expect(error).toBeInstanceOf(LandError);
      if (!(error instanceof LandError)) return;
      // The bombs tell a wrong length, which is seen first where as much memory is taken as was told.
      const lies = how === "as a whole" && name.includes("bomb");
      expect(error.code).toBe(lies ? "archive_invalid" : code);
      expect(error.message.endsWith(".")).toBe(false);
      if (entry !== undefined) expect(error.data?.["entry"]).toBe(entry);
    });
  },
);

describe.each(hostile)("$name", ({ bytes, code, entry }) => {
  test("is refused when it is inspected", async () => {
    const path = join(dir, `${crypto.randomUUID()}.tgz`);
    await Bun.write(path, bytes());
    const error: unknown = await inspectArchive(path, DEFAULT_LIMITS).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(LandError);
    if (!(error instanceof LandError)) return;
    expect(error.code).toBe(code);
    if (entry !== undefined)
      expect([error.data?.["entry"], error.data?.["field"]]).toContain(entry);
  });
});

test("a bomb ends at once and in little memory", async () => {
  const bomb = hostileArchives()
    .find(({ name }) => name.includes("1 GB"))
    ?.bytes();
  if (bomb === undefined) throw new Error("no bomb");
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  let ended: unknown;
  const cpuMs = await cpuMsOf(async () => (ended = await walk(bomb)));
  expect(ended).toHaveProperty("code", "archive_too_large");
  expect(cpuMs).toBeLessThan(1000);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});

test("no byte of an archive can be changed or cut away unseen", async () => {
  const good = goodArchive({ files: { "a.txt": "hello" } });
  const sound = await walk(good);
  for (let at = 0; at < good.length; at++) {
    expect(await walk(good.subarray(0, at))).toBeInstanceOf(LandError);
    const mutated = Buffer.from(good);
    mutated[at] = (mutated[at] ?? 0) ^ (1 << (at % 8));
    const seen = at % 2 === 0 ? await walk(mutated, 1 + (at % 50)) : await walkAtOnce(mutated);
    // Time and system in the gzip header mean nothing, and a changed flag of the deflate data is caught by the CRC.
    if (at >= 4 && at < 10) expect(seen).toEqual(sound);
    else expect(seen).toBeInstanceOf(LandError);
  }
});

test("a size that differs from the one announced is refused", async () => {
  const good = goodArchive();
  for (const sizeBytes of [good.length - 1, good.length + 1])
    expect(
      (
        await refusalOf(
          walkArchive(inChunks(good, 100), { ...DEFAULT_LIMITS, sizeBytes }, async () => {}),
        )
      ).code,
    ).toBe("archive_invalid");
});
