import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";

import { assert, jsonValue, property } from "fast-check";

import { parseLock } from "#install/lockfile.ts";
import { candidatesOf, isTooNew } from "#install/policy.ts";
import { generateKeyPair } from "#pack/sign.ts";
import { parseIndex } from "#remote/index-lines.ts";

import { writeFiles } from "../support/project.ts";
import { type InstallWorld, installWorld } from "./world.ts";

const NOW = new Date("2026-06-15T12:00:00Z");
const at = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000);
const AGE = { requireSignatures: false, checksum: "sha256", minimumAgeDays: 7 } as const;
const SIGNED = { requireSignatures: true, checksum: "sha256", minimumAgeDays: 0 } as const;

let world: InstallWorld;
beforeEach(async () => {
  world = await installWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const lockedVersion = async (project: string): Promise<string | undefined> =>
  parseLock(await world.read(project, "land.lock")).packages[0]?.version;
const add = (version: string, day: string, more = {}) =>
  world.registry.add({ name: "left", version, told: { at: `${day}T12:00:00.000Z` }, ...more });

describe("the age of a version is by its registry's word", () => {
  test("a day is 24 hours; no moment, or one to come, vouches for nothing", () => {
    const policy = { minimumAgeDays: 7 };
    const tooNew = (publishedAt?: Date) =>
      isTooNew(publishedAt ? { publishedAt } : {}, policy, NOW);
    expect([at(8), at(7), at(6.99), at(0), at(-1)].map(tooNew)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(tooNew()).toBe(true);
    expect(isTooNew({}, { minimumAgeDays: 0 }, NOW)).toBe(false);
  });

  test("only a moment in UTC is one", () => {
    const read = (value: unknown): Date | undefined => {
      const line = { v: "1.0.0", digest: `sha256:${"0".repeat(64)}`, size: 1, at: value };
      return parseIndex("left", JSON.stringify(line), "http://x")[0]?.publishedAt;
    };
    expect(read("2026-01-02T03:04:05.678Z")).toEqual(new Date("2026-01-02T03:04:05.678Z"));
    expect(read("2026-01-02T03:04:05Z")).toEqual(new Date("2026-01-02T03:04:05Z"));
    for (const no of [1, null, true, {}, "", "yesterday", "2026-01-02", "2026-13-41T00:00:00Z"])
      expect(read(no)).toBeUndefined();
    expect(read("2026-01-02T03:04:05+00:00")).toBeUndefined();
    expect(read("\u001B[2J2026-01-02T03:04:05Z")).toBeUndefined();
    assert(property(jsonValue(), (value) => void read(value)));
  });

  test("candidates are marked, and none without a policy", () => {
    const lines = [at(9), at(1)].map((moment, index) =>
      JSON.stringify({
        v: `1.0.${index}`,
        digest: `sha256:${"0".repeat(64)}`,
        size: 1,
        at: moment.toISOString(),
      }),
    );
    const entries = parseIndex("left", lines.join("\n"), "http://x");
    const marks = (minimumAgeDays: number) =>
      candidatesOf(entries, { minimumAgeDays }, NOW).map(({ tooNew }) => tooNew);
    expect(marks(7)).toEqual([undefined, true]);
    expect(marks(0)).toEqual([undefined, undefined]);
  });
});

describe("security.minimumAge", () => {
  const young = { security: AGE, now: () => NOW };
  beforeEach(async () => {
    await add("1.0.0", "2026-05-01");
    await add("1.1.0", "2026-06-14");
    await world.project("app", { left: "^1.0.0" });
  });

  test("takes an older version, and says so where there is none", async () => {
    await world.install("app", young);
    expect(await lockedVersion("app")).toBe("1.0.0");
    await world.project("new", { left: "^1.1.0" });
    expect((await world.refusal("new", young)).code).toBe("no_solution");
  });

  test("refuses what a lock names and is not installed yet, and leaves alone what is", async () => {
    await world.install("app");
    expect(await lockedVersion("app")).toBe("1.1.0");
    world.registry.mend();
    await world.install("app", young);
    expect(world.registry.requests).toEqual([]);
    await rm(world.at("app", "land_modules"), { recursive: true });
    for (const frozen of [false, true]) {
      const error = await world.refusal("app", { ...young, frozen });
      expect(error).toMatchObject({ code: "version_too_new", exitCode: 1 });
      expect(error.hint).toContain("land update left");
    }
    await world.install("app", {
      ...young,
      mode: { kind: "update", names: ["left"], latest: false },
    });
    expect(await lockedVersion("app")).toBe("1.0.0");
  });

  test("asks nobody offline", async () => {
    await world.install("app");
    await rm(world.at("app", "land_modules"), { recursive: true });
    await rm(world.at("home", "cache"), { recursive: true });
    world.registry.mend();
    await world.install("app", { ...young, frozen: true, offline: true });
    expect(world.registry.requests).toEqual([]);
  });
});

describe("security.requireSignatures", () => {
  const strict = { security: SIGNED };

  test("refuses what is not signed, in a lock too", async () => {
    await add("1.0.0", "2026-05-01", { signer: "" });
    await world.project("app", { left: "*" });
    expect(await world.refusal("app", strict)).toMatchObject({
      code: "signature_required",
      exitCode: 12,
    });
    await world.install("app");
    expect((await world.refusal("app", { ...strict, frozen: true })).code).toBe(
      "signature_required",
    );
  });

  test("does not take a lock's word for what is to be laid", async () => {
    await add("1.0.0", "2026-05-01", { signer: "" });
    await world.project("app", { left: "*" });
    await world.install("app");
    const { publicKey } = await generateKeyPair((size) => randomBytes(size));
    const lock = await world.read("app", "land.lock");
    const forged = lock.replace("keys = []", `keys = ["${publicKey}"]`);
    await world.project("new", { left: "*" });
    await writeFiles(world.at("new"), { "land.lock": forged });
    expect((await world.refusal("new", { ...strict, frozen: true })).code).toBe(
      "signature_required",
    );
    await rm(world.at("home"), { recursive: true });
    await add("1.0.0", "2026-05-01");
    expect((await world.refusal("new", { ...strict, frozen: true })).code).toBe("key_changed");
  });

  test("passes what is signed by the pinned key, and asks nobody once it is there", async () => {
    await add("1.0.0", "2026-05-01");
    await world.project("app", { left: "*" });
    await world.install("app", strict);
    world.registry.mend();
    await world.install("app", { ...strict, frozen: true });
    expect(world.registry.requests).toEqual([]);
  });
});

describe("security.checksum holds against a registry that lies", () => {
  for (const checksum of ["sha256", "sha512", "blake3"] as const)
    test(checksum, async () => {
      const security = { requireSignatures: false, checksum, minimumAgeDays: 0 } as const;
      await add("1.0.0", "2026-05-01");
      await world.project("app", { left: "*" });
      await world.install("app", { security });
      await rm(world.at("home"), { recursive: true });
      await world.project("lied", { left: "*" });
      const lie =
        checksum === "sha256"
          ? { told: { digest: `sha256:${"0".repeat(64)}` }, signer: "" as const }
          : { toldVersion: { integrity: "sha512-AAAA", blake3: "00" } };
      await add("1.0.0", "2026-05-01", lie);
      const error = await world.refusal("lied", { security });
      expect(error).toMatchObject({ code: "checksum_mismatch", exitCode: 11 });
    });
});
