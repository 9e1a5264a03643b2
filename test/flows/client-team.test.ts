import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { type ClientStage, clientStage } from "../support/client-stage.ts";
import { cleanEnvironment } from "../support/land.ts";
import { hashTree, writeFiles } from "../support/project.ts";

/** A day of ada, who publishes a workspace of three, and of bob, whose project is a repository of git that asks for them. */
let stage: ClientStage;
beforeAll(async () => void (stage = await clientStage("team")), 30_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

const member = (name: string, version: string, dependencies: Record<string, string> = {}) =>
  JSON.stringify({ name: `@ada/${name}`, version, dependencies });

async function publishTeam(pad: string, left: string, greet: string): Promise<unknown> {
  await writeFiles(stage.at("team"), {
    "land.json": '{ "workspaces": ["packages/*"], "private": true }',
    "packages/pad/land.json": member("pad", pad),
    "packages/left/land.json": member("left", left, { "@ada/pad": "workspace:^" }),
    "packages/greet/land.json": member("greet", greet, { "@ada/left": "workspace:^" }),
    "packages/greet/index.ts": `export const greet = "${greet}";\n`,
  });
  const line = ["publish", "--workspace", "*", "--yes", "--json"];
  return (await stage.done(line, { cwd: "team", home: "ada" })).json();
}

const manifest = `{
  "name": "app",
  "version": "0.0.0",
  "devDependencies": {
  },
  "description": "asks for what ada makes",
  "license": "MIT",
  "private": true,
  "dependencies": {
    "@ada/pad": "^1.0.0"
  }
}
`;

const bob = (line: string, env: Record<string, string> = {}, cwd = "app") =>
  stage.run(line, { cwd, env });
const bobs = (line: string, cwd = "app") => stage.done(line, { cwd });
const inGit = (cwd: string, ...args: string[]): { code: number; out: string } => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["git", "-c", "user.name=bob", "-c", "user.email=bob@example.com", ...args],
    { cwd: stage.at(cwd), env: cleanEnvironment(stage.at("user")) },
  );
  return { code: exitCode, out: stdout.toString() + stderr.toString() };
};
const git = (cwd: string, ...args: string[]): void =>
  expect({ args, ...inGit(cwd, ...args) }).toMatchObject({ args, code: 0 });
const textOf = (...path: string[]): Promise<string> => Bun.file(stage.at(...path)).text();

test("a workspace is published; bob adds one of its packages and commits the lock", async () => {
  await publishTeam("1.0.0", "1.0.0", "1.0.0");
  await stage.publish({ name: "one", version: "1.0.0" }, { name: "two", version: "1.0.0" });
  await writeFiles(stage.at("app"), { "land.json": manifest, ".gitignore": "land_modules/\n" });
  expect((await bobs("add @ada/greet --json")).json()).toMatchObject({
    added: [
      { name: "@ada/greet", version: "1.0.0" },
      { name: "@ada/left", version: "1.0.0" },
      { name: "@ada/pad", version: "1.0.0" },
    ],
  });
  expect(JSON.parse(await textOf("app/land_modules/@ada/left/land.json"))).toMatchObject({
    dependencies: { "@ada/pad": "^1.0.0" },
  });
  git("app", "init", "-qb", "main");
  await bobs("lock install-driver");
  git("app", "add", ".");
  git("app", "commit", "-qm", "begin");
}, 30_000);

