import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import {
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import { hashTree, writeFiles } from "../support/project.ts";

/**
 * The main job, through the compiled binary: serve → register → publish three packages that depend on each other →
 * search → add in a new folder → frozen install elsewhere with an empty store → yank.
 */
let root: TemporaryFolder;
let server: LandServer;
const at = (...path: string[]): string => join(root.path, ...path);

beforeAll(async () => {
  root = await temporaryFolder("flow");
  await writeFiles(at(), { "home/.keep": "", "other/.keep": "", "blind/.keep": "" });
  server = await startLand({ data: at("data"), home: at("home") });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

const run = (
  args: readonly string[],
  cwd: string,
  options: { home?: string; env?: Record<string, string>; input?: string } = {},
) =>
  land(args, {
    cwd,
    home: at(options.home ?? "home"),
    env: { LAND_REGISTRY: server.url, ...options.env },
    ...(options.input !== undefined && { input: options.input }),
  });

const manifest = (
  name: string,
  version: string,
  dependencies: Record<string, string> = {},
): string =>
  `${JSON.stringify({ name, version, description: `The ${name} package`, license: "MIT", dependencies }, null, 2)}\n`;

async function publish(
  name: string,
  version: string,
  dependencies: Record<string, string>,
  files: Record<string, string>,
) {
  const dir = at("src", `${name.replace("/", "-")}-${version}`);
  await writeFiles(dir, { "land.json": manifest(name, version, dependencies), ...files });
  const done = await run(["publish", "--json"], dir);
  expect(done).toMatchObject({ exitCode: 0 });
  return {
    dir,
    value: done.json<{
      name: string;
      version: string;
      digest: string;
      files: { path: string }[];
    }>(),
  };
}

test("an account is made without a terminal, and its credential is stored", async () => {
  const made = await run(
    ["register", "--username", "ada", "--email", "ada@example.com", "--password-stdin", "--json"],
    at("home"),
    { input: "correct horse battery\n" },
  );
  expect(made).toMatchObject({ exitCode: 0 });
  expect(made.json()).toEqual({ user: "ada", registry: server.url });
  const who = await run(["whoami", "--json"], at("home"));
  expect(who.json()).toEqual({ user: "ada", registry: server.url, scopes: ["account"] });
});

let greet: Awaited<ReturnType<typeof publish>>;
let left: Awaited<ReturnType<typeof publish>>;
let pad: Awaited<ReturnType<typeof publish>>;

test("three packages that depend on each other are published", async () => {
  pad = await publish(
    "pad",
    "1.0.0",
    {},
    { "index.ts": "export const pad = 1;\n", "README.md": "# pad\n" },
  );
  left = await publish(
    "left",
    "1.2.0",
    { pad: "^1.0.0" },
    { "index.ts": 'export * from "pad";\n' },
  );
  greet = await publish(
    "@ada/greet",
    "0.1.0",
    { left: "^1.0.0", pad: "1.x" },
    { "index.ts": "export const greet = 1;\n", "deep/er/file.txt": "deep\n" },
  );
  expect(greet.value).toMatchObject({ name: "@ada/greet", version: "0.1.0" });
  expect(greet.value.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(greet.value.files.map(({ path }) => path)).toEqual([
    "deep/er/file.txt",
    "index.ts",
    "land.json",
    "package.json",
  ]);
});

test("the same version again is refused by its code", async () => {
  const again = await run(["publish", "--json"], left.dir);
  expect(again.exitCode).toBe(1);
  expect(again.json()).toMatchObject({ code: "version_exists", status: 409 });
});

test("a search finds it", async () => {
  const found = await run(["search", "greet", "--json"], at("home"));
  expect(found.json()).toEqual({
    items: [{ name: "@ada/greet", version: "0.1.0", description: "The @ada/greet package" }],
    next: null,
  });
});

test("add in a new folder installs the files of the source, with a lock", async () => {
  const app = at("app");
  await writeFiles(app, { "land.json": '{\n  "name": "app",\n  "version": "0.0.1"\n}\n' });
  const added = await run(["add", "@ada/greet", "--json"], app, { env: { CI: "" } });
  expect(added).toMatchObject({ exitCode: 0 });
  expect(added.json()).toEqual({
    added: [
      { name: "@ada/greet", version: "0.1.0" },
      { name: "left", version: "1.2.0" },
      { name: "pad", version: "1.0.0" },
    ],
    removed: [],
    changed: [],
    unchanged: 0,
    manifest: [{ folder: ".", kind: "dependencies", name: "@ada/greet", to: "^0.1.0" }],
  });
  expect(await Bun.file(join(app, "land.json")).text()).toBe(
    '{\n  "name": "app",\n  "version": "0.0.1",\n  "dependencies": {\n    "@ada/greet": "^0.1.0"\n  }\n}\n',
  );
  for (const { dir, value } of [greet, left, pad]) {
    const installed = await hashTree(join(app, "land_modules", value.name));
    const source = await hashTree(dir);
    expect(installed).toMatchObject(source);
    expect(Object.keys(installed)).toEqual([...Object.keys(source), "package.json"].toSorted());
  }
});

const lockText = () => Bun.file(at("app", "land.lock")).text();

test("the lock is as specified and the same for the same input", async () => {
  const lock = await lockText();
  const key = /keys = \["(ed25519:[\w-]+)"\]/.exec(lock)?.[1];
  expect(lock).toBe(
    [
      "# land.lock: generated by land; commit this file",
      "version = 1",
      "",
      '[manifest."."]',
      'dependencies = ["@ada/greet@^0.1.0"]',
      "",
      ...[
        { value: greet.value, dependencies: '["left", "pad"]' },
        { value: left.value, dependencies: '["pad"]' },
        { value: pad.value, dependencies: "[]" },
      ].flatMap(({ value, dependencies }) => [
        "[[package]]",
        `name = "${value.name}"`,
        `version = "${value.version}"`,
        `registry = "${server.url}"`,
        `digest = "${value.digest}"`,
        `keys = ["${key}"]`,
        `dependencies = ${dependencies}`,
        "",
      ]),
    ].join("\n"),
  );
  await writeFiles(at("again"), { "land.json": await Bun.file(at("app", "land.json")).text() });
  await run(["install"], at("again"));
  expect(await Bun.file(at("again", "land.lock")).text()).toBe(lock);
});

test("a frozen install in a third folder with an empty store gives the same tree", async () => {
  await writeFiles(at("third"), {
    "land.json": await Bun.file(at("app", "land.json")).text(),
    "land.lock": await lockText(),
  });
  const frozen = await run(["install", "--json"], at("third"), {
    home: "other",
    env: { CI: "true" },
  });
  expect(frozen).toMatchObject({ exitCode: 0 });
  expect(frozen.json<{ added: unknown[] }>().added).toHaveLength(3);
  expect(await hashTree(at("third", "land_modules", "@ada"))).toEqual(
    await hashTree(at("app", "land_modules", "@ada")),
  );
  const nothing = await run(["install", "--json"], at("third"), { home: "other" });
  expect(nothing.json()).toEqual({ added: [], removed: [], changed: [], unchanged: 3 });
});

test("a yanked version is not picked again, and locked installs keep working", async () => {
  expect(await run(["yank", "left@1.2.0"], at("home"))).toMatchObject({ exitCode: 0 });
  await writeFiles(at("fresh"), { "land.json": manifest("fresh", "1.0.0") });
  const added = await run(["add", "left", "--json"], at("fresh"));
  expect(added.exitCode).toBe(10);
  expect(added.json()).toMatchObject({ code: "no_solution" });
  expect(await Bun.file(at("fresh", "land.json")).text()).toBe(manifest("fresh", "1.0.0"));
  await writeFiles(at("fourth"), {
    "land.json": await Bun.file(at("app", "land.json")).text(),
    "land.lock": await lockText(),
  });
  const frozen = await run(["install", "--frozen", "--json"], at("fourth"), { home: "blind" });
  expect(frozen).toMatchObject({ exitCode: 0 });
  expect(await run(["yank", "--undo", "left@1.2.0"], at("home"))).toMatchObject({ exitCode: 0 });
  expect((await run(["add", "left", "--json"], at("fresh"))).exitCode).toBe(0);
});

test("remove takes it out of manifest, lock and tree", async () => {
  const removed = await run(["remove", "left", "--json"], at("fresh"));
  expect(removed.json()).toMatchObject({
    removed: [
      { name: "left", version: "1.2.0" },
      { name: "pad", version: "1.0.0" },
    ],
  });
  expect(await Bun.file(at("fresh", "land_modules", "left", "index.ts")).exists()).toBe(false);
});

test("SIGTERM ends the server with 0, and what it acknowledged is there at the next start", async () => {
  expect(await server.end("SIGTERM")).toBe(0);
  server = await startLand({ data: at("data"), home: at("home") });
  const found = await fetch(`${server.url}/api/v1/packages/left/1.2.0`);
  expect(await found.json()).toMatchObject({ name: "left", version: "1.2.0", yanked: false });
});
