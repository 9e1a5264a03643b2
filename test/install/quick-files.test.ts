import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDigest, parsePackageName, parseVersion } from "#base/names.ts";
import { layPackage, layPackages, openQuickLaying } from "#install/link.ts";
import type { LockedPackage } from "#install/lockfile.ts";
import { openQuickFiles, openQuickFolder, type QuickFiles } from "#install/quick-files.ts";
import { createWriter } from "#install/store-write.ts";
import type { StoredFile, StoredPackage } from "#install/stored.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

const isLinux = process.platform === "linux";
const quick = openQuickFiles();

/** As a system would on which nothing of it goes. */
const never: QuickFiles = {
  look: () => undefined,
  link: () => false,
  makeFolder: () => false,
  create: () => undefined,
  write: () => 0,
  close: (descriptor) => closeSync(descriptor),
  rename: () => false,
};

let root: string;
let folder: number;
const at = (...path: string[]): string => join(root, ...path);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-quick-"));
  folder = openSync(root, "r");
});
afterEach(async () => {
  closeSync(folder);
  await rm(root, { recursive: true, force: true });
});

test("there is quick work on Linux alone", () => {
  expect(quick !== undefined).toBe(isLinux);
  expect(openQuickFolder(root, undefined)).toBeUndefined();
  expect(openQuickFolder(at("nothing here"), never)).toBeUndefined();
});

describe.skipIf(!quick)("each call does what it says, or nothing", () => {
  const files = quick ?? never;

  test.each(["plain", "with space", "ä/ö €.txt", "𝒳"])("a file called %p", async (name) => {
    await mkdir(at("ä"));
    const descriptor = files.create(folder, name, 0o444) ?? -1;
    const bytes = new TextEncoder().encode("<content>").subarray(1, 8);
    expect(files.write(descriptor, bytes)).toBe(7);
    expect(files.write(descriptor, bytes.subarray(7))).toBe(0);
    files.close(descriptor);
    expect(readFileSync(at(name), "utf8")).toBe("content");
    const { mtimeMs, mode } = statSync(at(name));
    expect(mode & 0o777).toBe(0o444);
    expect(files.look(folder, name)).toEqual({ sizeBytes: 7, mtimeMs });
    expect(files.create(folder, name, 0o444)).toBeUndefined();
    expect(files.link(folder, name, folder, "again")).toBe(true);
    expect(statSync(at("again")).ino).toBe(statSync(at(name)).ino);
    expect(files.link(folder, name, folder, "again")).toBe(false);
    expect(readFileSync(at("again"), "utf8")).toBe("content");
  });

  test("times of every kind are those of node:fs", async () => {
    await Bun.write(at("old"), "old");
    for (const time of [0, 1.5, 1_700_000_000.123456, 5_000_000_000]) {
      await utimes(at("old"), time, time);
      expect(files.look(folder, "old")?.mtimeMs).toBe(statSync(at("old")).mtimeMs);
    }
  });

  test("folders, one level at a time", () => {
    expect(files.makeFolder(folder, "a/b")).toBe(false);
    expect(files.makeFolder(folder, "a")).toBe(true);
    expect(files.makeFolder(folder, "a")).toBe(false);
    expect(files.makeFolder(folder, "a/b")).toBe(true);
    expect(statSync(at("a/b")).isDirectory()).toBe(true);
  });

  test("what no path is, is not one cut short", async () => {
    await Bun.write(at("a"), "a");
    await Bun.write(at("x".repeat(200)), "x");
    for (const path of ["a\0b", "", "x".repeat(1024), "€".repeat(342), `${"x/".repeat(600)}a`]) {
      expect(files.look(folder, path)).toBeUndefined();
      expect(files.link(folder, "a", folder, path)).toBe(false);
      expect(files.link(folder, path, folder, "b")).toBe(false);
      expect(files.makeFolder(folder, path)).toBe(false);
      expect(files.create(folder, path, 0o444)).toBeUndefined();
    }
    expect(files.look(folder, "none")).toBeUndefined();
    expect(files.link(folder, "none", folder, "b")).toBe(false);
    expect((await readdir(root)).length).toBe(2);
  });

  test("a link in its place is not written through", async () => {
    await symlink(at("elsewhere"), at("link"));
    expect(files.create(folder, "link", 0o444)).toBeUndefined();
    expect(await Bun.file(at("elsewhere")).exists()).toBe(false);
  });

  test("a descriptor that is none takes nothing", () => {
    expect(files.write(99_999, new Uint8Array(5))).toBe(0);
    expect(files.look(99_999, "a")).toBeUndefined();
  });
});