test("what ada publishes next is told, asked about, and taken as far as it fits", async () => {
  await publishTeam("2.0.0", "1.1.0", "1.0.1");
  expect((await bobs("outdated --json")).json()).toMatchObject({
    packages: [
      { name: "@ada/greet", current: "1.0.0", wanted: "1.0.0", latest: "1.0.1" },
      { name: "@ada/pad", current: "1.0.0", wanted: "1.0.0", latest: "2.0.0" },
    ],
  });
  expect((await bob("outdated --exit-code")).exitCode).toBe(1);
  expect((await bobs("why @ada/pad")).stdout).toBe(`@ada/pad 1.0.0
├── app asks for ^1.0.0
└── @ada/left 1.0.0 asks for ^1.0.0
    └── @ada/greet 1.0.0 asks for ^1.0.0
        └── app asks for ^1.0.0
`);
  const before = await hashTree(stage.at("app"));
  const not = await bob("why-not @ada/left@1.1.0 --json");
  expect(not.exitCode).toBe(10);
  expect(not.stderr).toBe("");
  expect(await hashTree(stage.at("app"))).toEqual(before);
  const { suggestions } = not.json<{ failure: { suggestions: string[] } }>().failure;
  expect(suggestions).toHaveLength(1);
  const suggested = suggestions[0] ?? "";
  expect((await bob("why-not @ada/left@1.1.0")).stdout).toContain(
    `Tried, and it works:\n  ${suggested}\n`,
  );
  await bobs(suggested.replace(/^land /, ""));
  expect(await bob("why-not @ada/left@1.1.0")).toMatchObject({ exitCode: 0 });
  expect((await bobs("list --json")).json()).toMatchObject({
    packages: [
      { name: "@ada/greet", version: "1.0.0" },
      { name: "@ada/left", version: "1.1.0" },
      { name: "@ada/pad", version: "2.0.0" },
    ],
  });
  await publishTeam("3.0.0", "2.0.0", "2.0.0");
  expect((await bobs("update --json")).json()).toMatchObject({
    changed: [{ name: "@ada/greet", version: "1.0.1" }],
  });
  await bobs("update --latest");
  expect(JSON.parse(await textOf("app/land.json"))).toMatchObject({
    dependencies: { "@ada/greet": "^2.0.0", "@ada/left": "^2.0.0", "@ada/pad": "^3.0.0" },
  });
  expect(await textOf("app/land_modules/@ada/greet/index.ts")).toContain('"2.0.0"');
  git("app", "commit", "-qam", "newest");
}, 30_000);

const locked = async (cwd: string): Promise<string[]> =>
  [...(await textOf(cwd, "land.lock")).matchAll(/^name = "(.*)"$/gm)].map(
    (match) => match[1] ?? "",
  );
const ALL = ["@ada/greet", "@ada/left", "@ada/pad", "one", "two"];

test("two branches that each add a package merge by the driver, and by `land install` where a clone has none", async () => {
  git("app", "checkout", "-qb", "one");
  await bobs("add one");
  git("app", "commit", "-qam", "one");
  git("app", "checkout", "-q", "main");
  await bobs("install");
  await bobs("add two --dev");
  git("app", "commit", "-qam", "two");
  git(".", "clone", "-q", "app", "clone");

  git("app", "merge", "-q", "--no-edit", "one");
  expect(await locked("app")).toEqual(ALL);
  expect(await bobs("lock --check")).toMatchObject({ exitCode: 0 });
  await bobs("install --frozen");

  expect(inGit("clone", "merge", "-q", "origin/one")).toMatchObject({
    code: 1,
    out: expect.stringContaining("CONFLICT (content): Merge conflict in land.lock"),
  });
  expect(await textOf("clone/land.lock")).toContain("<<<<<<<");
  const refused = await bob("install --frozen --json", {}, "clone");
  expect(refused.exitCode).toBe(1);
  await bobs("install", "clone");
  expect(await textOf("clone/land.lock")).toBe(await textOf("app/land.lock"));
  expect(await hashTree(stage.at("clone/land_modules"))).toEqual(
    await hashTree(stage.at("app/land_modules")),
  );
}, 30_000);

test("a pipeline installs exactly the lock, and stops where the manifest asks for something else", async () => {
  git(".", "clone", "-q", "app", "pipeline");
  await stage.publish({ name: "one", version: "1.0.1" });
  await stage.done("install", { cwd: "pipeline", env: { CI: "true" }, home: "ada" });
  const tree = stage.at("pipeline");
  expect(await hashTree(join(tree, "land_modules"))).toEqual(
    await hashTree(stage.at("app/land_modules")),
  );
  expect(inGit("pipeline", "status", "--porcelain")).toEqual({ code: 0, out: "" });

  const changed = (await textOf("pipeline/land.json")).replace(
    '"one": "^1.0.0"',
    '"one": "^1.0.1"',
  );
  await Bun.write(join(tree, "land.json"), changed);
  const before = await hashTree(tree);
  const stopped = await bob("install --json", { CI: "true" }, "pipeline");
  expect(stopped.exitCode).toBe(1);
  expect(stopped.json()).toMatchObject({
    code: "lock_outdated",
    detail: expect.stringContaining("one"),
  });
  expect(await hashTree(tree)).toEqual(before);
}, 30_000);
