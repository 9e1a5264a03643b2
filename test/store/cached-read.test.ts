import { expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import * as fc from "fast-check";

import { createCachedReader, fallingBack, MAX_CACHED_BYTES } from "#store/cached-read.ts";
import { temporaryFolder } from "#test/support/land.ts";

test("what was just written is read whole, in its size alone", async () => {
  await using folder = await temporaryFolder("cached-read");
  const read = createCachedReader();
  const path = join(folder.path, "file");
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: MAX_CACHED_BYTES, size: "max" }),
      fc.integer({ min: 0, max: MAX_CACHED_BYTES }),
      async (bytes, other) => {
        await Bun.write(path, bytes);
        expect(Buffer.compare(read(path, bytes.length) ?? Buffer.from("none"), bytes)).toBe(0);
        if (other !== bytes.length) expect(read(path, other)).toBeUndefined();
      },
    ),
    { numRuns: 50 },
  );
});

test("each reading has bytes of its own", async () => {
  await using folder = await temporaryFolder("cached-read");
  const read = createCachedReader();
  await Bun.write(join(folder.path, "a"), "first");
  await Bun.write(join(folder.path, "b"), "other");
  const first = read(join(folder.path, "a"), 5);
  const other = read(join(folder.path, "b"), 5);
  expect([first, other].map((bytes) => Buffer.from(bytes ?? []).toString())).toEqual([
    "first",
    "other",
  ]);
});

/** In a process with one reader, as a server has it: only there the runtime takes what it holds for what never changes. */
const READ_OFTEN = `
  import { createCachedReader } from "#store/cached-read.ts";
  let found = 0;
  // A system that never can tell.
  const read = createCachedReader(() => {
    found += 1;
    return undefined;
  });
  for (let n = 0; n < 300; n += 1) {
    const others = Array.from({ length: 2000 }, (_, at) => new BigUint64Array([BigInt(at), 1n]));
    if (n % 50 === 0) Bun.gc(true);
    for (let times = 0; times < 100; times += 1)
      if (read(process.env.READ_PATH, others.length / 500)) found += 1;
  }
  console.log(found);
`;

test("what it tells the system stays, however often it is read and however much is collected", async () => {
  await using folder = await temporaryFolder("cached-read");
  const path = join(folder.path, "file");
  await Bun.write(path, "here");
  const child = Bun.spawn([process.execPath, "-e", READ_OFTEN], {
    cwd: import.meta.dir,
    env: { ...process.env, READ_PATH: path },
    stdout: "pipe",
  });
  // What mounts anything meanwhile lets a few names be looked up anew.
  expect(Number(await child.stdout.text())).toBeGreaterThan(29_000);
  await child.exited;
});

test("what is not there, is too long, or is no file is not read, and what comes after it is", async () => {
  await using folder = await temporaryFolder("cached-read");
  const read = createCachedReader();
  const [long, name, loop] = ["long", "file", "loop"].map((one) => join(folder.path, one));
  if (!long || !name || !loop) throw new Error("no names");
  await Bun.write(long, new Uint8Array(MAX_CACHED_BYTES + 1));
  await Bun.write(name, "here");
  await mkdir(join(folder.path, "folder"));
  await symlink(loop, loop);
  expect(read(join(folder.path, "nothing"), 4)).toBeUndefined();
  expect(read(join(folder.path, "no", "folder"), 4)).toBeUndefined();
  expect(read(long, MAX_CACHED_BYTES)).toBeUndefined();
  expect(read(`${name}/below`, 4)).toBeUndefined();
  expect(read(join(folder.path, "folder"), 4)).toBeUndefined();
  expect(read(loop, 4)).toBeUndefined();
  expect(Buffer.from(read(name, 4) ?? []).toString()).toBe("here");
});

test("a system that never can tell is no longer asked; one that could is asked again whatever it says once", () => {
  const bytes = new Uint8Array([1]);
  const say: ("unable" | "no" | "found")[] = [];
  let asked = 0;
  const readOn = (): ReturnType<typeof fallingBack> =>
    fallingBack(
      () => {
        asked += 1;
        const word = say.shift() ?? "unable";
        return word === "found" ? bytes : word;
      },
      () => new Uint8Array([2]),
    );
  const never = readOn();
  for (let n = 0; n < 100; n += 1) expect(never("file", 1)).toEqual(new Uint8Array([2]));
  expect(asked).toBeLessThan(20);
  const could = readOn();
  say.push("unable", "found", ...Array<"unable">(50).fill("unable"), "no", "found");
  const answers = Array.from({ length: 54 }, () => could("file", 1)?.[0]);
  expect(answers).toEqual([2, 1, ...Array<undefined>(51).fill(undefined), 1]);
});
