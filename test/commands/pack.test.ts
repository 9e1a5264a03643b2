import { expect, test } from "bun:test";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

import { run } from "./world.ts";

const project = {
  "land.json": '{ "name": "@ada/greet", "version": "1.2.3", "bin": { "greet": "bin/greet.ts" } }',
  "README.md": "# greet\n",
  "bin/greet.ts": "#!/usr/bin/env bun\n",
  ".gitignore": "*.log\n",
  ".env": "SECRET=1\n",
  "noise.log": "noise\n",
};

test("a dry run lists the files, their sizes and why each is in, and writes nothing", async () => {
  await using root = await temporaryFolder("pack");
  await writeFiles(root.path, project);
  const ran = await run(["pack", "--dry-run"], { cwd: root.path });
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout.replace(/sha256:[0-9a-f]{64}/, "sha256:…")).toMatchInlineSnapshot(`
    "@ada/greet@1.2.3
      .gitignore     6 B  default
      README.md      8 B  always included (README)
      bin/greet.ts  19 B  always included (bin)
      land.json     80 B  always included (manifest)
      package.json  93 B  made from the manifest
    5 files, 206 B, packed 316 B
    sha256:…
    "
  `);
  expect(await Bun.file(join(root.path, "ada-greet-1.2.3.tgz")).exists()).toBe(false);
});

test("the archive is written, and its digest is that of its bytes", async () => {
  await using root = await temporaryFolder("pack");
  await writeFiles(root.path, project);
  const ran = await run(["pack", "--json"], { cwd: root.path });
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  const bytes = await Bun.file(join(root.path, "ada-greet-1.2.3.tgz")).bytes();
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  expect(ran.json()).toEqual({
    name: "@ada/greet",
    version: "1.2.3",
    digest,
    sizeBytes: bytes.length,
    files: [
      { path: ".gitignore", sizeBytes: 6 },
      { path: "README.md", sizeBytes: 8 },
      { path: "bin/greet.ts", sizeBytes: 19 },
      { path: "land.json", sizeBytes: 80 },
      { path: "package.json", sizeBytes: expect.any(Number) },
    ],
  });
  const again = await run(["pack", "--json", "--out", "other.tgz"], { cwd: root.path });
  expect(again.json()).toEqual(ran.json());
});

test("--out names a file or a folder", async () => {
  await using root = await temporaryFolder("pack");
  await writeFiles(root.path, { ...project, "out/.keep": "" });
  const folder = await run(["pack", "--out", "out"], { cwd: root.path });
  expect(folder.stdout).toBe(`${join(root.path, "out/ada-greet-1.2.3.tgz")}\n`);
  const file = await run(["pack", "-o", "x.tgz", "--quiet"], { cwd: root.path });
  expect(file).toMatchObject({ stdout: `${join(root.path, "x.tgz")}\n`, stderr: "" });
});

test("a folder without a manifest is named", async () => {
  await using root = await temporaryFolder("pack");
  expect(await run(["pack"], { cwd: root.path })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("Cannot find land.json or package.json"),
  });
});
