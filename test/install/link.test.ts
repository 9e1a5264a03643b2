import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDigest, parsePackageName, parseVersion } from "#base/names.ts";
import { probeLinks } from "#install/link-method.ts";
import { layPackage, layPackages } from "#install/link.ts";
import type { LockedPackage } from "#install/lockfile.ts";
import type { StoredFile, StoredPackage } from "#install/stored.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

let root: string;
const store = { objectPath: ({ sha256 }: StoredFile) => join(root, sha256) };
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-link-"));
  await Bun.write(join(root, "plain"), "plain");
  await Bun.write(join(root, "program"), "program");
  await chmod(join(root, "plain"), 0o444);
  await chmod(join(root, "program"), 0o555);
  await mkdir(join(root, "new"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const stored: StoredPackage = {
  name: parsePackageName("left"),
  version: parseVersion("1.0.0"),
  digest: parseDigest(`sha256:${"0".repeat(64)}`),
  packedBytes: 100,
  bin: {},
  checkedAt: Number.MAX_SAFE_INTEGER,
  files: [
    { path: "deep/er/plain", sha256: "plain", executable: false, sizeBytes: 5 },
    { path: "program", sha256: "program", executable: true, sizeBytes: 7 },
  ],
};
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe("laying a package", () => {
  test("by hardlink shares the bytes, which nobody but root may write", async () => {
    expect(layPackage(store, stored, join(root, "new", "0"), "hardlink")).toBe(true);
    const laid = await stat(join(root, "new/0/deep/er/plain"));
    expect(laid.ino).toBe((await stat(join(root, "plain"))).ino);
    expect(laid.mode & 0o777).toBe(0o444);
  });

  test("by copy gives files of their own, to be written by their owner", async () => {
    expect(layPackage(store, stored, join(root, "new", "0"), "copy")).toBe(true);
    expect(await Bun.file(join(root, "new/0/program")).text()).toBe("program");
    expect(await modeOf(join(root, "new/0/deep/er/plain"))).toBe(0o644);
    expect(await modeOf(join(root, "new/0/program"))).toBe(0o755);
    expect(await modeOf(join(root, "plain"))).toBe(0o444);
  });

  test("stops where the store lacks a file or has another size, and leaves nothing", async () => {
    await chmod(join(root, "program"), 0o755);
    await Bun.write(join(root, "program"), "pro");
    expect(layPackage(store, stored, join(root, "new", "0"), "copy")).toBe(false);
    expect(await Bun.file(join(root, "new/0/deep/er/plain")).exists()).toBe(false);
    await rm(join(root, "plain"));
    expect(layPackage(store, stored, join(root, "new", "0"), "copy")).toBe(false);
  });
});

describe("a file of the store that was written to after it was looked at", () => {
  const sha256 = new Bun.CryptoHasher("sha256").update("plain").digest("hex");
  const file = { path: "plain", sha256, executable: false, sizeBytes: 5 };
  const late = { ...stored, checkedAt: 0, files: [file] };
  test.each(["hardlink", "copy"] as const)("is laid by %s only with its bytes", async (method) => {
    await Bun.write(join(root, sha256), "plain");
    expect(layPackage(store, late, join(root, "new", "0"), method)).toBe(true);
    await rm(join(root, "new", "0"), { recursive: true });
    await Bun.write(join(root, sha256), "plaim");
    expect(layPackage(store, late, join(root, "new", "0"), method)).toBe(false);
    expect(await Bun.file(join(root, "new/0/plain")).exists()).toBe(false);
  });

  test("is laid where it is large, too, only with its bytes", async () => {
    const bytes = new Uint8Array(600_000).fill(7);
    const large = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const files = [{ ...file, sha256: large, sizeBytes: bytes.length }];
    await Bun.write(join(root, large), bytes);
    expect(layPackage(store, { ...late, files }, join(root, "new", "0"), "copy")).toBe(true);
    bytes[599_999] = 8;
    await Bun.write(join(root, large), bytes);
    expect(layPackage(store, { ...late, files }, join(root, "new", "1"), "copy")).toBe(false);
  });
});

test("a method is found that works, and root never gets hardlinks", () => {
  const folder = join(root, "new");
  const found = probeLinks(join(root, "plain"), folder, false);
  expect(["reflink", "hardlink"]).toContain(found);
  expect(probeLinks(join(root, "plain"), folder, true)).toBe(found === "reflink" ? found : "copy");
  expect(layPackage(store, stored, join(folder, "0"), found)).toBe(true);
});

test("a wish is tried alone, and what does not work is a copy", () => {
  const folder = join(root, "new");
  const sample = join(root, "plain");
  // Who asks for hard links has them, root too.
  expect(probeLinks(sample, folder, true, "hardlink")).toBe("hardlink");
  expect(["reflink", "copy"]).toContain(probeLinks(sample, folder, false, "reflink"));
  expect(probeLinks(join(root, "not there"), folder, false, "hardlink")).toBe("copy");
});

describe("laying packages", () => {
  const locked: LockedPackage = {
    name: stored.name,
    version: stored.version,
    digest: stored.digest,
    registry: parseRegistryUrl("https://land.example"),
    keys: [],
    dependencies: [],
    unknown: [],
  };
  test.each(["auto", "hardlink", "copy", "reflink"] as const)("by %s", async (link) => {
    const forgotten: string[] = [];
    const fetchAgain = async (): Promise<StoredPackage> => {
      await Bun.write(join(root, "program"), "program");
      return stored;
    };
    await rm(join(root, "program"));
    await layPackages({
      store: {
        ...store,
        archivePath: String,
        forget: async (digest) => void forgotten.push(digest),
      },
      packages: [locked, locked],
      stored: [stored, stored],
      folder: join(root, "new"),
      link,
      fetchAgain,
    });
    expect(forgotten).toEqual([stored.digest]);
    for (const at of ["0", "1"]) {
      const laid = await stat(join(root, "new", at, "program"));
      expect(laid.size).toBe(7);
      if (link === "hardlink") expect(laid.nlink).toBe(3);
      if (link === "copy") expect(laid.nlink).toBe(1);
    }
  });

  test("fails where the store goes on losing files", async () => {
    await rm(join(root, "program"));
    const laying = layPackages({
      store: { ...store, archivePath: () => "/store/archive", forget: async () => undefined },
      packages: [locked],
      stored: [stored],
      folder: join(root, "new"),
      link: "copy",
      fetchAgain: async () => stored,
    });
    await expect(laying).rejects.toMatchObject({ code: "file_failed" });
  });
});
