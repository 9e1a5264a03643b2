import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { hashTree, writeFiles } from "#test/support/project.ts";

import { run, type Running, startRun } from "./world.ts";

/** Commands in a workspace of four members, against a registry. */
let root: TemporaryFolder;
let server: Running;
let registry = "";
const at = (...path: string[]): string => join(root.path, ...path);
const land = (argv: string[], cwd = "ws") =>
  run(argv, {
    cwd: at(cwd),
    home: at("home"),
    env: { LAND_REGISTRY: registry, NO_COLOR: "1" },
    now: () => new Date(),
  });

const members = {
  "packages/app": {
    name: "ws-app",
    version: "0.1.0",
    private: true,
    dependencies: { "ws-core": "workspace:*" },
  },
  "packages/cli": {
    name: "ws-cli",
    version: "1.0.0",
    dependencies: { "ws-core": "workspace:^", "ws-plugin": "workspace:1.x" },
    devDependencies: { "ws-zeta": "workspace:~" },
  },
  "packages/core": { name: "ws-core", version: "1.2.0" },
  "packages/plugin": {
    name: "ws-plugin",
    version: "1.0.1",
    dependencies: { "ws-core": "workspace:*" },
    peerDependencies: { "ws-cli": "workspace:^" },
  },
  "packages/zeta": { name: "ws-zeta", version: "3.0.0-beta.1" },
};

beforeAll(async () => {
  root = await temporaryFolder("workspace");
  const now = () => new Date();
  server = startRun(["serve", "--data", at("data"), "--port", "0", "--log-level", "off"], { now });
  await server.shows("land is listening on");
  registry = /http:\S+/.exec(server.stdout())?.[0] ?? "";
  await writeFiles(at(), {
    "home/.keep": "",
    "ws/land.json": JSON.stringify({ workspaces: ["packages/*"], private: true }),
    ...Object.fromEntries(
      Object.entries(members).map(([folder, manifest]) => [
        `ws/${folder}/land.json`,
        `${JSON.stringify(manifest, null, 2)}\n`,
      ]),
    ),
  });
  const who = ["--username", "ada", "--email", "ada@example.com", "--password-stdin"];
  await run(["register", ...who], {
    cwd: at("ws"),
    home: at("home"),
    env: { LAND_REGISTRY: registry },
    input: "correct horse battery",
    now,
  });
});
afterAll(async () => {
  server.send("SIGTERM");
  await server.done;
  await root[Symbol.asyncDispose]();
});

test("one member is packed from anywhere, with the ranges of the workspace as others read them", async () => {
  const before = await hashTree(at("ws"));
  const out = ["--out", at("home"), "--json"];
  const ran = await land(["pack", "--workspace", "ws-cli", ...out]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  const inside = await land(["pack", ...out], "ws/packages/cli");
  expect(inside.json()).toEqual(ran.json());
  expect(await hashTree(at("ws"))).toEqual(before);
  const archive = new Bun.Archive(await Bun.file(at("home/ws-cli-1.0.0.tgz")).bytes());
  const files = await archive.files();
  for (const name of ["land.json", "package.json"])
    expect(JSON.parse((await files.get(`package/${name}`)?.text()) ?? "")).toMatchObject({
      dependencies: { "ws-core": "^1.2.0", "ws-plugin": "1.x" },
    });
  const text = await files.get("package/land.json")?.text();
  expect(text).toContain('"ws-zeta": "~3.0.0-beta.1"');
});

test("all members are published in the order they need each other, and once", async () => {
  const dry = await land(["publish", "--workspace", "*", "--dry-run"]);
  expect(dry).toMatchObject({ exitCode: 0, stderr: "" });
  expect(dry.stdout.replace(/packed .*/g, "…")).toMatchInlineSnapshot(`
    "ws-core@1.2.0  2 files, …
    ws-plugin@1.0.1  2 files, …
    ws-cli@1.0.0  2 files, …
    ws-zeta@3.0.0-beta.1  2 files, …
    "
  `);
  await land(["publish", "--workspace", "packages/core", "--yes"]);
  const ran = await land(["publish", "--workspace", "*", "--yes"]);
  expect(ran.exitCode).toBe(0);
  expect(ran.stderr.replace(/, packed .*/g, "").replace(/Made a signing key.*\n/, ""))
    .toMatchInlineSnapshot(`
    "Skipped ws-core@1.2.0: it is published already
    ws-plugin@1.0.1  2 files
    ws-cli@1.0.0  2 files
    ws-zeta@3.0.0-beta.1  2 files
    Published ws-plugin@1.0.1
    Published ws-cli@1.0.0
    Published ws-zeta@3.0.0-beta.1
    "
  `);
  const again = await land(["publish", "--workspace", "*", "--json", "--yes"]);
  expect(again.json()).toEqual({
    published: [],
    skipped: ["ws-core@1.2.0", "ws-plugin@1.0.1", "ws-cli@1.0.0", "ws-zeta@3.0.0-beta.1"].map(
      (text) => ({ name: text.split("@")[0], version: text.split("@")[1] }),
    ),
  });
  const info = await land(["info", "ws-plugin@1.0.1", "--json"]);
  expect(info.json()).toMatchObject({ dependencies: { "ws-core": "1.2.0" } });
  await writeFiles(at("ws/packages/core"), { "more.txt": "more" });
  const changed = await land(["publish", "--workspace", "*", "--yes"]);
  expect(changed.stderr).toContain(
    "ws-core@1.2.0 is published with other files: raise its version",
  );
});

test("what cannot be published is told", async () => {
  const refused = async (argv: string[], cwd?: string) =>
    (await land(argv, cwd)).stderr.split("\n")[0];
  expect(await refused(["publish", "--workspace", "ws-app", "--yes"])).toBe(
    'error: Cannot use land.json: "private" is true: take it out of the manifest to publish this',
  );
  expect(await refused(["publish", "--workspace", "nope"])).toBe(
    'error: Cannot use the workspace: "nope" is none of its members: ws-app, ws-cli, ws-core, ws-plugin, ws-zeta',
  );
  expect(await refused(["publish", "--workspace", "ws-a*"])).toContain(
    'every member that "ws-a*" means is private or has no version',
  );
  expect(await refused(["pack", "--workspace", "*", "--out", "x.tgz"])).toContain("give a folder");
});

test("land lock makes the lock alone, --check holds it to the manifests", async () => {
  expect((await land(["lock", "--check"])).stderr).toContain("Cannot install frozen");
  const made = await land(["lock", "--json"], "ws/packages/app");
  expect(made.json()).toMatchObject({ added: [] });
  expect(await Bun.file(at("ws/land.lock")).exists()).toBe(true);
  expect((await land(["lock", "--check"])).exitCode).toBe(0);
});
