import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fileCredentials } from "#remote/credentials.ts";
import { keychainCredentials } from "#remote/keychain-credentials.ts";
import { type Keychain, type KeychainSurroundings, openKeychain } from "#remote/keychain.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

let root: string;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), "land-keychain-"))));
afterAll(() => rm(root, { recursive: true, force: true }));

const A = parseRegistryUrl("https://a.example.com");
const B = parseRegistryUrl("https://b.example.com");
const DESKTOP = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/user/1000/bus", DISPLAY: ":0" };
const homeAt = (name: string) => ({
  landHome: join(root, name),
  command: "land test",
  lockTimeoutMs: 5000,
  now: () => new Date(),
});

/** One in memory, that notes what it is asked. `broken` may name verbs that refuse, and "get" to hang. */
function fakeKeychain(platform = "linux") {
  const items = new Map<string, string>();
  const asked: string[] = [];
  const broken = new Set<string>();
  const ask = (verb: string, service: string, name: string): string => {
    asked.push(`${verb} ${name}`);
    if (broken.has(verb)) throw new Error("locked");
    return `${service}\0${name}`;
  };
  const keychain: Keychain = {
    platform,
    get: async (service, name) => items.get(ask("get", service, name)) ?? null,
    set: async (service, name, value) => void items.set(ask("set", service, name), value),
    remove: async (service, name) => items.delete(ask("remove", service, name)),
  };
  return { keychain, items, asked, broken };
}

function credentialsAt(name: string, keychain: Keychain | undefined) {
  const troubles: string[] = [];
  const credentials = keychainCredentials(homeAt(name), {
    open: async () => keychain,
    onTrouble: (problem) => void troubles.push(problem),
  });
  return { credentials, troubles };
}

const fileOf = (name: string) => Bun.file(join(root, name, "credentials.json"));

describe("credentials in a keychain", () => {
  test("the token is there and not in the file; the registry and the user are in the file", async () => {
    const fake = fakeKeychain();
    const { credentials } = credentialsAt("plain", fake.keychain);
    await credentials.write(A, { user: "ada", token: "land_a" });
    await credentials.write(B, { user: "ada", token: "land_b" });
    expect(await credentials.read(A)).toEqual({ user: "ada", token: "land_a" });
    expect(await fileOf("plain").text()).not.toContain("land_a");
    expect([...fake.items.values()].toSorted()).toEqual(["land_a", "land_b"]);
    expect(await credentials.remove(A)).toBe(true);
    expect(await credentials.read(A)).toBeUndefined();
    expect([...fake.items.values()]).toEqual(["land_b"]);
    expect(await credentials.remove(A)).toBe(false);
  });

  test("another home has others, and another user takes the place of the one before", async () => {
    const fake = fakeKeychain();
    const first = credentialsAt("one", fake.keychain).credentials;
    await first.write(A, { user: "ada", token: "land_1" });
    await credentialsAt("two", fake.keychain).credentials.write(A, {
      user: "ada",
      token: "land_2",
    });
    expect(await first.read(A)).toMatchObject({ token: "land_1" });
    await first.write(A, { user: "bob", token: "land_3" });
    expect(await first.read(A)).toEqual({ user: "bob", token: "land_3" });
    expect([...fake.items.values()].toSorted()).toEqual(["land_2", "land_3"]);
  });

  test("nothing is asked of it for a registry without an account, or with a token in the file", async () => {
    const fake = fakeKeychain();
    await fileCredentials(homeAt("quiet")).write(A, { user: "ada", token: "land_a" });
    const { credentials } = credentialsAt("quiet", fake.keychain);
    expect(await credentials.read(A)).toEqual({ user: "ada", token: "land_a" });
    expect(await credentials.read(B)).toBeUndefined();
    expect(fake.asked).toEqual([]);
  });

  test("from the file to the keychain and back nothing is lost, and nothing stays behind", async () => {
    const fake = fakeKeychain();
    await fileCredentials(homeAt("move")).write(A, { user: "ada", token: "land_1" });
    const { credentials } = credentialsAt("move", fake.keychain);
    await credentials.write(A, { user: "ada", token: "land_2" });
    expect(await fileOf("move").text()).not.toContain("land_");
    fake.broken.add("set");
    await credentials.write(A, { user: "ada", token: "land_3" });
    expect(await credentials.read(A)).toEqual({ user: "ada", token: "land_3" });
    expect(await fileOf("move").text()).toContain("land_3");
    expect(fake.items.size).toBe(0);
  });

  test.each([
    ["is turned off", undefined],
    ["is locked", "get"],
  ])("a token in one that %s is told of, and stays", async (name, broken) => {
    const fake = fakeKeychain();
    await credentialsAt(name, fake.keychain).credentials.write(A, { user: "ada", token: "land_a" });
    if (broken !== undefined) fake.broken.add(broken);
    const open = broken === undefined ? undefined : fake.keychain;
    const { credentials, troubles } = credentialsAt(name, open);
    expect(await credentials.read(A)).toBeUndefined();
    expect(troubles[0]).toContain("is in the keychain, which does not give it here");
    fake.broken.clear();
    const again = credentialsAt(name, fake.keychain).credentials;
    expect(await again.read(A)).toEqual({ user: "ada", token: "land_a" });
  });
});

describe("whether there is a keychain", () => {
  const about = (
    name: string,
    keychain: Keychain,
    more: Partial<KeychainSurroundings> = {},
  ): KeychainSurroundings => ({
    keychain,
    enabled: true,
    ci: false,
    env: DESKTOP,
    landHome: join(root, name),
    now: () => new Date(),
    ...more,
  });

  test.each([
    ["credentials.keychain=false", { enabled: false }, "linux"],
    ["CI", { ci: true }, "linux"],
    ["no session bus", { env: { DISPLAY: ":0" } }, "linux"],
    ["no screen", { env: { DBUS_SESSION_BUS_ADDRESS: "unix:x" } }, "linux"],
    ["macOS by ssh", { env: { SSH_CONNECTION: "1" } }, "darwin"],
  ])("%s: it is not touched", async (name, more, platform) => {
    const { keychain, asked } = fakeKeychain(platform);
    expect(await openKeychain(about(name, keychain, more))).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await Bun.file(join(root, name, "keychain.json")).exists()).toBe(false);
  });

  test("it is asked once, and the answer holds for the session", async () => {
    const fake = fakeKeychain();
    fake.broken.add("get");
    expect(await openKeychain(about("once", fake.keychain))).toBeUndefined();
    fake.broken.clear();
    expect(await openKeychain(about("once", fake.keychain))).toBeUndefined();
    expect(fake.asked).toEqual(["get probe"]);
    const env = { ...DESKTOP, DBUS_SESSION_BUS_ADDRESS: "unix:path=/other" };
    expect(await openKeychain(about("once", fake.keychain, { env }))).toBeDefined();
    const later = () => new Date(Date.now() + 8 * 86_400_000);
    expect(await openKeychain(about("once", fake.keychain, { env, now: later }))).toBeDefined();
    expect(fake.asked).toHaveLength(3);
  });

  test("one that never answers is given up after two seconds", async () => {
    let asked = 0;
    const get = () => {
      asked += 1;
      return new Promise<never>(() => {});
    };
    const hanging: Keychain = { ...fakeKeychain().keychain, get };
    expect(await openKeychain(about("hangs", hanging))).toBeUndefined();
    expect(await openKeychain(about("hangs", hanging))).toBeUndefined();
    expect(asked).toBe(1);
  });
});
