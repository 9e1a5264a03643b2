import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { HOOK_NAMES } from "#base/client-hooks.ts";
import { readLandModuleTypes } from "#plugin/provided.ts";
import { run } from "#test/commands/world.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { writeFiles } from "../support/project.ts";

const root = join(import.meta.dir, "../..");
const guide = await Bun.file(join(root, "docs/plugins.md")).text();
const [, example = ""] = /```ts\n(import[^]*?)```/.exec(guide) ?? [];

describe("the example of the guide", () => {
  test("does what the guide says", async () => {
    await using folder = await temporaryFolder("guide");
    const at = (...path: string[]): string => join(folder.path, ...path);
    await writeFiles(at(".land/plugins"), { "friday.ts": example });
    await writeFiles(at("p"), { "land.json": '{ "name": "p" }', "index.html": "hi" });
    const setting = {
      cwd: at("p"),
      home: folder.path,
      now: () => new Date("2026-03-06T12:00:00Z"),
    };
    expect(await run(["weigh", "--direct"], setting)).toMatchObject({ stdout: "0 packages\n" });
    expect((await run(["weigh", "--json"], setting)).json()).toEqual({ count: 0 });
    expect((await run(["help"], setting)).stdout).toContain("weigh     Show how many packages");
  });

  test("and all types of the module are right, for an editor of somebody else", async () => {
    await using folder = await temporaryFolder("types");
    const options = {
      strict: true,
      noEmit: true,
      target: "esnext",
      module: "preserve",
      skipLibCheck: false,
      types: [],
      lib: ["esnext", "dom"],
    };
    await writeFiles(folder.path, {
      "land-plugin.d.ts": await readLandModuleTypes(),
      "friday.ts": example,
      "wrong.ts": `import { definePlugin, type HookEvents, type PluginOutcome } from "land";
        const told: HookEvents["postDeploy"]["url"] = "x";
        export const outcome: PluginOutcome = { value: told };
        // @ts-expect-error -- no such event
        export default definePlugin({ name: "x", setup: (land) => land.on("preLunch", () => {}) });`,
      "tsconfig.json": JSON.stringify({ compilerOptions: options }),
    });
    const checked = Bun.spawnSync(
      [process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "."],
      {
        cwd: folder.path,
      },
    );
    expect(checked.stdout.toString()).toBe("");
    expect(checked.exitCode).toBe(0);
  });
});

test("land plugin types prints them", async () => {
  const { stdout } = await run(["plugin", "types"]);
  expect(stdout).toBe(`${await readLandModuleTypes()}\n`);
  for (const name of HOOK_NAMES) expect(stdout).toContain(`    ${name}: `);
});

test("the guide names every event and every variable of shell hooks", async () => {
  for (const name of HOOK_NAMES) expect(guide).toContain(`| \`${name}\` |`);
  const shell = await Bun.file(join(root, "src/plugin/shell.ts")).text();
  const variables = new Set(shell.match(/LAND_(?:EVENT|PROJECT|PACKAGE|SITE|DEPLOY)\w*/g));
  for (const variable of variables) expect(guide).toContain(`\`${variable}\``);
});
