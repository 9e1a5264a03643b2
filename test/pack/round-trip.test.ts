import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import * as fc from "fast-check";
import { unpackTar } from "modern-tar";

import { goodArchive } from "#fixtures/archives.ts";
import { refusalOf } from "#fixtures/refusals.ts";
import { digestBytes } from "#pack/digest.ts";
import { inspectArchive } from "#pack/inspect.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { problemOfPath } from "#pack/paths.ts";
import { readProject } from "#pack/project.ts";
import { walkArchive } from "#pack/read.ts";
import { selectFiles } from "#pack/select.ts";
import { type PackedArchive, packProject } from "#pack/write.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-round-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Tree = Record<string, Uint8Array>;

async function makeProject(files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = await mkdtemp(join(root, "p-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await Bun.write(join(dir, path), content);
  }
  return dir;
}

async function pack(dir: string): Promise<PackedArchive> {
  const project = await readProject(dir);
  return packProject(project, await selectFiles(project));
}

async function unpack(bytes: Uint8Array): Promise<Tree> {
  const tree: Tree = {};
  await walkArchive(
    new Blob([Buffer.from(bytes)]).stream(),
    DEFAULT_LIMITS,
    async ({ path }, content) => {
      tree[path] = Buffer.concat(await Array.fromAsync(content));
    },
  );
  return tree;
}

const segment = fc.stringMatching(/^[a-zé日 _-]{1,40}[a-z]$/).map((text) => text.normalize("NFC"));
// `con` and its like come up about once in 100,000 paths, and are rightly refused.
const path = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .map((parts) => `t/${parts.join("/")}`)
  .filter((text) => problemOfPath(text) === undefined);
const tree = fc
  .dictionary(path, fc.uint8Array({ maxLength: 2000 }), { maxKeys: 12 })
  .filter((files) => {
    const names = Object.keys(files);
    return names.every((name) => !names.some((other) => other.startsWith(`${name}/`)));
  });

test("what is packed is read again, and the same files give the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (files) => {
      const manifest = JSON.stringify({ name: "left", version: "1.0.0" });
      const first = await pack(await makeProject({ ...files, "land.json": manifest }));
      const again = await pack(await makeProject({ "land.json": manifest, ...files }));
      expect(Buffer.compare(first.bytes, again.bytes)).toBe(0);
      const seen = await unpack(first.bytes);
      const { "land.json": land, "package.json": npm, ...rest } = seen;
      expect(String(land)).toBe(manifest);
      expect(JSON.parse(String(npm))).toEqual({ name: "left", version: "1.0.0" });
      expect(Object.keys(rest).toSorted()).toEqual(Object.keys(files).toSorted());
      for (const [name, bytes] of Object.entries(files))
        expect(Buffer.compare(bytes, seen[name] ?? new Uint8Array(1))).toBe(0);
    }),
    { numRuns: 40 },
  );
}, 60_000);

