import { expect, test } from "bun:test";
import { lstat, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { runGit } from "#install/git.ts";

import { run } from "../commands/world.ts";
import { installWorld, stockedWorld } from "../install/world.ts";
import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

const NOTHING = JSON.stringify({ format: 1, packages: {} });
const journal = (bins: string): string =>
  JSON.stringify({
    format: 1,
    files: [],
    clear: [],
    remove: [],
    place: [],
    bins,
    placed: NOTHING,
  });

for (const file of [
  "land.lock",
  "land.json",
  "land_modules/.land.json",
  "land_modules/.land-journal.json",
])
  test(`a ${file} that never ends is refused at once, whether pipe or device`, async () => {
    await using folder = await temporaryFolder("pipes");
    for (const kind of ["pipe", "device"]) {
      const cwd = join(folder.path, kind);
      await writeFiles(cwd, { "land_modules/.keep": "" });
      if (file !== "land.json") await writeFiles(cwd, { "land.json": '{"name":"a"}' });
      const path = join(cwd, file);
      if (kind === "device") await symlink("/dev/zero", path);
      else expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
      const setting = { cwd, env: { LAND_HOME: join(folder.path, "home") } };
      for (const command of ["install", "list", "verify", "outdated", "doctor"]) {
        const { stdout, stderr, exitCode } = await run(
          [command, "--offline"].slice(0, command === "install" ? 2 : 1),
          setting,
        );
        expect({ command, exitCode, told: `${stdout}${stderr}` }).not.toMatchObject({
          exitCode: 70,
        });
      }
      const { exitCode, stderr } = await run(["install"], setting);
      expect(exitCode).toBe(file === "land.json" ? 2 : 1);
      if (file !== "land.json") expect(stderr).toContain("it is a pipe or a device, not a file");
    }
  }, 20_000);

test("a journal of a checkout moves nothing through links in its staging folder", async () => {
  await using world = await installWorld();
  await writeFiles(world.at("victim"), { "bin/tool": "mine" });
  await world.project("new", {});
  await writeFiles(world.at("new/land_modules"), {
    ".land.json": NOTHING,
    ".land-staging/x": "",
    ".land-journal.json": journal("new"),
  });
  await symlink("../../../victim", world.at("new/land_modules/.land-staging/new"));
  await world.install("new");
  expect(await world.read("victim/bin/tool")).toBe("mine");
  await world.project("old", {});
  await writeFiles(world.at("old/land_modules"), {
    ".land.json": NOTHING,
    ".bin/ls": "#!/bin/sh\n",
    ".land-staging/x": "",
    ".land-journal.json": journal("none"),
  });
  await mkdir(world.at("empty"));
  await symlink("../../../empty", world.at("old/land_modules/.land-staging/old"));
  await world.install("old");
  expect(await readdir(world.at("empty"))).toEqual([]);
});

test("what another project is about is left alone behind a link in the place of the install folder", async () => {
  await using world = await installWorld();
  await writeFiles(world.at("victim/land_modules"), { ".land-staging/new/0/x": "1" });
  await world.project("app", {});
  await symlink("../victim/land_modules", world.at("app/land_modules"));
  await world.install("app");
  expect(await world.read("victim/land_modules/.land-staging/new/0/x")).toBe("1");
});

test("an install folder that is not there yet does not lead out by a link above it", async () => {
  await using world = await stockedWorld();
  await world.project("app", { left: "1" }, { installDir: "x/y" });
  await mkdir(world.at("outside"));
  await symlink("../outside", world.at("app/x"));
  expect(await world.refusal("app")).toMatchObject({
    code: "manifest_invalid",
    message: expect.stringContaining("leads out of the project by a link"),
  });
  expect(await readdir(world.at("outside"))).toEqual([]);
});

test("braces that do not end are read in no time, also in a manifest above", async () => {
  await using folder = await temporaryFolder("braces");
  const cwd = join(folder.path, "sub");
  await writeFiles(folder.path, {
    "land.json": JSON.stringify({
      workspaces: [`{${",".repeat(900_000)}`, `{${",".repeat(4000)}`],
    }),
    "sub/land.json": '{"name":"b"}',
  });
  const setting = { cwd, env: { LAND_HOME: join(folder.path, "home") } };
  const began = performance.now();
  expect((await run(["config", "list"], setting)).exitCode).toBe(0);
  expect((await run(["install"], setting)).stderr).toContain('"workspaces[0]" is longer than');
  expect(performance.now() - began).toBeLessThan(5000);
}, 20_000);

test("git runs no program that a checkout names", async () => {
  await using folder = await temporaryFolder("git");
  const cwd = folder.path;
  const git = { cwd, env: { PATH: process.env["PATH"], HOME: cwd } };
  expect((await runGit(git, ["init", "-q"]))?.code).toBe(0);
  await runGit(git, ["config", "core.fsmonitor", `touch ${cwd}/RAN; false`]);
  await writeFiles(cwd, { "land.lock": "version = 1\n", "land.json": '{"name":"a"}' });
  await runGit(git, ["add", "land.lock"]);
  await runGit(git, ["ls-files", "--error-unmatch", "land.lock"]);
  await run(["doctor"], {
    cwd,
    env: { ...git.env, PATH: git.env.PATH ?? "", LAND_HOME: join(cwd, "home") },
  });
  expect(await lstat(join(cwd, "RAN")).catch(() => "absent")).toBe("absent");
});
