import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { type TemporaryFolder, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { type Ran, run } from "./world.ts";

let root: TemporaryFolder;
beforeAll(async () => void (root = await temporaryFolder("config")));
afterAll(() => root[Symbol.asyncDispose]());

const land = (
  argv: readonly string[],
  at: string,
  env: Record<string, string> = {},
): Promise<Ran> =>
  run(["config", ...argv], { cwd: join(root.path, at), home: join(root.path, at), env });

const fileOf = (at: string) => Bun.file(join(root.path, at, ".land/config.json"));

test("set, get and unset", async () => {
  await writeFiles(root.path, { "a/x": "" });
  const set = await land(["set", "network.concurrency", "16"], "a");
  expect(set).toMatchObject({
    exitCode: 0,
    stdout: "",
    stderr: `Set network.concurrency in ${join(root.path, "a/.land/config.json")}\n`,
  });
  expect(await fileOf("a").json()).toEqual({ version: 1, network: { concurrency: 16 } });
  expect((await land(["get", "network.concurrency"], "a")).stdout).toBe("16\n");
  expect((await land(["get", "cache.maxAge", "--json"], "a")).json()).toEqual({
    key: "cache.maxAge",
    value: 90,
    origin: "default",
  });
  const unset = await land(["unset", "network.concurrency", "--json"], "a");
  expect(unset.json()).toMatchObject({ key: "network.concurrency", removed: true });
  expect(await fileOf("a").json()).toEqual({ version: 1 });
  expect((await land(["unset", "network.concurrency"], "a")).stderr).toStartWith(
    "network.concurrency is not in ",
  );
});

test("list tells values, origins and what they are, and no password", async () => {
  await writeFiles(root.path, {
    "b/land.json": '{"config":{"network":{"tries":3}}}',
    "b/.land/config.json": '{"network":{"proxy":"http://ada:hush@p:3128","odd":1}}',
  });
  const ran = await land(["list"], "b", { LAND_REGISTRY: "https://land.example.com" });
  expect(ran.stderr).toContain('warning: There is no setting "network.odd"');
  expect(ran.stdout.split("\n").slice(0, 4).join("\n")).toMatchInlineSnapshot(`
    "registry.default = https://land.example.com  (LAND_REGISTRY)
      Address of the registry that is used where none is named
    registry.trusted = none
      Further registries that a lock file may name"
  `);
  expect(ran.stdout).toContain("network.tries = 3  (land.json)\n");
  expect(ran.stdout).toContain("network.proxy = http://ada:…@p:3128  (config.json)\n");
  const whole = await land(["list", "--json"], "b");
  expect(whole.stdout).not.toContain("hush");
  expect(whole.json()).toMatchObject({
    settings: expect.arrayContaining([
      {
        key: "network.tries",
        value: 3,
        origin: "project",
        default: 5,
        about: "How often a request that may be repeated is tried",
      },
    ]),
  });
  for (const line of ran.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test.each([
  [["get", "network.concurency"], "Did you mean `network.concurrency`?"],
  [["set", "concurrency", "3"], "Did you mean `network.concurrency`?"],
  [["unset", "nothing.like.it"], "See the settings with `land config list`"],
  [["set", "network.concurrency", "many"], "use a whole number"],
  [["set", "hooks.preInstall", "x", "--project"], "a project may not set it"],
  [["set", "network.tries", "3", "--project"], "Cannot find land.json"],
])("%j is wrong usage, and says what is right", async (argv, hint) => {
  await writeFiles(root.path, { "c/x": "" });
  const ran = await land(argv, "c");
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toContain(hint);
  expect(await fileOf("c").exists()).toBe(false);
});

test("--project writes into land.json; what goes before is told", async () => {
  await writeFiles(root.path, {
    "d/land.json": '{\n  "name": "app"\n}\n',
    "d/.land/config.json": '{"security":{"minimumAge":"30d"}}',
  });
  const ran = await land(["set", "security.minimumAge", "7d", "--project", "--json"], "d");
  expect(ran.json()).toMatchObject({ value: 30, origin: "user" });
  expect(ran.stderr).toContain("warning: The setting of the user is as strict, and counts");
  expect(await Bun.file(join(root.path, "d/land.json")).json()).toEqual({
    name: "app",
    config: { security: { minimumAge: "7d" } },
  });
  const env = { LAND_NETWORK_TRIES: "3" };
  const hidden = await land(["set", "network.tries", "4"], "d", env);
  expect(hidden.stderr).toContain("warning: LAND_NETWORK_TRIES sets network.tries too");
});

test("another setting that is wrong keeps nobody from mending it", async () => {
  await writeFiles(root.path, { "e/.land/config.json": '{"network":{"tries":"many","ca":"x"}}' });
  const ran = await land(["set", "network.tries", "3"], "e");
  expect(ran.exitCode).toBe(0);
  expect(ran.stderr).toContain("warning: Cannot use network.ca from ");
  expect((await land(["unset", "network.ca"], "e")).exitCode).toBe(0);
  expect((await land(["get", "network.tries"], "e")).stdout).toBe("3\n");
});
