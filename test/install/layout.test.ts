import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod, readlink, rm, utimes } from "node:fs/promises";
import { basename, join } from "node:path";

import type { ClientHooks } from "#base/client-hooks.ts";
import { fail } from "#base/errors.ts";
import { readLayout, writeLayout } from "#install/layout-file.ts";
import { isInside, makeLayout } from "#install/layout.ts";
import type { InstallOptions } from "#install/options.ts";
import { storePlaces } from "#install/store-places.ts";
import { openStore } from "#install/store.ts";
import type { StoredPackage } from "#install/stored.ts";

import { hashTree } from "../support/project.ts";
import { type InstallWorld, installWorld } from "./world.ts";

const CHILD = join(import.meta.dir, "..", "support", "installs-until-killed.ts");
const NAMES = Array.from({ length: 30 }, (_, at) => (at % 5 === 0 ? `@many/m${at}` : `many-${at}`));
const DAY_MS = 86_400_000;

let world: InstallWorld;
/** The tree by a store of its own, that knows no layout. */
let wanted: Record<string, string>;
const tree = (...path: string[]) => world.at("app", "land_modules", ...path);
const folder = () => world.at("home/cache/index/laid");
const places = () => storePlaces(world.at("home"));
const objectOf = (text: string): string =>
  places().objectPath({ sha256: Bun.SHA256.hash(text, "hex"), executable: false });
const linked = (more: Partial<InstallOptions> = {}) =>
  world.install("app", { link: "hardlink", ...more });
