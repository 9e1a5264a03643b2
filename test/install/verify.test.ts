import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

import { parseLock } from "#install/lockfile.ts";
import type { InstallOptions } from "#install/options.ts";
import { type Algorithm, type Verification, verifyProject } from "#install/verify.ts";

import { archiveOf, problem } from "../support/fake-registry.ts";
import { writeFiles } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
  await world.registry.add({
    name: "tool",
    version: "1.0.0",
    files: { "bin/tool.ts": "console.log(1);\n", "bin/sh": "#!/bin/sh\n" },
    bin: { tool: "bin/tool.ts", sh: "bin/sh" },
  });
  await world.project("app", { "@ada/greet": "*", tool: "*" });
  await world.install("app");
});
afterEach(() => world[Symbol.asyncDispose]());

const verify = (
  algorithm: Algorithm = "sha256",
  more: Partial<InstallOptions> = {},
): Promise<Verification> => verifyProject({ ...world.options("app", more), algorithm });
const tree = (...path: string[]): string => world.at("app", "land_modules", ...path);
const problems = async (): Promise<string[]> => {
  const before = await world.snapshot("app");
  const found = await verify();
  expect(await world.snapshot("app")).toEqual(before);
  expect(found.ok).toBe(found.problems.length === 0);
  return found.problems.map((item) => `${item.package}|${item.path}|${item.problem}`);
};
const archivePath = async (name: string): Promise<string> => {
  const { packages } = parseLock(await world.read("app", "land.lock"));
  const hex = packages.find((item) => item.name === name)?.digest.slice(7) ?? "";
  return world.at("home", "store", "v1", "sha256", hex.slice(0, 2), hex);
};

test("a fresh tree is as its archives say, and nobody is asked", async () => {
  world.registry.mend();
  const found = await verify();
  expect(found).toMatchObject({ ok: true, problems: [] });
  const told: string[] = found.packages.map(({ name, ok }) => `${name} ${ok}`);
  expect(told).toEqual(["@ada/greet true", "left true", "pad true", "tool true"]);
  expect(found.files).toBe(8);
  expect(world.registry.requests).toEqual([]);
});

test("a command that another land of the user runs is noted, and one that anybody may have put there is told", async () => {
  const other = world.at("other land");
  await Bun.write(other, "");
  await chmod(other, 0o755);
  const script = tree(".bin", "tool");
  const text = await Bun.file(script).text();
  await Bun.write(script, text.replace("/opt/land/land", other));
  const told = `is run by another land, ${other}`;
  const note = { package: "tool", path: ".bin/tool", note: told };
  expect(await verify()).toMatchObject({ ok: true, problems: [], notes: [note] });
  for (const mode of [0o777, 0o644]) {
    await chmod(other, mode);
    expect(await problems()).toEqual([`tool|.bin/tool|${told}`]);
  }
  await rm(other);
  expect(await problems()).toEqual([`tool|.bin/tool|${told}`]);
});

