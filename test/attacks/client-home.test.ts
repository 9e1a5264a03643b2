import { expect, test } from "bun:test";
import { mkdir, stat, symlink } from "node:fs/promises";
import { join } from "node:path";

import { run } from "../commands/world.ts";
import { stockedWorld } from "../install/world.ts";
import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

test("parts of a home that are something else end in an error that names them", async () => {
  await using world = await stockedWorld();
  await world.project("app", { left: "1" });
  for (const part of ["store/v1/sha256", "packages", "store", "locks", "cache"]) {
    const home = world.at(part.replaceAll("/", "-"));
    await writeFiles(home, { [part]: "x" });
    const setting = {
      cwd: world.at("app"),
      env: { LAND_HOME: home, LAND_REGISTRY: world.registry.url },
    };
    for (const words of [
      ["install"],
      ["install", "-g", "left"],
      ["list", "-g"],
      ["store", "status"],
    ]) {
      const { exitCode, stderr } = await run([...words, "--verbose"], setting);
      // 70 would be a bug of land.
      expect({ part, words, bug: exitCode === 70 ? stderr : "" }).toEqual({ part, words, bug: "" });
    }
  }
});

test("folders that land did not make are not swept from a place that stands for the global packages", async () => {
  await using world = await stockedWorld();
  await writeFiles(world.at("work"), { "thesis/chapter.txt": "mine", note: "mine" });
  await mkdir(world.at("home"), { recursive: true });
  await symlink(world.at("work"), world.at("home/packages"));
  const setting = { env: { LAND_HOME: world.at("home"), LAND_REGISTRY: world.registry.url } };
  await run(["list", "-g"], setting);
  await run(["install", "-g", "left"], setting);
  expect(await world.read("work/thesis/chapter.txt")).toBe("mine");
  expect(await world.read("work/note")).toBe("mine");
});

test("a pipe is no plugin, and no place for a bundle", async () => {
  await using folder = await temporaryFolder("pipe");
  const pipe = join(folder.path, "pipe.ts");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const setting = { env: { LAND_HOME: join(folder.path, "home") }, cwd: folder.path };
  const added = await run(["plugin", "add", pipe, "--yes"], setting);
  expect(added).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("it is no file") });
  expect((await run(["store", "export", pipe], setting)).stderr).toContain("a pipe or a device");
  expect((await stat(pipe)).isFIFO()).toBe(true);
});