/** Installs with no tree there. */
const anew = async (more: Partial<InstallOptions> = {}) => {
  await rm(tree(), { recursive: true, force: true });
  return linked(more);
};
const layouts = (): string[] =>
  (existsSync(folder()) ? readdirSync(folder(), { withFileTypes: true }) : [])
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
const aliases = (): string[] =>
  readdirSync(folder(), { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => name);
/** The tree as it is wanted, of files of the store. */
async function expectExact(): Promise<void> {
  expect(await hashTree(tree())).toEqual(wanted);
  expect(readdirSync(tree()).filter((name) => name.startsWith(".land-"))).toEqual([]);
  for (const name of NAMES)
    expect(statSync(tree(name, "deep/er/ö.txt")).ino).toBe(statSync(objectOf(`ö ${name}`)).ino);
}

beforeAll(async () => {
  world = await installWorld();
  for (const name of NAMES) {
    const files = {
      "own.txt": name,
      "deep/er/ö.txt": `ö ${name}`,
      "same.txt": "same",
      "cli.ts": "",
    };
    const bin = name === "many-1" ? { one: "cli.ts" } : {};
    await world.registry.add({ name, version: "1.0.0", files, bin });
  }
  await world.project("app", Object.fromEntries(NAMES.map((name) => [name, "*"])));
  await world.install("app", { landHome: world.at("other-home"), link: "hardlink" });
  wanted = await hashTree(tree());
  await anew();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await rm(folder(), { recursive: true, force: true });
  // Now it is kept, and then it is known which one the project needs.
  await anew();
  expect(layouts()).toHaveLength(1);
  await anew();
  expect(aliases()).toHaveLength(1);
});

describe("a tree is laid by a layout", () => {
  test("and is the same", async () => {
    const [name = ""] = layouts();
    const before = statSync(join(folder(), name)).mtimeMs;
    const result = await anew({ offline: true, frozen: true });
    expect(result.added).toHaveLength(NAMES.length);
    await expectExact();
    expect(statSync(join(folder(), name)).mtimeMs).toBe(before);
    expect(await readlink(join(folder(), aliases()[0] ?? ""))).toBe(name);
  });

  test("without a lock, and where another project needs the same", async () => {
    await rm(world.at("app/land.lock"));
    await anew();
    expect(aliases()).toHaveLength(2);
    await rm(world.at("app/land.lock"));
    await anew();
    await expectExact();
    await world.project("other", Object.fromEntries(NAMES.map((name) => [name, "*"])));
    await world.install("other", { link: "hardlink" });
    expect(await hashTree(world.at("other/land_modules"))).toEqual(wanted);
    expect(layouts()).toHaveLength(1);
  });

  test("its packages count as used, once a day", async () => {
    const { digest } = await storedOf("many-1");
    const path = places().indexPath(digest);
    const long = new Date(Date.now() - 40 * DAY_MS);
    await utimes(path, long, long);
    await utimes(join(folder(), layouts()[0] ?? ""), long, long);
    await anew();
    expect(statSync(path).mtimeMs).toBeGreaterThan(long.getTime() + DAY_MS);
    expect(statSync(join(folder(), layouts()[0] ?? "")).mtimeMs).toBeGreaterThan(
      Date.now() - DAY_MS,
    );
  });

  test("not by one of another start of the machine", async () => {
    const store = await openStore({ ...world.options("app"), bootId: "another" });
    store.close();
    const other = await Bun.file(join(folder(), layouts()[0] ?? "")).bytes();
    await rm(folder(), { recursive: true });
    await Bun.write(join(folder(), "0".repeat(64)), other);
    await anew();
    await expectExact();
    expect(layouts()).toHaveLength(2);
  });
});

describe("what the store holds is looked at each time", () => {
  test.each([
    ["lost", async (path: string) => rm(path)],
    ["torn", async (path: string) => overwrite(path, "")],
    [
      "swapped for other bytes of the same length",
      async (path: string) => overwrite(path, "other-7"),
    ],
  ])("an object that is %s is brought again", async (_, damage) => {
    await damage(objectOf("many-7"));
    await anew();
    await expectExact();
    expect(await Bun.file(objectOf("many-7")).text()).toBe("many-7");
    // It was not right any more, and is made again.
    expect(layouts()).toHaveLength(0);
    await anew();
    await anew();
    expect(layouts()).toHaveLength(1);
    await expectExact();
  });

  test("one that was written to and holds its bytes is taken, and asked about no more", async () => {
    await Bun.sleep(5);
    await overwrite(objectOf("same"), "same");
    await anew();
    await expectExact();
    await Bun.sleep(1100);
    await anew();
    await anew();
    expect(layouts()).toHaveLength(1);
    await expectExact();
  });

  test("a store that was emptied is filled again, by more than one at a time", async () => {
    await rm(places().dir, { recursive: true });
    world.registry.mend();
    await anew();
    await expectExact();
  });
});

describe("a layout that is not as it was written is not used", () => {
  const change = async (how: (bytes: Buffer) => Uint8Array): Promise<void> => {
    const path = join(folder(), layouts()[0] ?? "");
    await Bun.write(path, how(Buffer.from(await Bun.file(path).bytes())));
    expect(readLayout(path)).toBeUndefined();
  };
  test.each([
    ["empty", () => Buffer.alloc(0)],
    ["cut", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ["cut in the middle", (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ["another in one bit", (bytes: Buffer) => bytes.fill((bytes[2000] ?? 0) ^ 1, 2000, 2001)],
    ["zeros", (bytes: Buffer) => bytes.fill(0)],
    ["text", () => Buffer.from("<html>nothing of that kind</html>")],
  ])("%s", async (_, how) => {
    await change(how);
    await anew();
    await expectExact();
  });

  test("leading out of its folders, though whole", async () => {
    const stored = await storedOf("many-1");
    const [file] = stored.files;
    if (!file) throw new Error("no file");
    const path = join(folder(), "x");
    const write = (kept: StoredPackage): void =>
      writeLayout(path, { landHome: world.at("home"), stored: [kept], seenAt: 0 });
    write(stored);
    expect(readLayout(path)?.packages).toEqual([{ bin: stored.bin }]);
    for (const name of ["../../out", "a/../../../out", "..", "a/..", "a../b"]) {
      await rm(path, { force: true });
      write({ ...stored, files: [{ ...file, path: name }] });
      expect(existsSync(path)).toBe(false);
    }
    write({ ...stored, files: [{ ...file, sha256: "../../../../state.json" }] });
    expect(existsSync(path)).toBe(false);
    for (const text of ["a\0", "a/b\0c..d\0", "...\0x"])
      expect(isInside(Buffer.from(text))).toBe(text !== "...\0x");
    for (const text of ["", "a", "../a\0", "a/../b\0", "..\0", "a\0.."])
      expect(isInside(Buffer.from(text))).toBe(false);
    expect(makeLayout(places(), [], 0)).toBeDefined();
  });
});

describe("what began early and was not the right one leaves nothing", () => {
  const hooks: ClientHooks = {
    async emit(name) {
      if (name === "preInstall")
        throw fail("hook_refused", { event: name, by: "p", problem: "no" });
    },
  };

  test("where the install is refused", async () => {
    await rm(tree(), { recursive: true });
    expect((await world.refusal("app", { link: "hardlink", hooks })).code).toBe("hook_refused");
    expect(existsSync(tree())).toBe(false);
    const security = { requireSignatures: false, checksum: "sha256", minimumAgeDays: 9e6 } as const;
    const young = await world.refusal("app", { link: "hardlink", security });
    expect(young.code).toBe("version_too_new");
    expect(existsSync(tree())).toBe(false);
    await anew();
    await expectExact();
  });

  test("where other packages are wanted by now", async () => {
    const alias = join(folder(), aliases()[0] ?? "");
    const other = join(folder(), "y");
    writeLayout(other, {
      landHome: world.at("home"),
      stored: [await storedOf("many-1")],
      seenAt: 0,
    });
    await rm(alias);
    await Bun.write(alias, Bun.file(other));
    await anew();
    await expectExact();
    expect(await readlink(alias)).toBe(
      layouts().find((name) => basename(name).length === 64) ?? "",
    );
  });

  test("where there is nothing to lay for sure", async () => {
    await rm(tree(), { recursive: true });
    await linked({ dryRun: true });
    await linked({ lockOnly: true });
    expect(existsSync(tree())).toBe(false);
  });
});

test("a process that is killed while it lays leaves nothing that the next one does not see to", async () => {
  for (const passage of [0, 5, 20]) {
    await rm(tree(), { recursive: true, force: true });
    const args = [world.at("app"), world.at("home"), world.registry.url, '[{"kind":"install"}]'];
    const child = Bun.spawn(
      [process.execPath, "--define", "LAND_FAULTS=true", CHILD, ...args, "hardlink"],
      {
        env: { ...process.env, LAND_FAULT: `tree.lay:${passage}` },
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    await child.exited;
    // The other thread may have laid them all before.
    expect([child.signalCode ?? child.exitCode]).toBeOneOf([["SIGKILL"], [0]]);
    await linked();
    await expectExact();
  }
});

async function storedOf(name: string): Promise<StoredPackage> {
  for (const file of readdirSync(places().index, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".json")) continue;
    const stored = await Bun.file(join(places().index, file)).json();
    if (stored.name !== name) continue;
    const store = await openStore(world.options("app"));
    const found = await store.find(stored.digest);
    store.close();
    if (found) return found;
  }
  throw new Error(`no ${name}`);
}

async function overwrite(path: string, content: string): Promise<void> {
  await chmod(path, 0o644);
  await Bun.write(path, content);
}
