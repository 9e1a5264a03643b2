import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { chmod, readdir, rm, stat, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";

import type { LandError } from "#base/errors.ts";
import { byText } from "#base/order.ts";
import { parseLock } from "#install/lockfile.ts";
import { tendStore } from "#install/prune-auto.ts";
import { type PruneLimits, pruneStore } from "#install/prune.ts";
import { stateFile } from "#install/state.ts";
import { storePlaces } from "#install/store-places.ts";
import { repairStore } from "#install/store-repair.ts";
import { readStoreStatus } from "#install/store-status.ts";
import { namesIn } from "#install/store-survey.ts";
import { openStore } from "#install/store.ts";

import { hashTree } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const places = (home = "home") => storePlaces(world.at(home));
const home = (name = "home") => ({ ...world.options("app"), landHome: world.at(name) });
const install = (project: string, landHome = world.at("home"), more = {}) =>
  world.install(project, { landHome, ...more });
const lockOf = async (project: string) => parseLock(await world.read(project, "land.lock"));
const digestOf = async (project: string, name: string) => {
  const found = (await lockOf(project)).packages.find((locked) => locked.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found.digest;
};
const names = (result: { packages: { name: string | null }[] }) =>
  result.packages.map(({ name }) => name ?? "");
const repair = (deep = true) => repairStore({ ...home(), deep });
const failure = (work: Promise<unknown>): Promise<LandError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: LandError) => error,
  );
/** The object of the only file that holds this text. */
async function objectOf(text: string): Promise<string> {
  const sha256 = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return places().objectPath({ sha256, executable: false });
}
async function overwrite(path: string, content: string): Promise<void> {
  await chmod(path, 0o644);
  await Bun.write(path, content);
}

describe("what has an index is whole", () => {
  beforeEach(async () => {
    await world.project("app", { left: "*" });
    await install("app");
  });

  test("a part of an object that a kill or a lost power left is replaced, byte for byte", async () => {
    const object = await objectOf("x");
    await rm(places().index, { recursive: true });
    await overwrite(object, "y");
    await rm(world.at("app", "land_modules"), { recursive: true });
    await install("app");
    expect(await Bun.file(object).text()).toBe("x");
    expect((await stat(object)).mode & 0o777).toBe(0o444);
  });

  test("what was written before the machine was started anew is compared once", async () => {
    const object = await objectOf("x");
    await overwrite(object, "y");
    const digest = await digestOf("app", "left");
    const same = await openStore(home());
    expect(await same.find(digest)).toBeDefined();
    same.close();
    const later = await openStore({ ...home(), bootId: "another" });
    expect(await later.find(digest)).toBeUndefined();
    expect(await Bun.file(object).exists()).toBe(false);
    const stored = await later.add({ path: later.archivePath(digest) }, { digest });
    expect(stored.name).toBe("left" as never);
    later.close();
    expect(await Bun.file(object).text()).toBe("x");
    const third = await openStore({ ...home(), bootId: "third" });
    expect((await third.find(digest))?.files.length).toBe(2);
    third.close();
    expect(await Bun.file(places().indexPath(digest)).json()).not.toHaveProperty("boot");
  });

  test("an index that is torn, or of another package, counts as none", async () => {
    const [left, pad] = [await digestOf("app", "left"), await digestOf("app", "pad")];
    await Bun.write(places().indexPath(pad), Bun.file(places().indexPath(left)));
    await truncate(places().indexPath(left), 40);
    const store = await openStore(home());
    expect(await store.find(left)).toBeUndefined();
    expect(await store.find(pad)).toBeUndefined();
    store.close();
    await rm(world.at("app", "land_modules"), { recursive: true });
    await install("app", undefined, { offline: true });
    expect(await world.read("app", "land_modules", "left", "deep/er/x.txt")).toBe("x");
  });
});

