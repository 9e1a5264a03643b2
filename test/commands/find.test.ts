import { expect, test } from "bun:test";

import { commands } from "#commands/all.ts";

import { run } from "./world.ts";

test.each([
  ["unpublish", "yank"],
  ["i", "install"],
  ["ci", "install --frozen"],
  ["instal", "install"],
  ["whomai", "whoami"],
])("land %s leads to land %s", async (typed, meant) => {
  expect(await run([typed])).toEqual(
    expect.objectContaining({
      exitCode: 2,
      stdout: "",
      stderr: `error: Cannot run \`land ${typed}\`: there is no such command\n\nhint: Did you mean \`land ${meant}\`?\n`,
    }),
  );
  expect(Object.keys(commands)).toContain(meant.split(" ")[0] ?? "");
});

test("a word of a group leads to the whole command", async () => {
  expect((await run(["token", "delete"])).stderr).toContain("Did you mean `land token revoke`?");
  expect((await run(["constructor"])).stderr).toContain("See the commands with `land help`");
});
