import { expect, test } from "bun:test";
import { join } from "node:path";

import { land, startLand, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

test("a version signed by another key stops an add until the key is trusted", async () => {
  await using folder = await temporaryFolder("trust");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await writeFiles(at(), { "laptop/.keep": "", "desk/.keep": "", "user/.keep": "" });
  await using server = await startLand({ data: at("data"), home: at("laptop") });
  const env = { LAND_REGISTRY: server.url };
  const input = "correct horse battery\n";
  const run = (home: string, args: string[], cwd = at(home)) =>
    land(args, { cwd, home: at(home), env, input });
  const manifest = (version: string): string => JSON.stringify({ name: "left", version });

  const who = ["--username", "ada", "--password-stdin"];
  await run("laptop", ["register", ...who, "--email", "ada@example.com"]);
  await writeFiles(at("left"), { "land.json": manifest("1.0.0") });
  expect(await run("laptop", ["publish"], at("left"))).toMatchObject({ exitCode: 0 });
  await writeFiles(at("app"), { "land.json": '{ "name": "app" }\n' });
  expect(await run("user", ["add", "left"], at("app"))).toMatchObject({ exitCode: 0 });
  const lock = await Bun.file(at("app/land.lock")).text();

  await run("desk", ["login", ...who]);
  await writeFiles(at("left"), { "land.json": manifest("1.1.0") });
  expect(await run("desk", ["publish"], at("left"))).toMatchObject({ exitCode: 0 });
  const refused = await run("user", ["add", "left@1.1.0", "--json"], at("app"));
  expect(refused.exitCode).toBe(12);
  expect(refused.json()).toMatchObject({
    code: "key_changed",
    hint: expect.stringContaining("land trust left"),
  });
  expect(await Bun.file(at("app/land.lock")).text()).toBe(lock);

  expect((await run("user", ["trust", "left"], at("app"))).exitCode).toBe(2);
  const trusted = await run("user", ["trust", "left", "--yes", "--json"], at("app"));
  expect(trusted.json<{ keys: string[] }>().keys).toHaveLength(2);
  expect(await run("user", ["add", "left@1.1.0"], at("app"))).toMatchObject({ exitCode: 0 });
  expect((await run("user", ["trust", "other", "--yes"], at("app"))).exitCode).toBe(1);
}, 30_000);