const ways = [
  ["by the C library", quick],
  ["where nothing of it goes", never],
] as const;

describe.each(ways)("a package is laid, and its files are made, %s", (_, files) => {
  const sha = (text: string): string => Bun.SHA256.hash(text, "hex");
  const names = ["package.json", "lib/a.js", "lib/deep/er/ö.js", ".hidden", "bin/x"];
  const stored = (checkedAt: number): StoredPackage => ({
    name: parsePackageName("left"),
    version: parseVersion("1.0.0"),
    digest: parseDigest(`sha256:${"0".repeat(64)}`),
    packedBytes: 1,
    bin: {},
    checkedAt,
    files: names.map((path) => ({
      path,
      sha256: sha(path),
      executable: false,
      sizeBytes: Buffer.byteLength(path),
    })),
  });
  const later = Number.MAX_SAFE_INTEGER;
  const storeOf = () => ({
    objectPath: ({ sha256 }: StoredFile) => at("store", sha256),
    quick: () => openQuickFolder(at("store"), files),
  });
  beforeEach(async () => {
    await mkdir(at("new"));
    for (const name of names) await Bun.write(at("store", sha(name)), name);
  });
  const lay = (checkedAt: number, fresh = false): boolean => {
    const store = storeOf();
    const laying = openQuickLaying(store, at("new"), "hardlink");
    expect(laying !== undefined).toBe(files !== undefined);
    const done = layPackage(
      store,
      { ...stored(checkedAt), fresh },
      at("new", "0"),
      "hardlink",
      laying,
    );
    laying?.folder.close();
    laying?.source.close();
    return done;
  };
  const laid = async () => (await readdir(at("new"), { recursive: true })).toSorted();

  test("whole", async () => {
    expect(lay(later)).toBe(true);
    for (const name of names) {
      expect(readFileSync(at("new/0", name), "utf8")).toBe(name);
      expect((await stat(at("new/0", name))).nlink).toBe(2);
    }
  });

  test("not where one is lost, has another size or other bytes; and then nothing of it stays", async () => {
    const object = at("store", sha("lib/a.js"));
    await Bun.write(object, "lib/a.jss");
    expect(lay(later)).toBe(false);
    await Bun.write(object, "lib/b.js");
    expect(lay(0)).toBe(false);
    await rm(object);
    expect(lay(later)).toBe(false);
    expect(await laid()).toEqual([]);
    await Bun.write(object, "lib/a.js");
    expect(lay(0)).toBe(true);
  });

  test("what this process put a moment ago is looked at only where it cannot be linked", async () => {
    expect(lay(later, true)).toBe(true);
    expect((await stat(at("new/0", "lib/a.js"))).nlink).toBe(2);
    await rm(at("new/0"), { recursive: true });
    await rm(at("store", sha("lib/a.js")));
    expect(lay(later, true)).toBe(false);
    expect(await laid()).toEqual([]);
  });

  test("what cannot be made is told as by node:fs", async () => {
    await Bun.write(at("new/0"), "a file");
    expect(() => lay(later)).toThrow(/EEXIST|ENOTDIR/);
  });

  test("into the store, what stands there being kept or mended", async () => {
    const folderOf = openQuickFolder(root, files);
    await mkdir(at("tmp"));
    const known = new Set<string>();
    const writer = createWriter(at("tmp"), false, { quick: folderOf, known });
    const bytes = new TextEncoder().encode("whole");
    writer.put(at("files/ab/one"), { bytes }, 0o444);
    expect(readFileSync(at("files/ab/one"), "utf8")).toBe("whole");
    expect((await stat(at("files/ab/one"))).mode & 0o777).toBe(0o444);
    const { ino } = await stat(at("files/ab/one"));
    known.clear();
    writer.put(at("files/ab/one"), { bytes }, 0o444);
    expect((await stat(at("files/ab/one"))).ino).toBe(ino);
    await chmod(at("files/ab/one"), 0o644);
    await Bun.write(at("files/ab/one"), "whol");
    // What was put by this process is not looked at again.
    writer.put(at("files/ab/one"), { bytes }, 0o444);
    expect(readFileSync(at("files/ab/one"), "utf8")).toBe("whol");
    known.clear();
    writer.put(at("files/ab/one"), { bytes }, 0o444);
    writer.replace(at("index/ab/one.json"), bytes, 0o644);
    writer.replace(at("index/ab/one.json"), bytes.subarray(1), 0o644);
    expect(readFileSync(at("index/ab/one.json"), "utf8")).toBe("hole");
    writer.put(at("files/ab/none"), { bytes: new Uint8Array(0) }, 0o444);
    await writer.settle();
    expect(readFileSync(at("files/ab/one"), "utf8")).toBe("whole");
    expect((await stat(at("files/ab/none"))).size).toBe(0);
    expect(await readdir(at("tmp"))).toEqual([]);
    folderOf?.close();
  });

  const locked: LockedPackage = {
    name: parsePackageName("left"),
    version: parseVersion("1.0.0"),
    digest: parseDigest(`sha256:${"0".repeat(64)}`),
    registry: parseRegistryUrl("https://land.example"),
    keys: [],
    dependencies: [],
    unknown: [],
  };
  const layAll = (thread: Parameters<typeof layPackages>[0]["thread"]) =>
    layPackages({
      store: { ...storeOf(), archivePath: String, forget: async () => undefined },
      packages: [locked, locked, locked, locked],
      stored: [stored(later), stored(later), stored(later), stored(later)],
      folder: at("new"),
      link: "hardlink",
      fetchAgain: async () => stored(later),
      thread,
    });

  test("what a second thread takes and does not lay is laid by the first", async () => {
    await layAll({
      async lay({ turn, digests }) {
        expect(digests.length).toBe(4);
        Atomics.add(turn, 0, 2);
        return [];
      },
    });
    for (const n of ["0", "1", "2", "3"])
      expect(readFileSync(at("new", n, "lib/a.js"), "utf8")).toBe("lib/a.js");
  });

  test("what a second thread laid is not laid again, and one that never comes to it is not waited for", async () => {
    await layAll({
      async lay({ turn }) {
        return [Atomics.add(turn, 0, 1)];
      },
    });
    expect((await readdir(at("new"))).toSorted()).toEqual(["1", "2", "3"]);
    await rm(at("new"), { recursive: true });
    await mkdir(at("new"));
    await layAll({ lay: async () => new Promise<never>(() => undefined) });
    expect((await readdir(at("new"))).length).toBe(4);
  });

  test("a failure waits until the second thread has stopped", async () => {
    await Bun.write(at("new/1"), "in the way");
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    let stopped = false;
    const failing = layAll({
      async lay({ turn }) {
        Atomics.add(turn, 0, 1);
        const found = await promise;
        stopped = Atomics.load(turn, 0) >= 4;
        return found;
      },
    }).catch((error: unknown) => error);
    await Bun.sleep(1);
    resolve([0]);
    expect(await failing).toBeInstanceOf(Error);
    expect(stopped).toBe(true);
  });
});
