import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import * as fc from "fast-check";

import { LandError } from "#base/errors.ts";
import { parseVersion } from "#base/names.ts";
import { parseManifest } from "#pack/manifest.ts";
import { readProject } from "#pack/project.ts";
import { findMemberFolders } from "#pack/workspace-folders.ts";
import { inDependencyOrder } from "#pack/workspace-order.ts";
import { memberFits, publishedRange, rewriteForPublish } from "#pack/workspace-ranges.ts";
import {
  chooseMembers,
  findWorkspaceRoot,
  readWorkspace,
  type Workspace,
} from "#pack/workspace.ts";

import { type TemporaryFolder, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

let folder: TemporaryFolder;
let root = "";
let workspace: Workspace;
beforeAll(async () => {
  folder = await temporaryFolder("workspace");
  root = realpathSync(folder.path);
  const member = (name: string, more: object = {}): string =>
    JSON.stringify({ name, version: "1.0.0", ...more });
  await writeFiles(root, {
    "ws/package.json": JSON.stringify({
      name: "ws",
      workspaces: { packages: ["/packages/*", "tools/**"] },
    }),
    "ws/packages/a/land.json": member("@w/a", { dependencies: { "@w/c": "1" } }),
    "ws/packages/b/package.json": member("@w/b", { peerDependencies: { "@w/a": "workspace:^" } }),
    "ws/packages/c/land.json": member("@w/c", { optionalDependencies: { "@w/a": "1" } }),
    "ws/tools/deep/lint/land.json": member("lint", { devDependencies: { "@w/a": "workspace:*" } }),
    "outside/land.json": member("outside"),
  });
  symlinkSync("..", join(root, "ws", "packages", "up"));
  workspace = await readWorkspace(await readProject(join(root, "ws")));
});
afterAll(() => folder[Symbol.asyncDispose]());

describe("which members are meant", () => {
  test.each([
    [["@w/a"], ["@w/a"]],
    [
      ["packages/a", "./tools/deep/lint/"],
      ["@w/a", "lint"],
    ],
    [["*"], ["@w/a", "@w/b", "@w/c", "lint"]],
    [
      ["@w/*", "!packages/b"],
      ["@w/a", "@w/c"],
    ],
    [["!@w/*"], ["lint"]],
    [["tools/**"], ["lint"]],
    [["@w/{a,b}"], ["@w/a", "@w/b"]],
  ])("%p", (texts, names) => {
    expect(chooseMembers(workspace, texts).map(({ name }) => String(name))).toEqual(names);
  });

  test("what means none names those that are there", () => {
    expect(() => chooseMembers(workspace, ["a"])).toThrow(
      'Cannot use the workspace: "a" is none of its members: @w/a, @w/b, @w/c, lint',
    );
    expect(() => chooseMembers({ ...workspace, members: [] }, ["*"])).toThrow("for it has none");
    expect(() => chooseMembers(workspace, ["\u001B[31m*"])).toThrow('"\uFFFD[31m*" is none');
  });
});

test("the root of a member is found, of what is no member it is its own folder", async () => {
  const at = (path: string): Promise<string> => findWorkspaceRoot(join(root, path));
  expect(await at("ws/packages/a")).toBe(join(root, "ws"));
  expect(await at("ws/tools/deep/lint")).toBe(join(root, "ws"));
  expect(await at("ws")).toBe(join(root, "ws"));
  expect(await at("ws/packages")).toBe(join(root, "ws/packages"));
  expect(await at("outside")).toBe(join(root, "outside"));
});

test("members come after what they need, those in a circle too", () => {
  const reversed = inDependencyOrder(workspace.members.toReversed());
  expect(reversed.map(({ name }) => String(name))).toEqual(["lint", "@w/a", "@w/c", "@w/b"]);
  expect(inDependencyOrder(workspace.members).map(({ name }) => String(name))).toEqual([
    "@w/c",
    "@w/a",
    "@w/b",
    "lint",
  ]);
});

describe("ranges of a workspace", () => {
  const version = parseVersion("1.2.3-rc.1");
  test.each([
    ["workspace:*", true, "1.2.3-rc.1"],
    ["workspace:^", true, "^1.2.3-rc.1"],
    ["workspace:~", true, "~1.2.3-rc.1"],
    ["workspace:", true, "1.2.3-rc.1"],
    ["workspace:1.x || ^1.2.3-beta", true, "1.x || ^1.2.3-beta"],
    ["workspace:^1.0.0", false, "^1.0.0"],
    ["workspace:^2.0.0", false, "^2.0.0"],
  ] as const)("%s", (range, fits, published) => {
    expect(memberFits(version, range)).toBe(fits);
    expect(publishedRange(range, version)).toBe(published);
  });

  test("are rewritten in each manifest as it stands, and nothing else is", async () => {
    const land = `{\r\n\t"name": "x", "version": "1.0.0",\r\n\t"dependencies": { "@w/a": "workspace:^" },\r\n\t"other": [1,2]\r\n}\r\n`;
    const npm = `{"name":"x","version":"1.0.0","dependencies":{"@w/a":"workspace:~"},"peerDependencies":{"lint":"workspace:*"}}`;
    await writeFiles(join(root, "x"), { "land.json": land, "package.json": npm });
    const project = rewriteForPublish(workspace, await readProject(join(root, "x")));
    expect(project.texts["land.json"]).toBe(land.replace("workspace:^", "^1.0.0"));
    expect(project.texts["package.json"]).toBe(
      npm.replace("workspace:~", "~1.0.0").replace("workspace:*", "1.0.0"),
    );
    expect(await Bun.file(join(root, "x/land.json")).text()).toBe(land);
  });

  test("are published of members that have a version", async () => {
    await writeFiles(join(root, "bare"), {
      "land.json": '{"workspaces":["a","b"]}',
      "a/land.json": '{"name":"a"}',
      "b/land.json": '{"name":"b","version":"1.0.0","dependencies":{"a":"workspace:*"}}',
    });
    const bare = await readWorkspace(await readProject(join(root, "bare")));
    const [, b] = bare.members;
    expect(() => b && rewriteForPublish(bare, b.project)).toThrow('"a" has no version');
  });
});

test("whatever the patterns say, no folder outside the root comes out", () => {
  const piece = fc.constantFrom(
    "*",
    "**",
    "packages",
    "..",
    ".",
    "a",
    "up",
    "{a,..}",
    "!",
    "[a-z]",
    "",
    "{",
    "}",
    "\\",
    "?",
  );
  const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join("/"));
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 3 }), (patterns) => {
      try {
        for (const found of findMemberFolders(join(root, "ws"), patterns)) {
          const real = realpathSync(join(root, "ws", found));
          expect(relative(join(root, "ws"), real)).toBe(found);
        }
      } catch (error) {
        if (!(error instanceof LandError)) throw error;
        expect(error.code).toBe("workspace_invalid");
      }
    }),
    { numRuns: 500 },
  );
});

