import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";

import { type InstallWorld, stockedWorld } from "../install/world.ts";

const MARKER = "land_modules/.land.json";
const OTHER = `sha256:${"0".repeat(64)}`;

/** A checkout that brings a tree along, and no lock: what `change` makes of the tree's marker. */
async function checkout(change: (marker: string) => string): Promise<InstallWorld> {
  const world = await stockedWorld();
  await world.project("app", { "@ada/greet": "*" });
  await world.install("app");
  const marker = await world.read("app", MARKER);
  await Bun.write(world.at("app", MARKER), change(marker));
  await rm(world.at("app", "land.lock"));
  world.registry.mend();
  return world;
}

const locked = (world: InstallWorld): Promise<string> => world.read("app", "land.lock");
/** The digest of a package in the copy alone, in what the tree says that it holds, or in both. */
const digestIn = (marker: string, name: string): string => {
  const { packages } = JSON.parse(marker);
  return packages[name].digest;
};

test("a copy that names other bytes than the tree holds is not believed", async () => {
  await using world = await checkout((marker) => {
    const value = JSON.parse(marker);
    return JSON.stringify({ ...value, lock: value.lock.replace(/sha256:[0-9a-f]+/g, OTHER) });
  });
  await world.install("app");
  expect(await locked(world)).not.toContain(OTHER);
  expect(world.registry.requests.length).toBeGreaterThan(0);
});

test("where tree and copy lie alike, it is as with a lock that lies: nothing else than the lock names is laid", async () => {
  await using world = await checkout((marker) =>
    marker.replaceAll(digestIn(marker, "left"), OTHER),
  );
  await rm(world.at("app", "land_modules/left"), { recursive: true });
  const error = await world.refusal("app");
  expect(error.code).toBe("checksum_mismatch");
  expect(await Bun.file(world.at("app", "land.lock")).exists()).toBe(false);
});

test("no registry is asked that only a copy names, and none such comes into the lock", async () => {
  await using world = await checkout((marker) =>
    marker.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:9"),
  );
  await rm(world.at("app", "land_modules/left"), { recursive: true });
  await world.install("app");
  expect(await locked(world)).not.toContain('127.0.0.1:9"');
});

test("names and folders of a copy lead nowhere", async () => {
  for (const name of ["../../victim", "/etc/x", "a/../b", "\\u001b[2J"]) {
    await using world = await checkout((marker) => {
      const value = JSON.parse(marker);
      const lock = value.lock.replaceAll('"left"', JSON.stringify(name));
      return JSON.stringify({ ...value, lock });
    });
    await world.install("app");
    expect(await locked(world)).toContain('name = "left"');
  }
});

test("what the policy of the user asks of a lock, it asks of a copy", async () => {
  const security = { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 } as const;
  await using unsigned = await checkout((marker) => {
    const value = JSON.parse(marker);
    return JSON.stringify({ ...value, lock: value.lock.replace(/^keys = .*$/gm, "keys = []") });
  });
  const signed = { security: { ...security, requireSignatures: true } };
  expect((await unsigned.refusal("app", signed)).code).toBe("signature_required");
  await using young = await checkout((marker) => marker);
  await rm(young.at("app", "land_modules/left"), { recursive: true });
  const old = { security: { ...security, minimumAgeDays: 100_000 } };
  expect((await young.refusal("app", old)).code).toBe("version_too_new");
});

test("a key that the copy pins is held to when versions are picked anew", async () => {
  const other = `ed25519:${Buffer.alloc(32, 7).toString("base64url")}`;
  await using world = await checkout((marker) => marker.replaceAll(/ed25519:[\w-]+/g, other));
  await world.project("app", { "@ada/greet": "*", pad: "*" });
  expect((await world.refusal("app")).code).toBe("key_changed");
});
