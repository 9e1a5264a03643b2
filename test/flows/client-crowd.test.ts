import { afterAll, beforeAll, expect, test } from "bun:test";

import { type ClientStage, clientStage } from "../support/client-stage.ts";
import { hashTree } from "../support/project.ts";

/** Eight processes at once: on one store from eight projects while it is pruned, and on one project. */
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
let stage: ClientStage;
beforeAll(async () => {
  stage = await clientStage("crowd");
  await stage.publish(
    ...EIGHT.map((index) => ({
      name: `part-${index}`,
      version: "1.0.0",
      dependencies: index > 1 ? { [`part-${index - 1}`]: "*", [`part-${index - 2}`]: "*" } : {},
      files: { "same.txt": "the same in all\n".repeat(500), [`own-${index}.txt`]: `${index}\n` },
    })),
  );
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

/** What is installed; the marker tells also for which manifest. */
const tree = async (folder: string) => ({
  ...(await hashTree(stage.at(folder, "land_modules"))),
  ".land.json": "",
});

test("eight projects are installed into one store while another process prunes it again and again", async () => {
  await Promise.all(
    EIGHT.map((index) => stage.project(`app-${index}`, { [`part-${index}`]: "*" })),
  );
  await Promise.all(
    EIGHT.map((index) => stage.project(`ref-${index}`, { [`part-${index}`]: "*" })),
  );
  const installing = { now: true };
  const pruning = (async () => {
    let times = 0;
    for (; installing.now; times += 1) await stage.done("store prune --all --json");
    return times;
  })();
  const installed = await Promise.all(
    EIGHT.map((index) => stage.run("install --json", { cwd: `app-${index}` })),
  );
  installing.now = false;
  expect(await pruning).toBeGreaterThan(0);
  for (const [index, ran] of installed.entries())
    expect({ index, ...ran }).toMatchObject({ index, exitCode: 0, stderr: "" });
  for (const index of EIGHT) {
    await stage.done("install", { cwd: `ref-${index}`, home: "ada" });
    expect(await tree(`app-${index}`)).toEqual(await tree(`ref-${index}`));
  }
  const status = await stage.done("store repair --deep --json");
  expect(status.json()).toEqual({
    packages: EIGHT.length,
    repaired: [],
    lost: [],
    damaged: 0,
  });
  const pruned = await stage.done("store prune --all --json");
  expect(pruned.json()).toMatchObject({ packages: [], forgotten: [] });
}, 60_000);

test("eight processes install one project, and eight add a package each", async () => {
  await stage.project("one", { "part-7": "*" });
  const ran = await Promise.all(EIGHT.map(() => stage.run("install --json", { cwd: "one" })));
  for (const [index, { exitCode, stderr }] of ran.entries())
    expect({ index, exitCode, stderr }).toEqual({ index, exitCode: 0, stderr: "" });
  expect(await tree("one")).toEqual(await tree("ref-7"));

  await stage.project("all");
  const added = await Promise.all(
    EIGHT.map((index) => stage.run(`add part-${index} --json`, { cwd: "all" })),
  );
  for (const [index, { exitCode, stderr }] of added.entries())
    expect({ index, exitCode, stderr }).toEqual({ index, exitCode: 0, stderr: "" });
  expect(await Bun.file(stage.at("all", "land.json")).json()).toMatchObject({
    dependencies: Object.fromEntries(EIGHT.map((index) => [`part-${index}`, "^1.0.0"])),
  });
  expect(await tree("all")).toEqual(await tree("ref-7"));
  await stage.done("lock --check", { cwd: "all" });
  expect((await stage.done("verify --json", { cwd: "all" })).json()).toMatchObject({ ok: true });
}, 60_000);
