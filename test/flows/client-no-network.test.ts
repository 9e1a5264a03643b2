import { expect, test } from "bun:test";
import { join } from "node:path";

import { clientStage } from "../support/client-stage.ts";
import { hashTree, writeFiles } from "../support/project.ts";

const MANY = 12;

test("what a lock names goes to a machine without network in one file, whole or not at all", async () => {
  await using stage = await clientStage("no-network");
  const names = Array.from({ length: MANY }, (_, index) => `part-${index}`);
  await stage.publish(
    ...names.map((name, index) => ({
      name,
      version: "1.0.0",
      dependencies: index > 0 ? { [`part-${index - 1}`]: "^1.0.0" } : {},
      files: { "data.txt": `${name}\n`.repeat(200) },
    })),
    { name: "other", version: "1.0.0" },
  );
  await stage.project("app", { [`part-${MANY - 1}`]: "^1.0.0" });
  await stage.project("else", { other: "*" });
  await stage.done("install", { cwd: "else" });
  await stage.done("install", { cwd: "app" });
  const exported = await stage.done("store export ../app.tar --lock land.lock --json", {
    cwd: "app",
  });
  expect(exported.json()).toMatchObject({ packages: MANY, indexes: MANY });
  await stage.done("store export ../again.tar --lock land.lock", { cwd: "app" });
  const bundle = await Bun.file(stage.at("app.tar")).bytes();
  expect(await Bun.file(stage.at("again.tar")).bytes()).toEqual(bundle);
  await stage.stop();

  await writeFiles(stage.at(), { "bad/.keep": "" });
  for (const share of [0.001, 0.2, 0.5, 0.8]) {
    const flipped = bundle.slice();
    const at = Math.floor(bundle.length * share);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    await Bun.write(stage.at("flipped.tar"), flipped);
    const refused = await stage.run("store import flipped.tar --json", { home: "bad" });
    expect({ at, exitCode: refused.exitCode, ...refused.json() }).toMatchObject({
      at,
      exitCode: 1,
      code: "store_bundle_invalid",
    });
    expect(Object.keys(await hashTree(stage.at("bad")))).toEqual([".keep"]);
  }

  await writeFiles(stage.at(), { "desk/.keep": "" });
  for (const file of ["land.json", "land.lock"])
    await Bun.write(stage.at("offline", file), Bun.file(stage.at("app", file)));
  const early = await stage.run("install --offline --frozen --json", {
    cwd: "offline",
    home: "desk",
  });
  expect(early.exitCode).toBe(13);
  expect(early.json()).toMatchObject({ hint: expect.stringContaining("`land store import`") });
  const imported = await stage.done("store import app.tar --json", { home: "desk" });
  expect(imported.json<{ added: unknown[] }>().added).toHaveLength(MANY);
  await stage.done("install --offline --frozen", { cwd: "offline", home: "desk" });
  expect(await hashTree(join(stage.at("offline"), "land_modules"))).toEqual(
    await hashTree(join(stage.at("app"), "land_modules")),
  );
  const verified = await stage.done("verify --offline --json", { cwd: "offline", home: "desk" });
  expect(verified.json()).toMatchObject({ ok: true });
  await stage.done("add part-0 --offline", { cwd: "offline", home: "desk" });
  const unknown = await stage.run("add other --offline --json", { cwd: "offline", home: "desk" });
  expect(unknown.exitCode).toBe(13);
}, 60_000);
