import { expect, test } from "bun:test";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

const main = join(import.meta.dir, "../../src/main.ts");

/** The program from source, as its own process. */
function spawn(args: string[], cwd: string) {
  return Bun.spawn([process.execPath, main, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

test("--version loads nothing but the version", async () => {
  const child = spawn(["--version"], "/");
  expect(await child.stdout.text()).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await child.exited).toBe(0);
  const imports = new Bun.Transpiler({ loader: "ts" }).scanImports(await Bun.file(main).text());
  const eager = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
  expect(eager).toEqual(["#base/build-info.ts"]);
});

test("the exit code and the streams are those of the command", async () => {
  const child = spawn(["publsh"], "/");
  expect(await child.exited).toBe(2);
  expect(await child.stdout.text()).toBe("");
  expect(await child.stderr.text()).toStartWith("error: ");
});

test("a megabyte of JSON passes a pipe whole, and a reader that stops early is no error", async () => {
  await using root = await temporaryFolder("main");
  const long = "a-long-name-".repeat(18);
  const files = Array.from({ length: 2300 }, (_, at) => [`${long}/${long}-${at}`, ""]);
  const manifest = '{ "name": "wide", "version": "1.0.0" }';
  await writeFiles(root.path, { "land.json": manifest, ...Object.fromEntries(files) });

  const whole = spawn(["pack", "--dry-run", "--json"], root.path);
  const text = await whole.stdout.text();
  expect(text.length).toBeGreaterThan(1_000_000);
  expect(JSON.parse(text)).toMatchObject({ name: "wide" });
  expect(await whole.exited).toBe(0);

  const early = spawn(["pack", "--dry-run", "--json"], root.path);
  const reader = early.stdout.getReader();
  await reader.read();
  await reader.cancel();
  expect(await early.stderr.text()).toBe("");
  expect(await early.exited).toBe(0);
}, 60_000);
