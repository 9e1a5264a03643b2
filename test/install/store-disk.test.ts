import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

import type { InstallMode } from "#install/options.ts";
import { repairStore } from "#install/store-repair.ts";

import { type InstallWorld, stockedWorld } from "./world.ts";

const CHILD = join(import.meta.dir, "..", "support", "installs-until-killed.ts");
/** Who may do nothing that root may. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const mayBeNobody = isRoot && Bun.which("setpriv") !== null;
const mayMount = isRoot && Bun.spawnSync(["unshare", "--mount", "true"]).success;

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
  await world.project("app", { left: "*" });
});
afterEach(() => world[Symbol.asyncDispose]());

/** What a run of `land install` says as another user, who owns the project. */
async function installAsNobody(home: string): Promise<string> {
  const { registry, at, root } = world;
  await chmod(root, 0o755);
  const modes: InstallMode[] = [{ kind: "install" }];
  const child = Bun.spawn(
    [
      "setpriv",
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      "--clear-groups",
      process.execPath,
      CHILD,
      at("app"),
      home,
      registry.url,
      JSON.stringify(modes),
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: root } },
  );
  const said = await new Response(child.stderr).text();
  expect(await child.exited).toBe(1);
  return said;
}

describe("a home that cannot be", () => {
  test("a file in its place", async () => {
    await Bun.write(world.at("file"), "mine");
    const error = await world.refusal("app", { landHome: world.at("file") });
    expect(error).toMatchObject({ code: "file_failed", exitCode: 1 });
    expect(error.message).toContain("a part of the path is a file, not a folder");
    expect(error.hint).toContain("LAND_HOME");
    expect(await Bun.file(world.at("file")).text()).toBe("mine");
    expect(await readdir(world.at("app"))).toEqual(["land.json"]);
  });

  test("a link to nothing", async () => {
    await symlink(world.at("nowhere"), world.at("dangling"));
    const error = await world.refusal("app", { landHome: world.at("dangling") });
    expect(error.code).toBe("file_failed");
  });

  test.skipIf(!mayBeNobody)("one that may only be read", async () => {
    await mkdir(world.at("home"), { mode: 0o555 });
    const said = await installAsNobody(world.at("home"));
    expect(said).toContain("permission denied");
    expect(await readdir(world.at("home"))).toEqual([]);
    expect(await readdir(world.at("app"))).toEqual(["land.json"]);
  });
});

describe.skipIf(!mayMount)("a full disk", () => {
  const mounted: string[] = [];
  afterEach(() => {
    for (const path of mounted.splice(0)) Bun.spawnSync(["umount", "-l", path]);
  });
  async function smallDisk(name: string, kilobytes: number): Promise<string> {
    const path = world.at(name);
    await mkdir(path);
    const made = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${kilobytes}k`, "none", path]);
    expect(made.exitCode).toBe(0);
    mounted.push(path);
    return path;
  }
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`${n}.txt`, `${n} ${"long ".repeat(3000)}`]),
  );

  test("under the store is named, leaves the project as it was, and goes on when there is room", async () => {
    const home = await smallDisk("small", 300);
    await world.registry.add({ name: "large", version: "1.0.0", files });
    await world.project("app", { large: "*" });
    const error = await world.refusal("app", { landHome: home });
    expect(error).toMatchObject({ code: "file_failed", exitCode: 1 });
    expect(error.message).toContain("the disk is full");
    expect(error.hint).toContain("Make room");
    expect(await readdir(world.at("app"))).toEqual(["land.json"]);
    Bun.spawnSync(["mount", "-o", "remount,size=8m", home]);
    await world.install("app", { landHome: home });
    const options = { ...world.options("app"), landHome: home, deep: true };
    expect(await repairStore(options)).toMatchObject({ repaired: [], lost: [], damaged: 0 });
  });

  test("under the project leaves it as it was", async () => {
    const disk = await smallDisk("disk", 200);
    await world.registry.add({ name: "large", version: "1.0.0", files });
    await Bun.write(join(disk, "land.json"), '{"name":"app","dependencies":{"large":"*"}}');
    const error = await world.refusal("disk");
    expect(error).toMatchObject({ code: "file_failed", exitCode: 1 });
    expect(error.message).toContain("the disk is full");
    expect(await readdir(disk)).toEqual(["land.json"]);
    Bun.spawnSync(["mount", "-o", "remount,size=8m", disk]);
    await world.install("disk");
    expect(await Bun.file(join(disk, "land_modules/large/7.txt")).text()).toStartWith("7 long");
    await rm(join(disk, "land_modules"), { recursive: true });
  });
});
