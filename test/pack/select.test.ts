import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { refusalOf } from "#fixtures/refusals.ts";
import { readProject } from "#pack/project.ts";
import { selectFiles, type Selection } from "#pack/select.ts";
import { type PackedArchive, packProject } from "#pack/write.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-select-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function makeProject(
  manifest: Record<string, unknown>,
  files: Record<string, string>,
): Promise<string> {
  const dir = await mkdtemp(join(root, "p-"));
  const all = {
    "land.json": JSON.stringify({ name: "left", version: "1.0.0", ...manifest }),
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await Bun.write(join(dir, path), content);
  }
  return dir;
}

async function select(
  manifest: Record<string, unknown>,
  files: Record<string, string>,
): Promise<Selection> {
  return selectFiles(await readProject(await makeProject(manifest, files)));
}

async function pack(
  manifest: Record<string, unknown>,
  files: Record<string, string>,
): Promise<PackedArchive> {
  const project = await readProject(await makeProject(manifest, files));
  return packProject(project, await selectFiles(project));
}

const pathsOf = ({ files }: Selection): string[] =>
  files.map(({ path }) => path).filter((path) => path !== "land.json");

test("takes everything but what never goes in", async () => {
  const selection = await select(
    {},
    {
      "index.ts": "",
      ".env": "",
      "src/.env.local": "",
      "src/key.pem": "",
      "src/KEY.PEM": "",
      ".npmrc": "",
      ".landrc": "",
      "land.lock": "",
      ".git/config": "",
      "node_modules/a/index.js": "",
      "src/land_modules/a/index.js": "",
      "left-1.0.0.tgz": "",
      "left-0.9.0.tgz": "",
      ".DS_Store": "",
      "src/a.ts": "",
    },
  );
  expect(pathsOf(selection)).toEqual(["index.ts", "src/a.ts"]);
  expect(selection.skipped).toContainEqual({ path: ".env", why: "never included (.env*)" });
  expect(selection.skipped).toContainEqual({ path: ".git", why: "never included (.git)" });
});

test("what never goes in stays out even if listed", async () => {
  const files = ["src", ".env", "node_modules", "key.pem"];
  const selection = await select(
    { files },
    { "src/a.ts": "", ".env": "", "node_modules/a.js": "", "key.pem": "" },
  );
  expect(pathsOf(selection)).toEqual(["src/a.ts"]);
});

test(".gitignore and .landignore both apply, nested ones too", async () => {
  const selection = await select(
    {},
    {
      ".gitignore": "*.log\n/build/\n!keep.log",
      ".landignore": "test\n*.map\n!shown.log",
      "a.log": "",
      "keep.log": "",
      "shown.log": "",
      "build/a.js": "",
      "test/a.ts": "",
      "src/a.map": "",
      "src/a.ts": "",
      "src/.gitignore": "tmp",
      "src/tmp/a": "",
      "src/deep/.landignore": "*",
      "src/deep/a": "",
    },
  );
  expect(pathsOf(selection)).toEqual([
    ".gitignore",
    ".landignore",
    "keep.log",
    "shown.log",
    "src/.gitignore",
    "src/a.ts",
  ]);
  expect(selection.skipped).toContainEqual({ path: "build/", why: ".gitignore: /build/" });
  expect(selection.skipped).toContainEqual({ path: "src/a.map", why: ".landignore: *.map" });
});

test("`files` brings back what .gitignore hides, and .landignore has the last word", async () => {
  for (const rule of ["dist", "/dist/", "dist/*", "dist/**"]) {
    const selection = await select(
      { files: ["dist", "src/**", "!src/old"] },
      {
        ".gitignore": `${rule}\n*.log`,
        ".landignore": "*.map",
        "dist/a.js": "",
        "dist/a.js.map": "",
        "dist/deep/b.js": "",
        "src/a.ts": "",
        "src/a.log": "",
        "src/deep/a.log": "",
        "src/old/a.ts": "",
        "other.ts": "",
      },
    );
    expect(pathsOf(selection)).toEqual(["dist/a.js", "dist/deep/b.js", "src/a.ts"]);
    expect(selection.files.find(({ path }) => path === "src/a.ts")?.why).toBe("files: src/**");
    expect(selection.skipped).toContainEqual({ path: "other.ts", why: "not in files" });
  }
});