test("tar and modern-tar read what we write, long and foreign names too", async () => {
  const long = `src/${"deep-folder-name/".repeat(12)}file.txt`;
  const noSplit = `${"n".repeat(180)}.txt`;
  const dir = await makeProject({
    "land.json": '{"name":"left","version":"1.0.0","bin":{"l":"bin/l.ts"}}',
    "bin/l.ts": "console.log(1)",
    [long]: "long",
    [noSplit]: "no split",
    "src/日本語/é.txt": "names",
    "run.sh": "#!/bin/sh",
    "empty.txt": "",
  });
  await chmod(join(dir, "run.sh"), 0o4755);
  const { bytes, files } = await pack(dir);
  const archive = join(root, "out.tgz");
  await Bun.write(archive, bytes);

  const listed = Bun.spawnSync([
    "tar",
    "--quoting-style=literal",
    "-tvzf",
    archive,
  ]).stdout.toString();
  const lines = listed.trim().split("\n");
  expect(lines.map((line) => line.replace(/^.* \d\d:\d\d (?:\d+ )?package\//, ""))).toEqual(
    files.map((file) => file.path),
  );
  expect(lines.filter((line) => line.startsWith("-rwxr-xr-x")).length).toBe(2);
  expect(lines.filter((line) => line.startsWith("-rw-r--r-- 0/0")).length).toBe(files.length - 2);
  const out = await mkdtemp(join(root, "x-"));
  expect(Bun.spawnSync(["tar", "-xzf", archive, "-C", out]).exitCode).toBe(0);
  for (const file of files)
    expect(Bun.file(join(out, "package", file.path)).size).toBe(file.sizeBytes);

  const entries = await unpackTar(Bun.gunzipSync(Buffer.from(bytes)));
  expect(entries.map(({ header }) => header.name)).toEqual(
    files.map((file) => `package/${file.path}`),
  );
});

test("we read what tar writes in each of its formats", async () => {
  const dir = await makeProject({
    "package/land.json": '{"name":"left","version":"1.0.0"}',
    [`package/${"long-name/".repeat(12)}a.txt`]: "long",
    "package/src/b.txt": "b",
  });
  for (const format of ["pax", "ustar", "gnu"]) {
    const archive = join(root, `${format}.tgz`);
    const made = Bun.spawnSync([
      "tar",
      `--format=${format}`,
      "-czf",
      archive,
      "-C",
      dir,
      "package",
    ]);
    expect(made.stderr.toString()).toBe("");
    const { manifest, files } = await inspectArchive(archive, DEFAULT_LIMITS);
    expect(String(manifest.name)).toBe("left");
    expect(files.length).toBe(3);
  }
});

test("we read what git archive writes", async () => {
  const dir = await makeProject({ "package.json": '{"name":"left","version":"1.0.0"}' });
  const git = (...args: string[]) =>
    Bun.spawnSync(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: dir });
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "one");
  const archive = join(root, "git.tgz");
  expect(git("archive", "--prefix=package/", "-o", archive, "HEAD").exitCode).toBe(0);
  const { files } = await inspectArchive(archive, DEFAULT_LIMITS);
  expect(files.map((file) => file.path)).toEqual(["package.json"]);
});

test("an inspection tells manifest, readme, sizes and checksums", async () => {
  const bytes = goodArchive({
    files: { "README.md": "# Left", "readme.txt": "other", "a.ts": "1" },
  });
  const archive = join(root, "good.tgz");
  await Bun.write(archive, bytes);
  const found = await inspectArchive(archive, DEFAULT_LIMITS);
  expect(found).toMatchObject(await digestBytes(bytes));
  expect(String(found.digest)).toBe(
    `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`,
  );
  expect(found.readme).toEqual({ path: "README.md", text: "# Left" });
  expect(found.sizeBytes).toBe(bytes.length);
  expect(found.files.map((file) => file.path)).toContain("a.ts");
});

test("content that a visitor leaves unread is skipped", async () => {
  const bytes = goodArchive({ files: { "a.txt": "a".repeat(5000), "b.txt": "b" } });
  const paths: string[] = [];
  const summary = await walkArchive(
    new Blob([bytes]).stream(),
    DEFAULT_LIMITS,
    async (file, content) => {
      paths.push(file.path);
      for await (const chunk of content) if (chunk.length > 0) break;
    },
  );
  expect(summary.files.map((file) => file.path)).toEqual(paths);
});

test("an error of a visitor comes through", async () => {
  const failing = walkArchive(new Blob([goodArchive()]).stream(), DEFAULT_LIMITS, async () => {
    throw new Error("disk full");
  });
  expect((await refusalOf(failing)).message).toContain("disk full");
});

test("several inspections at once each get their own answer", async () => {
  const names = ["left", "right", "up", "down"];
  const found = await Promise.all(
    names.map(async (name) => {
      const archive = join(root, `${name}.tgz`);
      await Bun.write(archive, goodArchive({ name }));
      return inspectArchive(archive, DEFAULT_LIMITS);
    }),
  );
  expect(found.map(({ manifest }) => String(manifest.name))).toEqual(names);
});