describe("repair", () => {
  beforeEach(async () => {
    await world.project("app", { "@ada/greet": "*" });
    await install("app");
  });

  test("a whole store is left as it is", async () => {
    const held = () =>
      ["sha256", "files", "index"].map((kind) => hashTree(join(places().dir, kind)));
    const before = await Promise.all(held());
    expect(await repair()).toEqual({ packages: 3, repaired: [], lost: [], damaged: 0 });
    expect(await Promise.all(held())).toEqual(before);
  });

  test("the whole index is made anew from the archives", async () => {
    const { at } = world;
    await rm(places().index, { recursive: true });
    await rm(places().files, { recursive: true });
    const result = await repair(false);
    expect(names({ packages: result.repaired }).toSorted(byText)).toEqual([
      "@ada/greet",
      "left",
      "pad",
    ]);
    expect(result.lost).toEqual([]);
    await rm(at("app", "land_modules"), { recursive: true });
    world.registry.mend();
    await install("app", undefined, { offline: true, frozen: true });
    expect(await world.read("app", "land_modules", "left", "deep/er/x.txt")).toBe("x");
  });

  test("torn and swapped objects are made anew; the size is enough unless each byte is asked for", async () => {
    const object = await objectOf("x");
    await overwrite(object, "");
    expect(await repair(false)).toMatchObject({ repaired: [{ name: "left" }], damaged: 1 });
    await overwrite(object, "y");
    expect(await repair(false)).toMatchObject({ repaired: [], damaged: 0 });
    expect(await repair()).toMatchObject({ repaired: [{ name: "left" }], lost: [], damaged: 1 });
    expect(await Bun.file(object).text()).toBe("x");
  });

  test("what cannot be made anew is named, and fetched by the next install", async () => {
    const digest = await digestOf("app", "left");
    await overwrite(places().archivePath(digest), "not an archive");
    const result = await repair(false);
    expect(result).toMatchObject({
      lost: [{ name: "left", version: "1.2.0", digest }],
      damaged: 1,
    });
    expect(await repair()).toMatchObject({ packages: 2, lost: [], damaged: 0 });
    await rm(world.at("app", "land_modules"), { recursive: true });
    await install("app");
    expect(await repair()).toMatchObject({ packages: 3, repaired: [], lost: [], damaged: 0 });
  });
});

