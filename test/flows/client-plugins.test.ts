import { afterAll, beforeAll, expect, test } from "bun:test";

import { type ClientStage, clientStage } from "../support/client-stage.ts";
import { hashTree, writeFiles } from "../support/project.ts";

/** What users put beside land: hooks of the shell, plugins, and those that land brings. */
let stage: ClientStage;
beforeAll(async () => {
  stage = await clientStage("plugins");
  await stage.publish(
    { name: "free", version: "1.0.0", license: "MIT", dependencies: { shared: "^1.0.0" } },
    { name: "shared", version: "1.0.0", license: "Apache-2.0" },
    { name: "closed", version: "1.0.0", license: "GPL-3.0-only" },
  );
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

/** Writes a home of that name with settings and plugins. */
async function home(name: string, config: object, plugins: Record<string, string> = {}) {
  const entries = Object.entries(plugins).map(([file, text]) => [`plugins/${file}`, text]);
  await writeFiles(stage.at(name, ".land"), {
    "config.json": JSON.stringify(config),
    ...Object.fromEntries(entries),
  });
  return { home: name };
}

const GUARD = `export default { name: "guard", setup(land) {
  land.on("preInstall", ({ packages }) => {
    const bad = packages.find(({ name }) => name === "closed");
    if (bad) throw new Error("no " + bad.name + "@" + bad.version + " here");
  });
  land.command({ name: "count", about: "Count packages", run: async () => {
    const { packages } = await land.project();
    return { value: { count: packages.length }, text: packages.length + " packages" };
  } });
} };
`;

test("a hook of the shell that refuses an install leaves everything as it was", async () => {
  const refuses = await home("strict", {
    hooks: { preInstall: 'cat > seen.json; echo "not on a Friday" >&2; exit 3' },
  });
  await stage.project("hooked", { free: "*" });
  const before = await hashTree(stage.at("hooked"));
  const refused = await stage.run("install --json", { cwd: "hooked", ...refuses });
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("not on a Friday");
  expect(refused.json()).toMatchObject({
    code: "hook_refused",
    data: { event: "preInstall", problem: "it ended with 3" },
  });
  const { "seen.json": seen, ...after } = await hashTree(stage.at("hooked"));
  expect(seen).toBeString();
  expect(after).toEqual(before);
  expect(await Bun.file(stage.at("hooked/seen.json")).text()).toContain('"shared"');
  await stage.done("install --no-plugins", { cwd: "hooked", ...refuses });
  await stage.done("verify", { cwd: "hooked", ...refuses });
}, 30_000);

test("a plugin refuses a package, adds a command, and is off with --no-plugins", async () => {
  const guarded = { cwd: "guarded", ...(await home("guard", {}, { "guard.ts": GUARD })) };
  await stage.project("guarded");
  await stage.done("add free", guarded);
  const before = await hashTree(stage.at("guarded"));
  const refused = await stage.run("add closed --json", guarded);
  expect(refused.exitCode).toBe(1);
  expect(refused.json()).toMatchObject({
    code: "hook_refused",
    detail: expect.stringContaining("no closed@1.0.0 here"),
  });
  expect(await hashTree(stage.at("guarded"))).toEqual(before);
  expect((await stage.done("count", guarded)).stdout).toBe("2 packages\n");
  expect((await stage.done("count --json", guarded)).json()).toEqual({ count: 2 });
  expect((await stage.run("count --no-plugins", guarded)).exitCode).toBe(2);
  await stage.done("add closed --no-plugins", guarded);
  expect((await stage.done("count", guarded)).stdout).toBe("3 packages\n");
}, 30_000);

test("licenses are checked, by the command and, where that is wished for, at each install", async () => {
  const allow = ["MIT", "Apache-2.0"];
  const policy = await home("policy", { plugins: { licenses: { allow } } });
  const enforcing = await home("enforcing", { plugins: { licenses: { allow, enforce: true } } });
  await stage.project("licensed", { free: "*" });
  await stage.done("install", { cwd: "licensed", ...policy });
  await stage.done("licenses --check", { cwd: "licensed", ...policy });
  const before = await hashTree(stage.at("licensed"));
  const refused = await stage.run("add closed", { cwd: "licensed", ...enforcing });
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("GPL-3.0-only");
  expect(await hashTree(stage.at("licensed"))).toEqual(before);
  await stage.done("add closed", { cwd: "licensed", ...policy });
  const checked = await stage.run("licenses --check --json", { cwd: "licensed", ...policy });
  expect(checked.exitCode).toBe(1);
  expect(checked.json()).toMatchObject({
    code: "policy_violated",
    data: { problems: [expect.stringContaining("closed@1.0.0")] },
  });
}, 30_000);

test("the bill of materials of a lock is the same bytes wherever it is made", async () => {
  await stage.project("bill", { closed: "*", free: "*" });
  await stage.done("install", { cwd: "bill" });
  for (const file of ["land.json", "land.lock"])
    await Bun.write(stage.at("elsewhere/bill", file), Bun.file(stage.at("bill", file)));
  await stage.done("install --frozen", { cwd: "elsewhere/bill", home: "ada" });
  for (const format of ["cyclonedx", "spdx"]) {
    const line = `sbom --format ${format} --reproducible`;
    const first = await stage.done(line, { cwd: "bill" });
    const second = await stage.done(line, { cwd: "elsewhere/bill", home: "ada" });
    expect(second.stdout).toBe(first.stdout);
    for (const name of ["closed", "free", "shared"]) expect(first.stdout).toContain(`"${name}"`);
  }
}, 30_000);