describe("each way to tamper with a tree is told", () => {
  const cases: [string, () => Promise<unknown>, string[]][] = [
    [
      "other bytes of the same length",
      () => overwrite(tree("pad", "index.ts"), "export const pad = 2;\n"),
      ["pad|index.ts|was changed"],
    ],
    [
      "a longer file",
      () => overwrite(tree("left", "deep/er/x.txt"), "xx"),
      ["left|deep/er/x.txt|was changed"],
    ],
    ["a file that is gone", () => rm(tree("pad", "index.ts")), ["pad|index.ts|is missing"]],
    [
      "further files, told once for a folder",
      () => writeFiles(tree("pad"), { "evil.ts": "", "more/a/b.ts": "", "more/c.ts": "" }),
      ["pad|evil.ts|is not in the archive", "pad|more|is not in the archive"],
    ],
    [
      "a file that became a link",
      async () => {
        await rename(tree("pad", "index.ts"), world.at("index.ts"));
        await symlink(world.at("index.ts"), tree("pad", "index.ts"));
      },
      ["pad|index.ts|is a link where a file belongs"],
    ],
    [
      "a folder that became a link",
      async () => {
        await rename(tree("left", "deep"), world.at("deep"));
        await symlink(world.at("deep"), tree("left", "deep"));
      },
      ["left|deep|is a link where a folder belongs"],
    ],
    [
      "a file that became a folder",
      async () => {
        await rm(tree("pad", "index.ts"));
        await mkdir(tree("pad", "index.ts"));
      },
      ["pad|index.ts|is a folder where a file belongs"],
    ],
    [
      "a pipe that would never end",
      async () => {
        await rm(tree("pad", "index.ts"));
        await Bun.$`mkfifo ${tree("pad", "index.ts")}`.quiet();
      },
      ["pad|index.ts|is no plain file"],
    ],
    [
      "executable bits",
      async () => {
        await overwrite(tree("pad", "index.ts"), "export const pad = 1;\n");
        await chmod(tree("pad", "index.ts"), 0o755);
        await overwrite(tree("tool", "bin/sh"), "#!/bin/sh\n");
        await chmod(tree("tool", "bin/sh"), 0o644);
      },
      ["pad|index.ts|is executable", "tool|bin/sh|is not executable"],
    ],
    [
      "a package that is gone",
      () => rm(tree("pad"), { recursive: true }),
      ["pad|.|is not installed"],
    ],
    [
      "a package that became a link",
      async () => {
        await rename(tree("pad"), world.at("pad"));
        await symlink(world.at("pad"), tree("pad"));
      },
      ["pad|.|is a link where a folder belongs"],
    ],
    [
      "a scope that became a link",
      async () => {
        await rename(tree("@ada"), world.at("scope"));
        await symlink(world.at("scope"), tree("@ada"));
      },
      ["@ada/greet|.|lies behind a link"],
    ],
    [
      "a package that nobody asked for",
      () => writeFiles(tree(), { "evil/index.ts": "", "@ada/more/x.ts": "", ".cache/x": "" }),
      [
        "@ada/more|.|is not in the lock, and land did not put it there",
        "evil|.|is not in the lock, and land did not put it there",
      ],
    ],
    [
      "commands",
      async () => {
        await rm(tree(".bin", "sh"));
        await symlink("../pad/index.ts", tree(".bin", "sh"));
        await Bun.write(tree(".bin", "tool"), "#!/bin/sh\nevil\n");
        await Bun.write(tree(".bin", "ls"), "#!/bin/sh\nevil\n");
      },
      [
        "tool|.bin/sh|leads elsewhere",
        "tool|.bin/tool|starts something else",
        "|.bin/ls|is no command of a package",
      ],
    ],
    [
      "all commands",
      () => rm(tree(".bin"), { recursive: true }),
      ["tool|.bin/sh|is missing", "tool|.bin/tool|is missing"],
    ],
    [
      "the marker",
      () => rm(tree(".land.json")),
      ["|.|was not made by land, or its .land.json is lost"],
    ],
    [
      "a change that was cut off",
      () => Bun.write(tree(".land-journal.json"), "{}"),
      ["|.land-journal.json|tells of an install that was cut off"],
    ],
  ];
  for (const [what, tamper, expected] of cases)
    test(what, async () => {
      await tamper();
      expect((await problems()).toSorted()).toEqual(expected.toSorted());
    });
});

describe("what the store holds is held against the lock", () => {
  test("an archive that is gone, changed, or damaged", async () => {
    const path = await archivePath("pad");
    const bytes = await Bun.file(path).bytes();
    await rm(path);
    expect(await problems()).toEqual([`pad|${path}|is missing: nothing vouches for the files`]);
    await Bun.write(path, bytes.subarray(0, 40));
    expect((await problems())[0]).toStartWith(`pad|${path}|is damaged: `);
    await Bun.write(
      path,
      archiveOf({ name: "pad", version: "1.0.0", files: { "index.ts": "evil" } }),
    );
    const [told] = await problems();
    expect(told).toStartWith(`pad|${path}|has the checksum sha256:`);
  });

  test("a lock that moved on", async () => {
    const lock = await world.read("app", "land.lock");
    const { digest } = await world.registry.add({ name: "pad", version: "1.0.1" });
    const before = parseLock(lock).packages.find(({ name }) => name === "pad")?.digest ?? "";
    const moved = lock
      .replace(/(name = "pad"\nversion = )"1\.0\.0"/, '$1"1.0.1"')
      .replace(before, digest);
    await Bun.write(world.at("app", "land.lock"), moved);
    expect(await problems()).toContain("pad|.|holds 1.0.0, the lock names 1.0.1");
  });
});

describe("a further checksum is what the registry tells", () => {
  for (const algorithm of ["sha512", "blake3"] as const)
    test(algorithm, async () => {
      expect(await verify(algorithm)).toMatchObject({ ok: true });
      await world.registry.add({
        name: "pad",
        version: "1.0.0",
        files: { "index.ts": "export const pad = 1;\n" },
        toldVersion: { integrity: "sha512-AAAA", blake3: "00" },
      });
      const { problems: found } = await verify(algorithm);
      expect(found).toEqual([
        {
          package: "pad",
          path: await archivePath("pad"),
          problem: expect.stringContaining(`has the ${algorithm} `),
        },
      ]);
      const offline = await verify(algorithm, { offline: true }).catch((error: unknown) => error);
      expect(offline).toMatchObject({ code: "network", exitCode: 13 });
    });

  test("a version that the registry forgot", async () => {
    world.registry.fail("/packages/pad/1.0.0", () => problem(404, "version_not_found"), 9);
    const { problems: found } = await verify("sha512");
    expect(found.map((item) => item.problem)).toEqual([
      "is of a version that its registry does not know any more",
    ]);
  });
});

/** Not through a link to the store. */
async function overwrite(path: string, content: string): Promise<void> {
  await rm(path);
  await writeFiles(join(path, ".."), { [path.slice(path.lastIndexOf("/") + 1)]: content });
}
