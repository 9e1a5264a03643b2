import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fileCredentials, findToken } from "#remote/credentials.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";
import { loadOrCreateSigningKey } from "#remote/signing-key.ts";

let root: string;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), "land-credentials-"))));
afterAll(() => rm(root, { recursive: true, force: true }));

const homeAt = (name: string) => ({
  landHome: join(root, name),
  command: "land test",
  lockTimeoutMs: 5000,
  now: () => new Date(),
});
const A = parseRegistryUrl("https://a.example.com");
const B = parseRegistryUrl("http://localhost:5263");

test("what is written is read again, per registry, by the user alone", async () => {
  const credentials = fileCredentials(homeAt("plain"));
  expect(await credentials.read(A)).toBeUndefined();
  await credentials.write(A, { user: "ada", token: "land_a" });
  await credentials.write(B, { user: "bob", token: "land_b" });
  expect(await credentials.read(A)).toEqual({ user: "ada", token: "land_a" });
  expect(await credentials.remove(A)).toBe(true);
  expect(await credentials.remove(A)).toBe(false);
  expect(await credentials.read(A)).toBeUndefined();
  expect(await credentials.read(B)).toEqual({ user: "bob", token: "land_b" });
  const { mode } = await stat(join(root, "plain", "credentials.json"));
  expect(mode & 0o777).toBe(0o600);
});

test("writers at the same time lose nothing", async () => {
  const registries = Array.from({ length: 12 }, (_, n) =>
    parseRegistryUrl(`https://r${n}.example.com`),
  );
  await Promise.all(
    registries.map((registry) =>
      fileCredentials(homeAt("many")).write(registry, { user: "ada", token: registry }),
    ),
  );
  for (const registry of registries)
    expect(await fileCredentials(homeAt("many")).read(registry)).toMatchObject({ token: registry });
});

test.each([
  ["broken", "{"],
  ["newer", '{"version":2,"registries":{}}'],
  ["odd", `{"version":1,"registries":{"${A}":7}}`],
])("a %s file is an error that leaves it as it is", async (name, text) => {
  const path = join(root, name, "credentials.json");
  await Bun.write(path, text);
  const credentials = fileCredentials(homeAt(name));
  expect(credentials.read(A)).rejects.toMatchObject({ code: "credentials_invalid", exitCode: 2 });
  if (name !== "odd")
    expect(credentials.write(B, { user: "a", token: "b" })).rejects.toMatchObject({
      code: "credentials_invalid",
    });
  expect(await Bun.file(path).text()).toBe(text);
});

describe("LAND_TOKEN goes to LAND_REGISTRY, or the user's default, and nowhere else", () => {
  const env = { LAND_TOKEN: "land_env" };
  test.each([
    [A, { env, userDefault: A }, "land_env"],
    [B, { env, userDefault: A }, "stored"],
    [B, { env: { ...env, LAND_REGISTRY: `${B}/` }, userDefault: A }, "land_env"],
    [A, { env: { ...env, LAND_REGISTRY: B }, userDefault: A }, undefined],
    [A, { env: {}, userDefault: A }, undefined],
  ])("%s", async (registry, from, token) => {
    const credentials = fileCredentials(homeAt("tokens"));
    await credentials.write(B, { user: "bob", token: "stored" });
    expect((await findToken(registry, { ...from, credentials }))?.token).toBe(token);
  });
});

test.each([
  ["https://Land.Example.com/", "https://land.example.com"],
  ["http://localhost:80", "http://localhost"],
  ["https://land.example.com/npm", undefined],
  ["https://ada:pw@land.example.com", undefined],
  ["localhost:5263", undefined],
  ["file:///etc", undefined],
  ["", undefined],
])("the address %p", (text, origin) => {
  if (origin === undefined) expect(() => parseRegistryUrl(text)).toThrow("Cannot use");
  else expect(String(parseRegistryUrl(text))).toBe(origin);
  if (text.includes("pw")) expect(() => parseRegistryUrl(text)).not.toThrow("pw");
});

describe("the signing key", () => {
  const optionsAt = (name: string, more: object = {}) => ({
    ...homeAt(name),
    env: {},
    ci: false,
    randomBytes,
    ...more,
  });

  test("is made once, by whoever comes first, for the user alone", async () => {
    const pairs = await Promise.all(
      Array.from({ length: 8 }, () => loadOrCreateSigningKey(optionsAt("keys"))),
    );
    expect(new Set(pairs.map((pair) => pair?.publicKey)).size).toBe(1);
    expect(pairs.filter((pair) => pair?.created)).toHaveLength(1);
    expect((await stat(join(root, "keys", "keys", "signing-key"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, "keys", "keys"))).mode & 0o777).toBe(0o700);
  });

  test("is not made under CI, where LAND_SIGNING_KEY may stand in", async () => {
    expect(await loadOrCreateSigningKey(optionsAt("ci", { ci: true }))).toBeUndefined();
    const own = await loadOrCreateSigningKey(optionsAt("keys"));
    const env = { LAND_SIGNING_KEY: own?.privateKey };
    const given = await loadOrCreateSigningKey(optionsAt("ci", { ci: true, env }));
    expect(given?.publicKey).toBe(own?.publicKey ?? ("" as never));
    const bad = loadOrCreateSigningKey(optionsAt("ci", { env: { LAND_SIGNING_KEY: "secret!" } }));
    expect(bad).rejects.toThrow('Cannot use "…" as the signing key of LAND_SIGNING_KEY');
  });
});
