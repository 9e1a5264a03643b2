import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { goodArchive } from "#fixtures/archives.ts";
import { refusalOf } from "#fixtures/refusals.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { walkArchive } from "#pack/read.ts";
import { compareReaders, type SeenFile } from "#pack/second-reader.ts";

let dir = "";
let path = "";
let seen: SeenFile[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "land-second-"));
  path = join(dir, "a.tgz");
  await Bun.write(path, goodArchive({ files: { "a.txt": "a", "b.txt": "b" } }));
  await walkArchive(Bun.file(path).stream(), DEFAULT_LIMITS, async (file, content) => {
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const chunk of content) hasher.update(chunk);
    seen.push({ ...file, sha256: hasher.digest("hex") });
  });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const compare = (files: SeenFile[], at = path): Promise<void> =>
  compareReaders(at, files, DEFAULT_LIMITS);

test("two readers that see the same are content", async () => {
  await compare(seen);
});

test("a difference in path, size, content or number is refused and named", async () => {
  const last = (change: Partial<SeenFile>): SeenFile[] =>
    seen.map((file, at) => (at === seen.length - 1 ? { ...file, ...change } : file));
  const differing: [SeenFile[], string][] = [
    [last({ path: "c.txt" }), "package/c.txt"],
    [last({ sizeBytes: 2 }), "package/b.txt"],
    [last({ sha256: "00" }), "package/b.txt"],
    [seen.slice(0, -1), "package/b.txt"],
    [[...seen, { path: "more", sizeBytes: 0, sha256: "" }], "package/more"],
    [seen.toReversed(), "package/b.txt"],
  ];
  for (const [files, entry] of differing) {
    const { code, message } = await refusalOf(compare(files));
    expect(code).toBe("archive_invalid");
    expect(message).toContain(`entry "${entry}" is not the same for two readers`);
  }
});

test("what the second reader cannot read is refused, and it goes on to serve", async () => {
  const junk = join(dir, "junk.tgz");
  await Bun.write(junk, "not an archive, though long enough to look like one ".repeat(40));
  expect((await refusalOf(compare(seen, junk))).code).toBe("archive_invalid");
  expect((await refusalOf(compare(seen, join(dir, "nowhere")))).code).toBe("archive_invalid");
  await compare(seen);
});

test("the second reader does not keep a process alive", async () => {
  const source = `
    import { compareReaders } from "#pack/second-reader.ts";
    import { DEFAULT_LIMITS } from "#pack/limits.ts";
    await compareReaders(${JSON.stringify(path)}, ${JSON.stringify(seen)}, DEFAULT_LIMITS);
    console.log("done");`;
  const root = join(import.meta.dir, "../..");
  const child = Bun.spawn([process.execPath, "-e", source], { cwd: root, stdout: "pipe" });
  expect(await child.stdout.text()).toBe("done\n");
  expect(await child.exited).toBe(0);
});
