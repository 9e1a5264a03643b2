import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, rename, rm, symlink } from "node:fs/promises";

import { parseLock } from "#install/lockfile.ts";
import { repairProject, strangersOf } from "#install/verify-repair.ts";
import { type Verification, verifyProject } from "#install/verify.ts";

import { hashTree, writeFiles } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
let whole: Record<string, string>;
beforeEach(async () => {
  world = await stockedWorld();
  await world.registry.add({
    name: "tool",
    version: "1.0.0",
    files: { "bin/tool.ts": "console.log(1);\n" },
    bin: { tool: "bin/tool.ts" },
  });
  await world.project("app", { "@ada/greet": "*", tool: "*" });
  await world.install("app");
  whole = await world.snapshot("app");
});
afterEach(() => world[Symbol.asyncDispose]());

const tree = (...path: string[]): string => world.at("app", "land_modules", ...path);
const verify = (): Promise<Verification> =>
  verifyProject({ ...world.options("app"), algorithm: "sha256" });
const repair = async (more = {}) => {
  const found = await verify();
  expect(found.ok).toBe(false);
  const result = await repairProject(world.options("app", more), found);
  expect((await verify()).problems).toEqual([]);
  expect(await world.snapshot("app")).toEqual(whole);
  return result;
};

describe("what is damaged is laid anew, without asking anybody", () => {
  const cases: [string, () => Promise<unknown>][] = [
    ["a file that is gone", () => rm(tree("pad", "index.ts"))],
    ["a further file", () => writeFiles(tree("pad"), { "evil/x.ts": "" })],
    ["a package that is gone", () => rm(tree("left"), { recursive: true })],
    [
      "a package that became a link",
      async () => {
        await rename(tree("pad"), world.at("pad"));
        await symlink(world.at("pad"), tree("pad"));
      },
    ],
    [
      "a scope that became a link",
      async () => {
        await rename(tree("@ada"), world.at("scope"));
        await symlink(world.at("scope"), tree("@ada"));
      },
    ],
    ["commands that are gone", () => rm(tree(".bin"), { recursive: true })],
    ["a command of others", () => Bun.write(tree(".bin", "tool"), "#!/bin/sh\nevil\n")],
    [
      "all commands behind a link",
      async () => {
        await rename(tree(".bin"), world.at("bin"));
        await symlink(world.at("bin"), tree(".bin"));
      },
    ],
    ["strangers", () => writeFiles(tree(), { "evil/index.ts": "", ".bin/ls": "evil" })],
    ["a change that was cut off", () => Bun.write(tree(".land-journal.json"), "{}")],
  ];
  for (const [what, damage] of cases)
    test(what, async () => {
      await damage();
      world.registry.mend();
      await repair();
      expect(world.registry.requests).toEqual([]);
    });

  test("strangers are named before they go", async () => {
    await writeFiles(tree(), { "evil/index.ts": "", ".bin/ls": "evil" });
    const { problems } = await verify();
    expect(strangersOf(problems).map((item) => item.package || item.path)).toEqual([
      "evil",
      ".bin/ls",
    ]);
  });
});

test("content that was changed in the store as well comes from the archive again", async () => {
  const [object] = await objectsOf("export const pad = 1;\n");
  for (const path of [object ?? "", tree("pad", "index.ts")]) {
    await chmod(path, 0o644);
    await Bun.write(path, "export const pad = 2;\n");
  }
  world.registry.mend();
  await repair();
  expect(world.registry.requests).toEqual([]);
});

test("an archive that is damaged is fetched again, and must be that of the lock", async () => {
  const { packages } = parseLock(await world.read("app", "land.lock"));
  const hex = packages.find(({ name }) => name === "pad")?.digest.slice(7) ?? "";
  const path = world.at("home", "store", "v1", "sha256", hex.slice(0, 2), hex);
  await chmod(path, 0o644);
  await Bun.write(path, "no archive");
  world.registry.fail("/packages/pad", () => EVIL(), 1);
  const error = await repairProject(world.options("app"), await verify()).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "checksum_mismatch", exitCode: 11 });
  await world.install("app");
  expect((await verify()).problems).toEqual([]);
  expect(await world.snapshot("app")).toEqual(whole);
});

test("a repair that was cut off is completed by the next install", async () => {
  await rm(tree("pad", "index.ts"));
  const found = await verify();
  await expect(
    repairProject(
      world.options("app", {
        beforeWrite: () => Promise.reject(new Error("killed")),
      }),
      found,
    ),
  ).rejects.toThrow("killed");
  await world.install("app");
  expect(await world.snapshot("app")).toEqual(whole);
});

test("a member of a workspace is linked anew", async () => {
  await world.project("ws", {}, { workspaces: ["packages/*"] });
  await writeFiles(world.at("ws"), {
    "packages/one/land.json":
      '{ "name": "one", "version": "1.0.0", "dependencies": { "pad": "*" } }\n',
  });
  await world.install("ws");
  const options = world.options("ws");
  const look = () =>
    verifyProject({ ...options, dir: world.at("ws/packages/one"), algorithm: "sha256" });
  expect((await look()).problems).toEqual([]);
  const link = world.at("ws", "land_modules", "one");
  await rm(link);
  await mkdir(link);
  const found = await look();
  expect(found.problems).toEqual([
    { package: "one", path: ".", problem: "is no link to its folder in the workspace" },
  ]);
  expect(strangersOf(found.problems)).toEqual([]);
  await repairProject(options, found);
  expect((await look()).problems).toEqual([]);
});

const EVIL = () => new Response("evil", { headers: { "content-type": "application/gzip" } });

/** Where the store holds this content. */
async function objectsOf(content: string): Promise<string[]> {
  const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  const files = await hashTree(world.at("home", "store"));
  return Object.entries(files)
    .filter(([, hash]) => hash === hex)
    .map(([path]) => world.at("home", "store", path));
}
