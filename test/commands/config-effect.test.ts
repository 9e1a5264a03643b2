import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";

import type { Keychain } from "#remote/keychain.ts";

import { type FakeRegistry, fakeRegistry } from "../support/fake-registry.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { startProxy } from "../support/proxy.ts";
import { type Ran, run, type Setting } from "./world.ts";

let root: TemporaryFolder;
let registry: FakeRegistry;
let other: FakeRegistry;
beforeAll(async () => {
  root = await temporaryFolder("effect");
  [registry, other] = [await fakeRegistry(), await fakeRegistry()];
  await registry.add({ name: "left", version: "1.0.0", signer: "" });
  await other.add({ name: "left", version: "1.0.0", signer: "" });
});
beforeEach(() => registry.mend());
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

/** A home whose default registry is ours, and a project in it that needs `left`. */
async function project(name: string, settings: object = {}, config: object = {}): Promise<string> {
  const at = join(root.path, name);
  await writeFiles(at, {
    ".land/config.json": JSON.stringify({ registry: { default: registry.url }, ...settings }),
    "app/land.json": JSON.stringify({ dependencies: { left: "^1.0.0" }, config }),
  });
  return at;
}
const land = (argv: readonly string[], at: string, more: Setting = {}): Promise<Ran> =>
  run(argv, { cwd: join(at, "app"), home: at, now: () => new Date(), ...more });

test("the registry of the configuration is the one in use, and --registry another", async () => {
  const at = await project("default");
  expect((await land(["install", "--json"], at)).json()).toMatchObject({
    added: [{ name: "left", version: "1.0.0" }],
  });
  expect(registry.requests.length).toBeGreaterThan(0);
  expect(await Bun.file(join(at, "app/land.lock")).text()).toContain(registry.url);
});

test("a lock may name what is trusted: the default, the configured default behind LAND_REGISTRY, registry.trusted", async () => {
  const at = await project("trusted");
  await land(["install"], at);
  const cold = async (settings: object, env: Record<string, string>): Promise<Ran> => {
    await writeFiles(at, { ".land/config.json": JSON.stringify(settings) });
    const folder = join(at, "app/land_modules");
    await Bun.$`rm -rf ${folder} ${join(at, ".land/store")} ${join(at, ".land/cache")}`.quiet();
    return land(["install", "--frozen"], at, { env });
  };
  const ours = { registry: { default: registry.url } };
  const theirs = { registry: { default: other.url } };
  expect(await cold(ours, { LAND_REGISTRY: other.url })).toMatchObject({ exitCode: 0 });
  expect(await cold(theirs, {})).toMatchObject({ exitCode: 1 });
  const both = { registry: { default: other.url, trusted: [registry.url] } };
  expect(await cold(both, {})).toMatchObject({ exitCode: 0 });
});

test("a project may ask for signatures, and nobody there can take that back", async () => {
  const at = await project("strict", {}, { security: { requireSignatures: true } });
  expect(await land(["install"], at)).toMatchObject({ exitCode: 12 });
  const lax = await project(
    "lax",
    { registry: { default: registry.url }, security: { requireSignatures: true } },
    { security: { requireSignatures: false } },
  );
  expect(await land(["install"], lax)).toMatchObject({ exitCode: 12 });
});

test("tries and waiting are those of the configuration", async () => {
  const at = await project("tries", { network: { tries: 2, waitSeconds: 60 } });
  const unwell = () => new Response(null, { status: 503, headers: { "retry-after": "0" } });
  registry.fail("/index/left", unwell, 9);
  const ran = await land(["install"], at);
  expect(ran).toMatchObject({ exitCode: 13 });
  expect(ran.stderr).toContain("(2 tries)");
});

test("how files are linked, also where a project says it", async () => {
  const at = await project(
    "link",
    { storage: { link: "copy" } },
    { storage: { link: "hardlink" } },
  );
  await land(["install"], at);
  expect(statSync(join(at, "app/land_modules/left/land.json")).nlink).toBeGreaterThan(1);
  await land(["install"], await project("copied", { storage: { link: "copy" } }));
  const copied = join(root.path, "copied/app/land_modules/left/land.json");
  expect(statSync(copied).nlink).toBe(1);
});

