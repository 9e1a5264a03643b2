import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { type ClientStage, clientStage } from "../support/client-stage.ts";
import { hashTree, writeFiles } from "../support/project.ts";

/** What a client does where bytes, keys or ages are not what they should be. */
let stage: ClientStage;
beforeAll(async () => {
  stage = await clientStage("verification");
  await stage.publish(
    { name: "left", version: "1.0.0", files: { "a.ts": "export const a = 1;\n" } },
    { name: "pad", version: "1.0.0", files: { "b.ts": "export const b = 1;\n" } },
    { name: "rim", version: "1.0.0", files: { "c.ts": "export const c = 1;\n" } },
    { name: "sky", version: "1.0.0" },
  );
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

/** Turns a bit of a file around; its size stays. */
async function flip(path: string): Promise<void> {
  const bytes = await Bun.file(path).bytes();
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await Bun.write(path, bytes);
}

/** The one file below a folder of the store whose bytes have that checksum, or whose name begins so. */
async function stored(kind: "sha256" | "files", hex: string): Promise<string> {
  const dir = stage.at("user/.land/store/v1", kind, hex.slice(0, 2));
  const name = (await readdir(dir)).find((entry) => entry.startsWith(hex));
  return join(dir, name ?? "nothing");
}

test("whatever was changed of tree and store is named, mended, and then right again", async () => {
  await stage.project("app", { left: "*", pad: "*", rim: "*", sky: "*" });
  await stage.done("install", { cwd: "app" });
  const tree = stage.at("app/land_modules");
  const whole = await hashTree(tree);
  const lock = await Bun.file(stage.at("app/land.lock")).text();
  expect((await stage.done("audit signatures --json", { cwd: "app" })).json()).toMatchObject({
    ok: true,
    packages: ["left", "pad", "rim", "sky"].map((name) => ({ name, status: "valid" })),
  });

  await flip(join(tree, "left/a.ts"));
  await rm(join(tree, "pad/b.ts"));
  await writeFiles(tree, { "rim/evil.ts": "evil();\n", "stranger/index.ts": "evil();\n" });
  const [, digest = ""] = /name = "sky"[^[]*digest = "sha256:(\w+)"/.exec(lock) ?? [];
  await flip(await stored("sha256", digest));
  const found = await stage.run("verify --json", { cwd: "app" });
  expect(found.exitCode).toBe(11);
  expect(found.json()).toMatchObject({
    ok: false,
    problems: [
      { package: "left", path: "a.ts", problem: "was changed" },
      { package: "pad", path: "b.ts", problem: "is missing" },
      { package: "rim", path: "evil.ts", problem: expect.stringContaining("not") },
      { package: "sky", path: expect.any(String), problem: expect.stringContaining("is damaged") },
      { package: "stranger", path: "." },
    ],
  });
  const plain = await stage.run("verify", { cwd: "app" });
  expect(plain.exitCode).toBe(11);
  expect(plain.stdout).toContain("FAILED  left 1.0.0\n        a.ts was changed\n");
  expect((await stage.run("verify --repair", { cwd: "app" })).exitCode).toBe(2);
  await stage.done("verify --repair --yes", { cwd: "app" });
  expect(await hashTree(tree)).toEqual(whole);
  await stage.done("verify", { cwd: "app" });
  await stage.done("store repair --deep --json");
}, 30_000);

test("a damaged file of the store never gets into a tree unseen", async () => {
  const sha256 = new Bun.CryptoHasher("sha256").update("export const b = 1;\n").digest("hex");
  await flip(await stored("files", sha256));
  await stage.project("other", { pad: "*" });
  await stage.done("install", { cwd: "other" });
  expect(await hashTree(stage.at("other/land_modules/pad"))).toEqual(
    await hashTree(stage.at("app/land_modules/pad")),
  );
  await stage.done("verify", { cwd: "other" });
  await stage.done("store repair --deep");
}, 30_000);

test("another key stops with the story until it is trusted; no signature after signed ones stops", async () => {
  await writeFiles(stage.at(), { "desk/.keep": "", "pipeline/.keep": "" });
  const input = "correct horse battery\n";
  for (const home of ["desk", "pipeline"])
    await stage.done("login --username ada --password-stdin", { home, input });
  await stage.project("keys", { left: "*" });
  await stage.done("install", { cwd: "keys" });
  const before = await hashTree(stage.at("keys"));
  await writeFiles(stage.at("left"), { "land.json": '{ "name": "left", "version": "1.1.0" }' });
  await stage.done("publish", { cwd: "left", home: "desk" });
  const changed = await stage.run("update left", { cwd: "keys" });
  expect(changed.exitCode).toBe(12);
  expect(changed.stderr).toMatch(
    /ada published 1\.1\.0 on [\d-]+\n {2}The new key: ed25519:[\w-]+\n.*\n {2}The known key: .*\n.*it signed 1\.0\.0, by ada\n/,
  );
  expect(changed.stderr).toContain("run `land trust left`");
  expect(await hashTree(stage.at("keys"))).toEqual(before);
  expect((await stage.run("trust left", { cwd: "keys" })).exitCode).toBe(2);
  await stage.done("trust left --yes", { cwd: "keys" });
  await stage.done("update left", { cwd: "keys" });

  await writeFiles(stage.at("left"), { "land.json": '{ "name": "left", "version": "1.2.0" }' });
  await stage.done("publish", { cwd: "left", home: "pipeline", env: { CI: "true" } });
  const unsigned = await stage.run("update left --json", { cwd: "keys" });
  expect(unsigned.exitCode).toBe(12);
  expect(unsigned.json()).toMatchObject({ code: "key_changed", data: { got: "not signed" } });
}, 30_000);

test("the user's policy refuses, by config and by LAND_*, and a project can make it stricter only", async () => {
  await writeFiles(stage.at("plain"), { "land.json": '{ "name": "plain", "version": "1.0.0" }' });
  await stage.done("publish", { cwd: "plain", home: "pipeline", env: { CI: "true" } });
  await stage.project("policy");
  const asks = (line: string, env: Record<string, string> = {}) =>
    stage.run(`${line} --json`, { cwd: "policy", env });
  const before = await hashTree(stage.at("policy"));
  const unsigned = { exitCode: 12, stdout: expect.stringContaining('"signature_required"') };
  const young = { exitCode: 10, stdout: expect.stringContaining("security.minimumAge allows") };
  expect(await asks("add plain", { LAND_SECURITY_REQUIRE_SIGNATURES: "true" })).toMatchObject(
    unsigned,
  );
  expect(await asks("add pad", { LAND_SECURITY_MINIMUM_AGE: "7d" })).toMatchObject(young);
  await stage.done("config set security.requireSignatures true");
  expect(await asks("add plain")).toMatchObject(unsigned);
  await stage.done("config set security.minimumAge 7");
  expect(await asks("add pad")).toMatchObject(young);
  expect(await hashTree(stage.at("policy"))).toEqual(before);

  const configure = (section: string, value: object): Promise<void> =>
    writeFiles(stage.at("policy"), {
      "land.json": JSON.stringify({ name: "policy", config: { [section]: value } }),
    });
  await configure("security", { requireSignatures: false, minimumAge: 1 });
  expect(await asks("add pad")).toMatchObject(young);
  await stage.done("config set security.minimumAge 0");
  await configure("security", { requireSignatures: false });
  expect(await asks("add plain")).toMatchObject(unsigned);
  await stage.done("config set security.requireSignatures false");
  await configure("security", { minimumAge: 30 });
  expect(await asks("add pad")).toMatchObject(young);
  for (const [section, key, value] of [
    ["hooks", "preInstall", "touch ran"],
    ["registry", "default", "http://127.0.0.1:9"],
    ["registry", "trusted", ["http://127.0.0.1:9"]],
    ["plugins", "enabled", true],
    ["network", "proxy", "http://127.0.0.1:9"],
    ["upgrade", "source", "http://127.0.0.1:9"],
  ] as const) {
    await configure(section, { [key]: value });
    const ran = await asks("install");
    expect({ key, exitCode: ran.exitCode, ...ran.json() }).toMatchObject({
      key,
      exitCode: 2,
      code: "config_invalid",
      data: { key: `${section}.${key}`, source: "land.json" },
    });
  }
  expect(Object.keys(await hashTree(stage.at("policy")))).toEqual(["land.json"]);
}, 60_000);