test("a pattern of `files` reaches into ignored folders", async () => {
  const selection = await select(
    { files: ["dist/**/*.js", "*.md", "gen/one.ts"] },
    {
      ".gitignore": "dist\ngen/",
      "dist/a.js": "",
      "dist/a.txt": "",
      "dist/x/b.js": "",
      "gen/one.ts": "",
      "gen/two.ts": "",
      "notes.md": "",
      "src/notes.md": "",
    },
  );
  expect(pathsOf(selection)).toEqual(["dist/a.js", "dist/x/b.js", "gen/one.ts", "notes.md"]);
});

test("manifest, README, LICENSE, main and bin are always in", async () => {
  const selection = await select(
    { files: ["src"], main: "./lib/index", bin: { left: "out/left.js" } },
    {
      ".landignore": "*",
      "lib/index.js": "",
      "lib/other.js": "",
      "out/left.js": "",
      "README.md": "",
      LICENSE: "",
      "src/README.md": "",
    },
  );
  expect(selection.files.map(({ path, why }) => `${path}: ${why}`)).toEqual([
    "LICENSE: always included (LICENSE)",
    "README.md: always included (README)",
    "land.json: always included (manifest)",
    "lib/index.js: always included (main)",
    "out/left.js: always included (bin)",
  ]);
  expect(selection.files.find(({ path }) => path === "out/left.js")?.executable).toBe(true);
});

test("links and other odd files are named, not followed", async () => {
  const dir = await makeProject({}, { "a.ts": "" });
  await symlink("/etc/passwd", join(dir, "passwd"));
  await symlink("/etc", join(dir, "etc"));
  await symlink("/etc/hostname", join(dir, ".gitignore"));
  Bun.spawnSync(["mkfifo", join(dir, "pipe")]);
  const selection = await selectFiles(await readProject(dir));
  expect(pathsOf(selection)).toEqual(["a.ts"]);
  expect(selection.skipped).toEqual([
    { path: ".gitignore", why: "symbolic link" },
    { path: "etc", why: "symbolic link" },
    { path: "passwd", why: "symbolic link" },
    { path: "pipe", why: "not a plain file" },
  ]);
});

test("names that no archive may hold are refused with their name", async () => {
  for (const name of ["a\\b", "con.txt", "a:b", "a\nb"])
    expect((await refusalOf(select({}, { [name]: "" }))).code).toBe("archive_invalid");
  const dir = await makeProject({}, { "A.txt": "", "a.txt": "" });
  const project = await readProject(dir);
  const packing = packProject(project, await selectFiles(project));
  expect((await refusalOf(packing)).message).toContain(
    'entry "a.txt" is the same as "package/A.txt"',
  );
});

test("the archive that is being written and the install folder stay out", async () => {
  const dir = await makeProject(
    { installDir: "deps" },
    { "deps/x/a.ts": "", "out.tgz": "", "a.ts": "" },
  );
  expect(pathsOf(await selectFiles(await readProject(dir), ["out.tgz"]))).toEqual(["a.ts"]);
});

test("a main or bin that would not be in the archive is refused", async () => {
  expect((await refusalOf(pack({ bin: { x: "x.ts" } }, {}))).message).toContain(
    '"bin.x" names "x.ts", which is not there',
  );
  expect((await refusalOf(pack({ main: "dist" }, { "a.ts": "" }))).message).toContain(
    '"main" names "dist"',
  );
  const types = { main: "dist", exports: { ".": "./a.ts" } };
  expect((await pack(types, { "a.ts": "" })).files.length).toBe(3);
  expect((await refusalOf(pack({ bin: { x: ".env.ts" } }, { ".env.ts": "" }))).message).toContain(
    "never included",
  );
  expect((await pack({ main: "lib" }, { "lib/index.ts": "" })).files.length).toBe(3);
});

test("an archive over a limit is refused before it is made", async () => {
  const project = await readProject(await makeProject({}, { "a.bin": "x".repeat(5000) }));
  const limits = {
    packedBytes: 1e6,
    unpackedBytes: 4000,
    entries: 10,
    pathBytes: 512,
    ratio: 200,
    ratioFromBytes: 1e7,
  };
  const packing = packProject(project, await selectFiles(project), limits);
  expect((await refusalOf(packing)).code).toBe("archive_too_large");
});
