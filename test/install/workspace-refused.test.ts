import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";

import { writeFiles } from "../support/project.ts";
import { PAIR, toJson, type WorkspaceWorld, workspaceWorld } from "./workspace-world.ts";

let world: WorkspaceWorld;
beforeEach(async () => {
  world = await workspaceWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("what is refused, and nothing is written", () => {
  const cases: [string, Record<string, object>, object, string][] = [
    [
      "two of one name",
      { "packages/a": { name: "x" }, "packages/b": { name: "x" } },
      {},
      '"packages/a" and "packages/b" are both "x"',
    ],
    [
      "the name of the root",
      { "packages/a": { name: "ws" } },
      {},
      '"." and "packages/a" are both "ws"',
    ],
    ["no name", { "packages/a": {} }, {}, 'its member in "packages/a" has no name'],
    [
      "a root in another",
      { "packages/a": { name: "a", workspaces: ["x"] } },
      {},
      'its member "packages/a" has workspaces itself',
    ],
    ["a folder that is not there", {}, { workspaces: ["gone"] }, 'its folder "gone" is not there'],
    ["a file", {}, { workspaces: ["land.json"] }, '"land.json", which it names, is not a folder'],
    ["what leads out", {}, { workspaces: ["../*"] }, '"workspaces[0]" holds a ".." segment'],
    ["what leads out in braces", {}, { workspaces: ["{..,x}/*"] }, "leads out of the root"],
    ["too many braces", {}, { workspaces: ["{a,b}".repeat(12)] }, "stands for too many"],
    [
      "the tree",
      { "land_modules/a": { name: "a" } },
      { workspaces: ["land_modules/a"] },
      'lies in the install folder "land_modules"',
    ],
    [
      "a member that is none",
      { "packages/a": { name: "a", dependencies: { x: "workspace:*" } } },
      {},
      '"x@workspace:*", which "packages/a" asks for, is none of its members: a',
    ],
    [
      "a member in another version",
      {
        "packages/a": { name: "a", dependencies: { b: "workspace:2" } },
        "packages/b": { name: "b", version: "1.0.0" },
      },
      {},
      '"b@workspace:2", which "packages/a" asks for, is 1.0.0 in "packages/b"',
    ],
    [
      "an override of a member",
      { "packages/a": { name: "a" } },
      { overrides: { a: "2" } },
      'the overrides of the root name "a", which is its member in "packages/a"',
    ],
    [
      "a broken member",
      { "packages/a": { name: "a", version: 1 } },
      {},
      'Cannot use packages/a/land.json: "version"',
    ],
  ];
  test.each(cases)("%s", async (_, manifests, root, message) => {
    await world.workspace(manifests, root);
    const before = await world.snapshot("ws");
    expect(await world.refused()).toContain(message);
    expect(await world.snapshot("ws")).toEqual(before);
  });

  test.each([
    ["duplicate keys", '{"name":"a","name":"b"}', "stands twice"],
    ["a comment", '{\n// x\n"name":"a"}', "holds a comment"],
    ["a byte order mark", '\uFEFF{"name":"a"}', "byte order mark"],
    ["10 MB of nesting", "[".repeat(10_000_000), "larger than"],
    ["deep nesting", `{"name":"a","x":${"[".repeat(900)}${"]".repeat(900)}}`, "nested deeper"],
  ])("a member with %s", async (_, text, message) => {
    for (const file of ["land.json", "package.json"]) {
      await world.workspace({});
      await writeFiles(world.at("ws"), { [`packages/a/${file}`]: text });
      const error = await world.refused();
      expect(error).toContain(`manifest_invalid: Cannot use packages/a/${file}`);
      expect(error).toContain(message);
      await rm(world.at("ws"), { recursive: true });
    }
  });

  test("links: one out of the root is refused, one inside is the folder it leads to", async () => {
    await world.workspace({ "libs/a": { name: "@w/a" }, "packages/b": { name: "@w/b" } });
    symlinkSync("../libs/a", world.at("ws/packages/a"));
    await world.install("ws/libs/a");
    expect(world.link("@w/a")).toBe("../../libs/a");
    await world.project("outside", {});
    symlinkSync("../../outside", world.at("ws/packages/z"));
    expect(await world.refused()).toContain(
      'its folder "packages/z" is a link that leads out of the root',
    );
    rmSync(world.at("ws/packages/z"));
    symlinkSync("../..", world.at("ws/packages/z"));
    expect(await world.refused()).toContain(
      'its folder "packages/z" is a link that leads out of the root',
    );
  });
});

test("a journal that a checkout brings along writes nowhere but into members", async () => {
  await world.workspace(PAIR);
  await world.install("ws");
  await world.project("outside", {});
  symlinkSync("../outside", world.at("ws/leads-out"));
  const before = await world.read("outside/land.json");
  const placed = await world.read("ws/land_modules/.land.json");
  const journal = (path: string, text: string): Promise<number> =>
    Bun.write(
      world.at("ws/land_modules/.land-journal.json"),
      JSON.stringify({
        format: 1,
        files: [{ path, before: text, after: "{}" }],
        clear: [],
        remove: [],
        place: [],
        bins: "keep",
        placed,
      }),
    );
  for (const path of ["leads-out/land.json", "../outside/land.json", "packages/a/.bashrc"]) {
    await journal(path, before);
    await world.install("ws");
    expect(await world.read("outside/land.json")).toBe(before);
  }
  expect(existsSync(world.at("ws/packages/a/.bashrc"))).toBe(false);
  await journal("packages/b/land.json", await world.read("ws/packages/b/land.json"));
  expect(await world.refused()).toContain('its member in "packages/b" has no name');
});

test("a project that no workspace names stands alone; files among members are passed over", async () => {
  await world.workspace(PAIR);
  await writeFiles(world.at("ws"), {
    "packages/README.md": "",
    "packages/empty/x.txt": "",
    "other/land.json": toJson({ name: "other", dependencies: { pad: "1" } }),
  });
  await world.install("ws/other");
  expect(existsSync(world.at("ws/other/land.lock"))).toBe(true);
  expect(existsSync(world.at("ws/land.lock"))).toBe(false);
  await world.install("ws");
  expect(world.link("@w/a")).toBe("../../packages/a");
});

test("patterns: folders of any depth, several in braces, and what is taken away again", async () => {
  const names = ["x/one", "x/deep/two", "y/three", "y/four", "node_modules/five", "x/.six"];
  await world.workspace(
    Object.fromEntries(names.map((folder, at) => [folder, { name: `m${at}` }])),
    {
      workspaces: ["x/**", "{y,z}/*", "!y/f*"],
    },
  );
  await world.install("ws");
  const lock = await world.read("ws/land.lock");
  expect([...lock.matchAll(/^\[manifest\."(.*)"\]$/gm)].map(([, folder]) => folder)).toEqual([
    ".",
    "x/deep/two",
    "x/one",
    "y/three",
  ]);
});

test("a manifest above that belongs to nobody's workspace, or is broken elsewhere, does not matter", async () => {
  const inner = { name: "inner", dependencies: { pad: "1" } };
  await writeFiles(world.at("ws"), { "inner/land.json": toJson(inner) });
  await Bun.write(world.at("ws/package.json"), "{ broken");
  await world.install("ws/inner");
  expect(existsSync(world.at("ws/inner/land.lock"))).toBe(true);
  await Bun.write(world.at("ws/package.json"), '{ "workspaces": [ }');
  expect((await world.refusal("ws/inner")).message).toContain("ws/package.json");
});
