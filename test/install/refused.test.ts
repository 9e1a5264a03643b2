import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { lstat, rm } from "node:fs/promises";

import { parsePackageName } from "#base/names.ts";
import { trustKeys } from "#install/trust.ts";
import { generateKeyPair } from "#pack/sign.ts";

import { archiveOf } from "../support/fake-registry.ts";
import { writeFiles } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

/** Each fails an install of `left` and must leave everything as it was. */
describe("what fails changes nothing", () => {
  const expectUntouched = async (code: string, exitCode: number, more = {}) => {
    const before = await world.snapshot("app");
    const error = await world.refusal("app", more);
    expect({ code: error.code, exitCode: error.exitCode }).toEqual({ code, exitCode });
    expect(await world.snapshot("app")).toEqual(before);
    expect(await lstat(world.at("app", "land_modules")).catch(() => undefined)).toBeUndefined();
    return error;
  };
  beforeEach(() => world.project("app", { left: "*" }));

  test("bytes that are not those of the index", async () => {
    world.registry.fail(
      "/packages/pad",
      () =>
        new Response(archiveOf({ name: "pad", version: "9.0.0" }), {
          headers: { "content-type": "application/gzip" },
        }),
    );
    expect((await expectUntouched("checksum_mismatch", 11)).message).toContain('"pad@1.0.0"');
  });

  test("bytes that are not those of the lock, by index or by download", async () => {
    await world.project("other", { left: "*" });
    await world.install("other");
    await rm(world.at("home"), { recursive: true });
    await writeFiles(world.at("app"), { "land.lock": await world.read("other", "land.lock") });
    await world.registry.add({ name: "pad", version: "1.0.0", files: { "index.ts": "evil" } });
    await expectUntouched("checksum_mismatch", 11);
    await expectUntouched("checksum_mismatch", 11, { frozen: true });
    await expectUntouched("checksum_mismatch", 11, {
      mode: { kind: "update", names: [], latest: false },
    });
  });

  test("an archive that breaks a rule, named", async () => {
    await world.registry.add({
      name: "pad",
      version: "1.0.0",
      archive: archiveOf({ name: "pad", version: "1.0.0", files: { "../../x": "" } }),
    });
    const error = await expectUntouched("package_refused", 1);
    expect(error.message).toContain('"pad@1.0.0": its archive is bad: entry "package/../../x"');
    await world.registry.add({
      name: "pad",
      version: "1.0.0",
      archive: archiveOf({ name: "other", version: "1.0.0" }),
    });
    await rm(world.at("home"), { recursive: true });
    expect((await expectUntouched("package_refused", 1)).message).toContain(
      'calls itself "other@1.0.0"',
    );
  });

  test("a registry that is down, or is none", async () => {
    world.registry.fail("/packages/pad", () => new Response("", { status: 503 }), 9);
    await expectUntouched("network", 13);
    world.registry.mend();
    world.registry.fail(
      "/index/",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      9,
    );
    await expectUntouched("bad_answer", 13);
  });

  test("versions that do not fit together, with the story", async () => {
    await world.project("app", { left: "^9.0.0" });
    expect((await expectUntouched("no_solution", 10)).message).toContain("left");
    await world.project("app", { nobody: "*" });
    await expectUntouched("no_solution", 10);
    const add = {
      kind: "add" as const,
      packages: [{ name: "nobody", kind: "dependencies" as const, exact: false }],
    };
    await expectUntouched("package_not_found", 1, { mode: add });
  });

  test("a listener that refuses", async () => {
    const seen: number[] = [];
    const beforeWrite = async (change: { added: unknown[] }) => {
      seen.push(change.added.length);
      throw problemError();
    };
    await expectUntouched("cancelled", 130, { beforeWrite });
    expect(seen).toEqual([2]);
  });

  test("a registry that only the lock names", async () => {
    await world.project("other", { left: "*" });
    await world.install("other");
    await writeFiles(world.at("app"), { "land.lock": await world.read("other", "land.lock") });
    await rm(world.at("home"), { recursive: true });
    const elsewhere = { registry: "https://land.example.com" as InstallWorld["registry"]["url"] };
    await expectUntouched("registry_untrusted", 1, elsewhere);
    await expectUntouched("registry_untrusted", 1, { ...elsewhere, frozen: true });
    await world.install("app", { ...elsewhere, configured: [world.registry.url] });
  });
});

function problemError(): Error {
  return Object.assign(new Error("no"), { code: "cancelled", exitCode: 130 });
}

describe("signatures", () => {
  beforeEach(() => world.project("app", { left: "*" }));

  test("another key, or none after signed ones, stops the install until it is trusted", async () => {
    await world.install("app");
    const stranger = await generateKeyPair((size) => randomBytes(size));
    await world.registry.add({ name: "left", version: "1.3.0", signer: stranger.privateKey });
    const update = { mode: { kind: "update" as const, names: [], latest: false } };
    const changed = await world.refusal("app", update);
    expect(changed).toMatchObject({ code: "key_changed", exitCode: 12 });
    expect(changed.message).toContain(stranger.publicKey);
    const left = parsePackageName("left");
    const keys = await trustKeys(world.options("app"), left, [stranger.publicKey]);
    expect(new Set<string>(keys)).toEqual(
      new Set([stranger.publicKey, world.registry.key.publicKey]),
    );
    expect((await world.install("app", update)).changed).toMatchObject([{ version: "1.3.0" }]);
    await world.registry.add({ name: "left", version: "1.4.0", signer: "" });
    expect((await world.refusal("app", update)).message).toContain("this version is not signed");
  });

  test("a wrong signature, and a missing one where they are required", async () => {
    const sig = Buffer.alloc(64).toString("base64url");
    await world.registry.add({ name: "left", version: "1.3.0", told: { sig } });
    expect(await world.refusal("app")).toMatchObject({ code: "signature_invalid", exitCode: 12 });
    await world.registry.add({ name: "left", version: "1.3.0", signer: "" });
    const security = { requireSignatures: true, checksum: "sha256", minimumAgeDays: 0 } as const;
    expect(await world.refusal("app", { security })).toMatchObject({ code: "signature_required" });
    await world.install("app");
    expect(await world.refusal("app", { security })).toMatchObject({ code: "signature_required" });
  });
});
