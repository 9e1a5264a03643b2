import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";

import { clientStage, type StageRun } from "../support/client-stage.ts";

const ALWAYS = { LAND_CACHE_INDEX_SECONDS: "0" };

test("what was told a moment ago is gone by, but never past what this machine published or yanked itself", async () => {
  await using stage = await clientStage("fresh");
  await stage.publish({ name: "pad", version: "1.0.0" });
  await stage.publish({ name: "left", version: "1.0.0", dependencies: { pad: "*" } });
  await stage.project("ada/app", { left: "*", pad: "*" });
  await stage.project("user/app", { left: "*", pad: "*" });
  /** Installs from the manifest alone, and tells which version of left came. */
  const install = async (home: string, env: StageRun["env"] = {}): Promise<string> => {
    const cwd = `${home}/app`;
    for (const name of ["land.lock", "land_modules"])
      await rm(stage.at(cwd, name), { recursive: true, force: true });
    const ran = await stage.done("install --json", { cwd, home, env });
    const { added } = ran.json<{ added: { name: string; version: string }[] }>();
    return added.find(({ name }) => name === "left")?.version ?? "";
  };
  for (const home of ["ada", "user", "ada", "user"]) expect(await install(home)).toBe("1.0.0");
  await stage.publish({ name: "left", version: "1.1.0", dependencies: { pad: "*" } });
  expect(await install("ada")).toBe("1.1.0");
  expect(await install("user", ALWAYS)).toBe("1.1.0");
  await stage.done("yank left@1.1.0", { home: "ada" });
  expect(await install("ada")).toBe("1.0.0");
  expect(await install("user", ALWAYS)).toBe("1.0.0");
  await stage.done("yank left@1.1.0 --undo", { home: "ada" });
  // Whoever updates asks in any case.
  const update = await stage.done("update --json", { cwd: "user/app" });
  expect(update.json<{ changed: unknown[] }>().changed).toHaveLength(1);
  expect(await install("ada")).toBe("1.1.0");
  await stage.stop();
  expect(await install("ada")).toBe("1.1.0");
  const asking = { cwd: "ada/app", home: "ada", env: { LAND_NETWORK_TRIES: "1" } };
  for (const line of ["update", "add left", "outdated"])
    expect([line, (await stage.run(line, asking)).exitCode]).toEqual([line, 13]);
}, 60_000);

test("a lock that is deleted comes back byte for byte, however often and with the registry gone", async () => {
  await using stage = await clientStage("again");
  await stage.publish({ name: "pad", version: "1.0.0" });
  await stage.project("app", { pad: "*" });
  const at = { cwd: "app" };
  await stage.done("install", at);
  const path = stage.at("app", "land.lock");
  const lock = await Bun.file(path).text();
  await stage.stop();
  // In full, and once there is a note that nothing else changed, by that.
  for (let time = 0; time < 4; time += 1) {
    await rm(path);
    const { stderr } = await stage.done("install", at);
    expect(stderr).toMatch(
      /^warning: land\.lock was missing: made again from what is installed\n1 package, up to date \(\d+ ms\)\n$/,
    );
    expect(await Bun.file(path).text()).toBe(lock);
    expect((await stage.done("install", at)).stderr).toMatch(/^1 package, up to date/);
  }
  await rm(path);
  for (const env of [{ CI: "true" }, { LAND_FROZEN: "1" }])
    expect((await stage.run("install", { cwd: "app", env })).stderr).toContain("land.lock");
  await stage.done("install", { cwd: "app", env: { LAND_DRY_RUN: "1" } });
  expect(await Bun.file(path).exists()).toBe(false);
}, 60_000);