describe("prune", () => {
  const limits: PruneLimits = { maxBytes: 0, maxAgeDays: 0, all: false };
  const prune = (more: Partial<PruneLimits> = {}, now = new Date(), dryRun = false) =>
    pruneStore({ ...home(), now: () => now, limits: { ...limits, ...more }, dryRun });

  beforeEach(async () => {
    await world.registry.add({ name: "alone", version: "1.0.0", files: { "deep/er/x.txt": "x" } });
    await world.project("app", { left: "*" });
    await world.project("old", { alone: "*" });
    await install("app");
    await install("old");
  });

  test("never takes what the lock of a known project names", async () => {
    expect(names(await prune({ all: true, maxBytes: 1 }))).toEqual([]);
    await rm(world.at("old"), { recursive: true });
    const result = await prune({ all: true });
    expect(names(result)).toEqual(["alone"]);
    expect(result.forgotten).toEqual([world.at("old")]);
    // What left has as well stays.
    expect(await Bun.file(await objectOf("x")).text()).toBe("x");
    expect(await repair()).toMatchObject({ packages: 2, repaired: [], lost: [], damaged: 0 });
    expect((await stateFile(home()).read()).projects.map(({ dir }) => dir)).toEqual([
      world.at("app"),
    ]);
  });

  test("what is needed by a lock of a newer land, or one with conflict markers, stays too", async () => {
    const text = await world.read("old", "land.lock");
    await Bun.write(world.at("old", "land.lock"), `<<<<<<< a\n${text.replace("= 1", "= 9")}`);
    expect(names(await prune({ all: true }))).toEqual([]);
  });

  test("by age, by size, and without doing it", async () => {
    await rm(world.at("old"), { recursive: true });
    await rm(world.at("app"), { recursive: true });
    const long = new Date(Date.now() - 100 * DAY_MS);
    await utimes(places().indexPath(await digestOfIndexed("pad")), long, long);
    const before = await world.snapshot("home");
    expect(names(await prune({ maxAgeDays: 90 }, new Date(), true))).toEqual(["pad"]);
    expect(names(await prune({ maxBytes: 1 }, new Date(), true)).toSorted(byText)).toEqual([
      "alone",
      "left",
      "pad",
    ]);
    const { "state.json": _, ...rest } = await world.snapshot("home");
    const { "state.json": __, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
    const result = await prune({ maxAgeDays: 90 });
    expect(names(result)).toEqual(["pad"]);
    expect(result.freedBytes).toBeGreaterThan(0);
    expect(names(await prune({ maxBytes: 1 })).toSorted(byText)).toEqual(["alone", "left"]);
    expect(namesIn(places().files)).toEqual([]);
    expect(await readdir(places().archives).then((dirs) => dirs.length)).toBeGreaterThan(0);
    expect(namesIn(places().archives)).toEqual([]);
  });

  test("tells what trees still share through hard links", async () => {
    const shared = await world.project("linked", { alone: "*" });
    await world.install(shared, { link: "hardlink" });
    await rm(world.at("old"), { recursive: true });
    await rm(world.at("linked", "land.lock"));
    expect(await prune({ all: true })).toMatchObject({ packages: [{ name: "alone" }] });
    expect(await Bun.file(world.at("linked", "land_modules/alone/deep/er/x.txt")).text()).toBe("x");
  });

  test("nothing is pruned while the store is used", async () => {
    const store = await openStore(home());
    const busy = await failure(pruneStore({ ...home(), lockTimeoutMs: 60, limits, dryRun: false }));
    expect(busy).toMatchObject({ code: "lock_busy", exitCode: 14 });
    store.close();
  });

  test("after an install, at most once a day, unless it is turned off", async () => {
    await rm(world.at("old"), { recursive: true });
    const cache = { maxBytes: 1, maxAgeDays: 0, autoPrune: true };
    const at = (days: number) => ({ now: () => new Date(Date.now() + days * DAY_MS), cache });
    await install("app", undefined, { ...at(0), cache: { ...cache, autoPrune: false } });
    expect(namesIn(places().index).length).toBe(3);
    await install("app", undefined, at(0));
    expect(namesIn(places().index).length).toBe(2);
    await world.project("old", { alone: "*" });
    await install("old", undefined, at(0.5));
    await rm(world.at("old"), { recursive: true });
    await install("app", undefined, at(0.6));
    expect(namesIn(places().index).length).toBe(3);
    await install("app", undefined, at(1.2));
    expect(namesIn(places().index).length).toBe(2);
  });

  test("a store too large to be looked at on the way is told once a day", async () => {
    let clockMs = 0;
    const clock = spyOn(performance, "now").mockImplementation(() => (clockMs += 1000));
    const told: string[] = [];
    const tend = (days: number) =>
      tendStore({
        ...home(),
        now: () => new Date(Date.now() + days * DAY_MS),
        cache: { maxBytes: 1, maxAgeDays: 0, autoPrune: true },
        onEvent: (event) => void (event.kind === "warn" && told.push(event.problem)),
      });
    try {
      for (const days of [3, 3.5, 4.2]) await tend(days);
    } finally {
      clock.mockRestore();
    }
    expect(told).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining("land store prune")),
    );
  });

  async function digestOfIndexed(name: string) {
    for (const file of namesIn(places().index)) {
      const stored = await Bun.file(join(places().index, file.slice(0, 2), file)).json();
      if (stored.name === name) return stored.digest;
    }
  }
});

test("the status counts packages, files, what is shared and what is not needed", async () => {
  await world.registry.add({
    name: "twin",
    version: "1.0.0",
    files: { "y.txt": "x".repeat(5000) },
  });
  await world.registry.add({
    name: "twins",
    version: "1.0.0",
    files: { "z.txt": "x".repeat(5000) },
  });
  await world.project("app", { twin: "*", twins: "*" });
  await install("app");
  const stray = places().objectPath({ sha256: "ab".repeat(32), executable: false });
  await Bun.write(stray, "stray");
  const cache = { maxBytes: 5, maxAgeDays: 90, autoPrune: true };
  const status = await readStoreStatus({ ...home(), cache });
  expect(status).toMatchObject({
    packages: 2,
    archives: { count: 2 },
    files: { count: 3 },
    strays: { count: 1, bytes: 5 },
    savedBytes: 5000,
    projects: [{ dir: world.at("app") }],
  });
});
