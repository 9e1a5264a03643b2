import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";

import { type AuditOptions, auditProject } from "#install/audit.ts";
import { generateKeyPair } from "#pack/sign.ts";

import { type FakeVersion, problem } from "../support/fake-registry.ts";
import { type InstallWorld, installWorld } from "./world.ts";

const NOW = new Date("2026-06-15T12:00:00Z");
let world: InstallWorld;
beforeEach(async () => {
  world = await installWorld();
  await world.registry.add({ name: "left", version: "1.0.0" });
  await world.registry.add({ name: "pad", version: "1.0.0", signer: "" });
  await world.project("app", { left: "*", pad: "*" });
  await world.install("app");
});
afterEach(() => world[Symbol.asyncDispose]());

const audit = async (more: Partial<AuditOptions["security"]> = {}) => {
  const options = world.options("app", { now: () => NOW });
  const before = await world.snapshot("app");
  const found = await auditProject({ ...options, security: { ...options.security, ...more } });
  expect(await world.snapshot("app")).toEqual(before);
  return found;
};
const statuses = async (): Promise<string[]> =>
  (await audit()).packages.map(({ name, ok, signature }) => `${name} ${signature.status} ${ok}`);
const tell = (more: Partial<FakeVersion>) =>
  world.registry.add({ name: "left", version: "1.0.0", ...more });

test("what is signed is valid; what is not is bad only where signatures are required", async () => {
  expect(await statuses()).toEqual(["left valid true", "pad unsigned true"]);
  expect((await audit()).ok).toBe(true);
  expect((await audit({ requireSignatures: true })).packages.map(({ ok }) => ok)).toEqual([
    true,
    false,
  ]);
});

test("a key that the account gave up is revoked; one of an account that is gone is unknown", async () => {
  world.registry.accounts.set("ada", []);
  expect(await statuses()).toEqual(["left revoked false", "pad unsigned true"]);
  world.registry.accounts.delete("ada");
  expect(await statuses()).toEqual(["left unknown false", "pad unsigned true"]);
});

test("what the registry tells otherwise than at the install", async () => {
  await tell({ told: { key: null, sig: null } });
  expect((await statuses())[0]).toBe("left stripped false");
  const other = await generateKeyPair((size) => randomBytes(size));
  await tell({ signer: other.privateKey });
  expect((await statuses())[0]).toBe("left unpinned false");
  await tell({ told: { key: other.publicKey } });
  expect((await statuses())[0]).toBe("left invalid false");
  await tell({ told: { sig: "no signature" } });
  expect((await statuses())[0]).toBe("left invalid false");
  await tell({ files: { "x.ts": "other bytes" } });
  expect((await statuses())[0]).toBe("left replaced false");
  world.registry.fail("/packages/left/1.0.0", () => problem(404, "version_not_found"), 9);
  expect((await statuses())[0]).toBe("left gone false");
});

test("yanked, deprecated and young versions are told, with what there is instead", async () => {
  await world.registry.add({ name: "left", version: "1.0.1" });
  await world.registry.add({ name: "left", version: "1.0.2", yanked: true });
  await world.registry.add({ name: "left", version: "2.0.0-rc.1" });
  await tell({ yanked: true, toldVersion: { deprecated: "use right" } });
  const { ok, packages } = await audit({ minimumAgeDays: 365 });
  expect(ok).toBe(false);
  expect(packages).toMatchObject([
    { name: "left", yanked: true, deprecated: "use right", tooNew: true, newer: "1.0.1", ok: true },
    { name: "pad", yanked: false, tooNew: true },
  ]);
  expect((await audit()).ok).toBe(false);
});

test("each account is asked once, and a registry that nobody trusts not at all", async () => {
  await world.registry.add({ name: "right", version: "1.0.0" });
  await world.project("app", { left: "*", right: "*" });
  await world.install("app");
  world.registry.mend();
  await audit();
  expect(world.registry.requests.filter(({ line }) => line.includes("/users/"))).toHaveLength(1);
  const lock = await world.read("app", "land.lock");
  await Bun.write(
    world.at("app", "land.lock"),
    lock.replaceAll(world.registry.url, "http://127.0.0.1:9"),
  );
  await expect(audit()).rejects.toMatchObject({ code: "registry_untrusted" });
});
