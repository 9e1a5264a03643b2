import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";

import { LandError } from "#base/errors.ts";
import { parsePackageName } from "#base/names.ts";
import { keyStory } from "#install/trust-story.ts";
import { forgetKeys, listPinned, readPinned, readSigner, trustKeys } from "#install/trust.ts";
import { generateKeyPair, type PublicKey, signVersion } from "#pack/sign.ts";
import { createRemote } from "#remote/client.ts";

import { type InstallWorld, installWorld } from "./world.ts";

const LEFT = parsePackageName("left");
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let world: InstallWorld;
let other: Pair;
beforeEach(async () => {
  world = await installWorld();
  other = await generateKeyPair((size) => randomBytes(size));
  await world.registry.add({ name: "left", version: "1.0.0" });
  await world.project("app", { left: "*" });
  await world.install("app");
});
afterEach(() => world[Symbol.asyncDispose]());

const UPDATE = { mode: { kind: "update", names: [], latest: false } } as const;
const pinned = async (): Promise<PublicKey[]> => (await readPinned(world.at("app"), LEFT)).keys;
const remote = () => createRemote({ registry: world.registry.url });
const codeOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => "done",
    (error: unknown) => (error instanceof LandError ? error.code : error),
  );

describe("a version signed by another key stops with the story", () => {
  test("of one account with a new key", async () => {
    world.registry.accounts.get("ada")?.push(other.publicKey);
    await world.registry.add({ name: "left", version: "1.1.0", signer: other.privateKey });
    const error = await world.refusal("app", UPDATE);
    expect(error).toMatchObject({ code: "key_changed", exitCode: 12 });
    expect(error.message.split("\n").slice(2)).toEqual([
      "  ada published 1.1.0 on 2026-01-01",
      `  The new key: ${other.publicKey}`,
      "    registered with the account ada on 2026-01-01",
      `  The known key: ${world.registry.key.publicKey}`,
      "    first seen on 2026-01-01; it signed 1.0.0, by ada",
      "    still held by the account ada",
      "  Owners now: ada",
    ]);
    expect(error.hint).toContain("land trust left");
    expect(await pinned()).toEqual([world.registry.key.publicKey]);
    await trustKeys(world.options("app"), LEFT, [other.publicKey]);
    await world.install("app", UPDATE);
    expect((await readPinned(world.at("app"), LEFT)).version as string).toBe("1.1.0");
  });

  test("of another owner, after the first lost key and package", async () => {
    world.registry.accounts.set("ada", []);
    world.registry.accounts.set("eve", []);
    world.registry.owners.splice(0, 1, "eve");
    const by = { signer: other.privateKey, publishedBy: "eve" };
    await world.registry.add({ name: "left", version: "1.1.0", ...by });
    await world.registry.add({ name: "left", version: "1.2.0", ...by });
    const error = await world.refusal("app", UPDATE);
    expect(error.message.split("\n").slice(2)).toEqual([
      "  eve published 1.2.0 on 2026-01-01",
      `  The new key: ${other.publicKey}`,
      "    the account eve does not hold it now",
      "    it signed 2 versions, 1.1.0 to 1.2.0 too",
      `  The known key: ${world.registry.key.publicKey}`,
      "    first seen on 2026-01-01; it signed 1.0.0, by ada",
      "    revoked: the account ada holds it no more",
      "  Owners now: eve",
      "  No longer an owner: ada",
    ]);
  });

  test("of none after signed ones", async () => {
    await world.registry.add({ name: "left", version: "1.1.0", signer: "" });
    const error = await world.refusal("app", UPDATE);
    expect(error.code).toBe("key_changed");
    expect(error.message).toContain("ada published 1.1.0 on 2026-01-01, not signed");
    expect(error.hint).toContain("land trust remove left");
    await forgetKeys(world.options("app"), LEFT, []);
    await world.install("app", UPDATE);
    expect(await pinned()).toEqual([]);
  });

  test("that cannot be had: the refusal stands", async () => {
    await world.registry.add({ name: "left", version: "1.1.0", signer: other.privateKey });
    world.registry.fail("/packages/left", () => new Response("<html>", { status: 500 }), 99);
    expect(await world.refusal("app", UPDATE)).toMatchObject({ code: "key_changed", exitCode: 12 });
  });

  test("with texts that would move a terminal", async () => {
    world.registry.owners.push("\u001B[2Jeve");
    const by = { signer: other.privateKey, publishedBy: "\u001B[2Jeve" };
    await world.registry.add({ name: "left", version: "1.1.0", ...by });
    const { version, key } = await readSigner(remote(), LEFT, undefined);
    const question = { name: LEFT, version, pinned: await pinned(), signedBy: key };
    const story = await keyStory(remote(), question);
    expect(story.lines.join("")).not.toContain("\u001B");
  });
});

test("two publishers are pinned one by one, and then both pass", async () => {
  world.registry.accounts.set("bob", [other.publicKey]);
  const bob = { signer: other.privateKey, publishedBy: "bob" };
  await world.registry.add({ name: "left", version: "1.1.0", ...bob });
  expect(await codeOf(world.install("app", UPDATE))).toBe("key_changed");
  await trustKeys(world.options("app"), LEFT, [other.publicKey]);
  await world.install("app", UPDATE);
  await world.registry.add({ name: "left", version: "1.2.0" });
  await world.install("app", UPDATE);
  await world.registry.add({ name: "left", version: "1.3.0", ...bob });
  await world.install("app", UPDATE);
  expect(await listPinned(world.at("app"))).toMatchObject([
    { name: "left", version: "1.3.0", keys: expect.arrayContaining([other.publicKey]) },
  ]);
});