test("a workspace of 5,000 members is read", async () => {
  await writeFiles(join(root, "many"), { "land.json": '{"workspaces":["p/*"]}' });
  for (let n = 0; n < 5000; n += 1) {
    const dir = join(root, "many", "p", String(n));
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "land.json"), `{"name":"m${n}"}`);
  }
  const { members } = await readWorkspace(await readProject(join(root, "many")));
  expect(members.length).toBe(5000);
  expect(String(members[0]?.version)).toBe("0.0.0");
  rmSync(join(root, "many"), { recursive: true });
}, 60_000);

test("overrides of land.json: by name, by who asks, by which version of who asks", () => {
  const overridesOf = (overrides: object) =>
    parseManifest("land.json", JSON.stringify({ overrides })).scopedOverrides.map((item) =>
      Object.values(item).join(" "),
    );
  expect(overridesOf({ a: "1", "b>a": "2", "@x/b@^1 || >=3>@y/a": "3.x" })).toEqual([
    "b a 2",
    "@x/b ^1 || >=3 @y/a 3.x",
  ]);
  for (const [key, value] of [
    ["a>", "1"],
    [">a", "1"],
    ["a>b>c", "1"],
    ["a@what>b", "1"],
    ["a@1", "1"],
    ["a>../b", "1"],
    ["a>b", "npm:c@1"],
  ])
    expect(() => overridesOf({ [key ?? ""]: value })).toThrow("Cannot use land.json");
});