test("the store is pruned unasked, or not", async () => {
  const prunedIn = async (name: string, settings: object): Promise<boolean> => {
    const at = await project(name, settings);
    await land(["install"], at);
    return (await Bun.file(join(at, ".land/state.json")).text()).includes("prunedAt");
  };
  expect(await prunedIn("pruned", {})).toBe(true);
  expect(await prunedIn("kept", { cache: { autoPrune: false } })).toBe(false);
});

test("a hook has so long as the configuration says, and is not run where plugins are off", async () => {
  const hooks = { preInstall: "sleep 600", limitSeconds: 1 };
  const ran = await land(["install"], await project("hooked", { hooks }));
  expect(ran.stderr).toContain("it did not end within 1 s");
  expect(ran.exitCode).not.toBe(0);
  const off = await project("unhooked", { hooks, plugins: { enabled: false } });
  expect(await land(["install"], off)).toMatchObject({ exitCode: 0 });
});

test("a proxy of the configuration is used, and its password is told nobody", async () => {
  await using proxy = await startProxy({ credentials: "ada:hush" });
  const network = { proxy: `http://ada:hush@${proxy.host}`, noProxy: ["<-loopback>"] };
  const at = await project("proxy", { network });
  const ran = await land(["install", "--verbose"], at);
  expect(ran.exitCode).toBe(0);
  expect(proxy.requests[0]?.line).toContain(registry.url);
  const wrong = { proxy: `http://ada:hush2@${proxy.host}`, noProxy: ["<-loopback>"] };
  const refused = await land(["install", "--verbose"], await project("proxy2", { network: wrong }));
  expect(refused.exitCode).toBe(13);
  expect(refused.stderr).toContain(`(through the proxy http://${proxy.host})`);
  expect(refused.stderr).not.toContain("hush2");
});

test("a configuration that is broken stops a command before it asks anyone", async () => {
  const at = await project("broken");
  await writeFiles(at, { ".land/config.json": "{" });
  const ran = await land(["install"], at);
  expect(ran).toMatchObject({ exitCode: 2 });
  expect(ran.stderr).toContain("config.json");
  expect(registry.requests).toEqual([]);
});

test("login keeps the token in the keychain, whoami has it, logout removes it everywhere", async () => {
  const items = new Map<string, string>();
  const keychain: Keychain = {
    platform: "linux",
    get: async (service, name) => items.get(`${service}/${name}`) ?? null,
    set: async (service, name, value) => void items.set(`${service}/${name}`, value),
    remove: async (service, name) => items.delete(`${service}/${name}`),
  };
  const at = await project("keychain");
  const env = { DBUS_SESSION_BUS_ADDRESS: "unix:x", DISPLAY: ":0" };
  const answer = () =>
    Response.json({
      user: { name: "ada", email: "a@b.c", admin: false, createdAt: "2026-01-01T00:00:00.000Z" },
      token: "land_from_login",
    });
  registry.fail("POST /api/v1/users/login", answer);
  const login = ["login", "--username", "ada", "--password-stdin"];
  const ran = await land(login, at, { env, keychain, input: "secret\n" });
  expect(ran).toMatchObject({ exitCode: 0 });
  expect([...items.values()]).toEqual(["land_from_login"]);
  const file = Bun.file(join(at, ".land/credentials.json"));
  expect(await file.text()).not.toContain("land_from_login");
  await land(["install"], at, { env, keychain });
  expect(registry.requests.at(-1)?.authorization).toBe("Bearer land_from_login");
  // Without a screen nobody could unlock it: it is not touched, and told of.
  const headless = await land(["whoami"], at, { keychain });
  expect(headless.stderr).toContain("warning: The token of ada for");
  registry.fail("POST /api/v1/users/logout", () => new Response(null, { status: 204 }));
  expect(await land(["logout"], at, { env, keychain })).toMatchObject({ exitCode: 0 });
  expect(items.size).toBe(0);
  expect(await file.json()).toEqual({ version: 1, registries: {} });
});