test("keys are forgotten one by one, or all", async () => {
  const own = world.registry.key.publicKey;
  const options = world.options("app");
  await trustKeys(options, LEFT, [other.publicKey]);
  expect(await forgetKeys(options, LEFT, [own])).toEqual([other.publicKey]);
  expect(await codeOf(forgetKeys(options, LEFT, [own]))).toBe("not_found");
  expect(await codeOf(forgetKeys(options, LEFT, ["ed25519:short"]))).toBe("name_invalid");
  expect(await codeOf(forgetKeys(options, parsePackageName("pad"), []))).toBe("not_found");
  expect(await forgetKeys(options, LEFT, [])).toEqual([]);
  const lock = await world.read("app", "land.lock");
  expect(await forgetKeys(options, LEFT, [])).toEqual([]);
  expect(await world.read("app", "land.lock")).toBe(lock);
});

describe("a lying registry cannot make a pinned project accept", () => {
  const lies: [string, () => Promise<unknown>, string][] = [
    [
      "another key for this client",
      () => world.registry.add({ name: "left", version: "1.1.0", signer: other.privateKey }),
      "key_changed",
    ],
    [
      "the known key with a signature of other bytes",
      async () => {
        const { privateKey, publicKey } = world.registry.key;
        const about = { name: LEFT, version: "1.1.0" as never };
        const digest = `sha256:${"0".repeat(64)}` as never;
        const { sig } = await signVersion(privateKey, { ...about, digest });
        const told = { key: publicKey, sig };
        await world.registry.add({ name: "left", version: "1.1.0", told });
      },
      "signature_invalid",
    ],
    [
      "the known key with the signature of another version",
      async () => {
        const { digest } = await world.registry.add({ name: "left", version: "1.1.0" });
        const about = { name: LEFT, version: "1.0.9" as never, digest: digest as never };
        const told = await signVersion(world.registry.key.privateKey, about);
        await world.registry.add({ name: "left", version: "1.1.0", told });
      },
      "signature_invalid",
    ],
    [
      "a key of another length",
      () => world.registry.add({ name: "left", version: "1.1.0", told: { key: "ed25519:AAAA" } }),
      "signature_invalid",
    ],
    [
      "a signature that is not base64url",
      () => world.registry.add({ name: "left", version: "1.1.0", told: { sig: "+/".repeat(43) } }),
      "signature_invalid",
    ],
    [
      "a signature without a key",
      () => world.registry.add({ name: "left", version: "1.1.0", told: { key: null } }),
      "signature_invalid",
    ],
    [
      "32 bytes that are no key",
      () => {
        const key = `ed25519:${Buffer.alloc(32, 0xff).toString("base64url")}`;
        return world.registry.add({ name: "left", version: "1.1.0", told: { key } });
      },
      "signature_invalid",
    ],
    [
      "no signature any more",
      () => world.registry.add({ name: "left", version: "1.1.0", told: { key: null, sig: null } }),
      "key_changed",
    ],
    [
      "other bytes for the locked version, signed by the known key",
      async () => {
        await world.registry.add({ name: "left", version: "1.0.0", files: { "x.ts": "evil" } });
      },
      "checksum_mismatch",
    ],
  ];
  for (const [what, lie, code] of lies)
    test(what, async () => {
      await lie();
      const before = await world.snapshot("app");
      const error = await world.refusal("app", UPDATE);
      expect(error.code).toBe(code);
      expect([11, 12]).toContain(error.exitCode);
      expect(await world.snapshot("app")).toEqual(before);
    });

  test("one digest under two names is not taken for both", async () => {
    const { digest } = await world.registry.add({ name: "left", version: "1.0.0" });
    await world.registry.add({ name: "right", version: "1.0.0", told: { digest }, signer: "" });
    await world.project("two", { left: "*", right: "*" });
    const error = await world.refusal("two");
    expect(error.code).toBe("package_refused");
    expect(error.message).toContain('calls itself "left@1.0.0"');
  });
});

test("the story is of the key that signed, whatever else the registry tells of the version", async () => {
  const told = { key: world.registry.key.publicKey };
  await world.registry.add({
    name: "left",
    version: "1.1.0",
    signer: other.privateKey,
    toldVersion: told,
  });
  const error = await world.refusal("app", UPDATE);
  expect(error.message).toContain(`The new key: ${other.publicKey}`);
});

test("who signed a version is told only where the signature is one", async () => {
  const { publicKey } = world.registry.key;
  expect(await readSigner(remote(), LEFT, undefined)).toMatchObject({ key: publicKey });
  await world.registry.add({ name: "left", version: "1.1.0", signer: "" });
  expect(await codeOf(readSigner(remote(), LEFT, undefined))).toBe("not_signed");
  const told = { key: other.publicKey };
  await world.registry.add({ name: "left", version: "1.1.0", told });
  expect(await codeOf(readSigner(remote(), LEFT, undefined))).toBe("signature_invalid");
  expect(await codeOf(readSigner(remote(), parsePackageName("none"), undefined))).toBe(
    "package_not_found",
  );
});
