import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { refusalOf } from "#fixtures/refusals.ts";
import { checkProjectAgreement, editProject, readProject } from "#pack/project.ts";
import { selectFiles } from "#pack/select.ts";
import { packProject } from "#pack/write.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-project-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function makeProject(files: Record<string, unknown>): Promise<string> {
  const dir = await mkdtemp(join(root, "p-"));
  for (const [path, content] of Object.entries(files))
    await Bun.write(
      join(dir, path),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  return dir;
}

const named = { name: "left", version: "1.0.0" };

test("land.json wins, and tells where dependencies go", async () => {
  const land = await readProject(await makeProject({ "land.json": named }));
  expect(land).toMatchObject({
    file: "land.json",
    installDir: "land_modules",
    hasPackageJson: false,
  });
  const npm = await readProject(await makeProject({ "package.json": named }));
  expect(npm).toMatchObject({
    file: "package.json",
    installDir: "node_modules",
    hasLandJson: false,
  });
  const both = await readProject(
    await makeProject({ "land.json": named, "package.json": { name: "x" } }),
  );
  expect(both).toMatchObject({ file: "land.json", installDir: "node_modules", manifest: named });
});

test("both manifests must agree before publishing, and a broken package.json does not hinder reading", async () => {
  const bin = { left: "a.ts" };
  const dir = await makeProject({
    "land.json": { ...named, bin },
    "package.json": { ...named, bin: "./a.ts", scripts: {} },
  });
  checkProjectAgreement(await readProject(dir));
  const other = await readProject(
    await makeProject({
      "land.json": named,
      "package.json": { ...named, dependencies: { a: "1" } },
    }),
  );
  expect(() => checkProjectAgreement(other)).toThrow(
    '"dependencies" is {"a":"1"}, but {} in land.json',
  );
  const broken = await readProject(await makeProject({ "land.json": named, "package.json": "{" }));
  expect(() => checkProjectAgreement(broken)).toThrow("Cannot use package.json");
});

test("a folder without a manifest is told so", async () => {
  expect((await refusalOf(readProject(await makeProject({})))).code).toBe("manifest_missing");
  expect((await refusalOf(readProject(join(root, "nowhere")))).code).toBe("manifest_missing");
});

test("targets that lead out by a link are refused", async () => {
  const out = await makeProject({ "evil.ts": "" });
  for (const [fields, link, target] of [
    [{ main: "in/evil.ts" }, "in", out],
    [{ bin: { x: "x.ts" } }, "x.ts", join(out, "evil.ts")],
    [{ installDir: "deps" }, "deps", out],
    [{ site: { dir: "public" } }, "public", out],
  ] as const) {
    const dir = await makeProject({ "land.json": { ...named, ...fields } });
    await symlink(target, join(dir, link));
    expect((await refusalOf(readProject(dir))).message).toContain(
      "leads out of the project by a link",
    );
  }
  const dir = await makeProject({ "land.json": { ...named, main: "a/b.ts" } });
  await mkdir(join(dir, "real"));
  await symlink("real", join(dir, "a"));
  expect((await readProject(dir)).manifest.main).toBe("a/b.ts");
});

test("an edited project is packed as edited, and the disk stays as it was", async () => {
  const land = { ...named, dependencies: { right: "workspace:^" } };
  const dir = await makeProject({ "land.json": land });
  const edit = { path: ["dependencies", "right"], value: "^2.0.0" };
  const project = editProject(await readProject(dir), [edit]);
  expect(Object.entries(project.manifest.dependencies)).toMatchObject([["right", "^2.0.0"]]);
  const { bytes } = await packProject(project, await selectFiles(project));
  expect(Buffer.from(Bun.gunzipSync(Buffer.from(bytes))).toString()).not.toContain("workspace:");
  expect(await Bun.file(join(dir, "land.json")).json()).toEqual(land);
});

test("each kind of manifest is made from the other", async () => {
  const npm = {
    ...named,
    author: "Ada",
    license: "MIT",
    dependencies: { a: "^1.0.0" },
    exports: "./a.js",
    scripts: { x: "y" },
  };
  const project = await readProject(await makeProject({ "package.json": npm, "a.js": "" }));
  const { bytes, files } = await packProject(project, await selectFiles(project));
  expect(files.map(({ path }) => path)).toEqual(["a.js", "land.json", "package.json"]);
  const tar = Buffer.from(Bun.gunzipSync(Buffer.from(bytes))).toString();
  expect(tar).toContain('"authors": [\n    "Ada"\n  ]');
  expect(tar).toContain('"exports": "./a.js"');
});
