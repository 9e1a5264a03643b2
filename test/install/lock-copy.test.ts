import { expect, test } from "bun:test";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { InstallEvent, InstallOptions } from "#install/options.ts";

import { type InstallWorld, stockedWorld } from "./world.ts";

const MARKER = "land_modules/.land.json";

/** A project `app` with all of the registry installed, and what stood in its lock. */
async function installed(): Promise<InstallWorld & { lock: string }> {
  const world = await stockedWorld();
  await world.project("app", { "@ada/greet": "*" });
  await world.install("app");
  const lock = await world.read("app", "land.lock");
  world.registry.mend();
  return Object.assign(world, { lock });
}

/** Collects what is told to the user. */
function listening(): { told: string[]; onEvent: NonNullable<InstallOptions["onEvent"]> } {
  const told: string[] = [];
  const onEvent = (event: InstallEvent): void => {
    if (event.kind === "warn") told.push(event.problem);
  };
  return { told, onEvent };
}

/** Changes the marker, as a checkout that brings a tree along may. */
async function forge(world: InstallWorld, change: (lock: string) => unknown): Promise<void> {
  const marker = JSON.parse(await world.read("app", MARKER));
  await Bun.write(
    world.at("app", MARKER),
    JSON.stringify({ ...marker, lock: change(marker.lock) }),
  );
}

const AGAIN = "land.lock was missing: made again from what is installed";

test("a lock that is missing is made again, byte for byte, and no registry is asked", async () => {
  await using world = await installed();
  const before = await world.snapshot("app");
  await rm(world.at("app", "land.lock"));
  const { told, onEvent } = listening();
  expect(await world.install("app", { onEvent })).toMatchObject({ added: [], unchanged: 3 });
  expect(told).toEqual([AGAIN]);
  expect(world.registry.requests).toEqual([]);
  expect(await world.snapshot("app")).toEqual(before);
  expect((await world.install("app", { onEvent })).unchanged).toBe(3);
  expect(told).toHaveLength(1);
});

test("a package whose folder is gone too is laid again from the store", async () => {
  await using world = await installed();
  const before = await world.snapshot("app");
  await rm(world.at("app", "land.lock"));
  await rm(world.at("app", "land_modules/left"), { recursive: true });
  expect((await world.install("app")).added).toEqual([expect.objectContaining({ name: "left" })]);
  expect(await world.snapshot("app")).toEqual(before);
  expect(world.registry.requests).toEqual([]);
});

test("where it is to be told only, held to or made anew, the copy does not count", async () => {
  await using world = await installed();
  await rm(world.at("app", "land.lock"));
  const { told, onEvent } = listening();
  expect((await world.refusal("app", { frozen: true })).code).toBe("lock_missing");
  await world.install("app", { dryRun: true, onEvent });
  expect([told, await Bun.file(world.at("app", "land.lock")).exists()]).toEqual([[], false]);
  await world.registry.add({ name: "left", version: "1.9.0", dependencies: { pad: "*" } });
  const update = { mode: { kind: "update", names: [], latest: false } } as const;
  expect((await world.install("app", update)).changed).toMatchObject([{ version: "1.9.0" }]);
});

test("where the manifest asks for something else, what is installed is preferred", async () => {
  await using world = await installed();
  await world.registry.add({ name: "left", version: "1.9.0", dependencies: { pad: "*" } });
  await rm(world.at("app", "land.lock"));
  await world.project("app", { "@ada/greet": "*", pad: "*" });
  const { told, onEvent } = listening();
  const result = await world.install("app", { onEvent });
  expect(result).toMatchObject({ added: [], changed: [], unchanged: 3 });
  expect(told).toEqual([]);
  expect(await world.read("app", "land.lock")).toContain('"pad@*"');
  await rm(world.at("app", "land.lock"));
  await world.registry.add({ name: "new", version: "1.0.0" });
  expect(await world.add("app", { name: "new" })).toMatchObject({ changed: [], unchanged: 3 });
});

test("the copy says what the lock says after each change, also of the lock alone", async () => {
  await using world = await installed();
  const copy = async (): Promise<unknown> => JSON.parse(await world.read("app", MARKER)).lock;
  expect(await copy()).toBe(world.lock);
  await world.project("app", { "@ada/greet": "*", pad: "^1.0.0" });
  await world.install("app");
  expect(await copy()).toBe(await world.read("app", "land.lock"));
  expect(await copy()).not.toBe(world.lock);
});

test("a lock that came by another hand, and a tree of an older land, are caught up with", async () => {
  await using world = await installed();
  const copy = async (): Promise<unknown> => JSON.parse(await world.read("app", MARKER)).lock;
  const other = `ed25519:${Buffer.alloc(32, 7).toString("base64url")}`;
  const more = world.lock.replace(/keys = \["([^"]+)"\]/, (_, key: string) => {
    const keys = [key, other].toSorted().map((each) => JSON.stringify(each));
    return `keys = [${keys.join(", ")}]`;
  });
  await Bun.write(world.at("app", "land.lock"), more);
  await world.install("app", { dryRun: true });
  expect(await copy()).toBe(world.lock);
  await world.install("app", { frozen: true });
  expect(await copy()).toBe(more);
  await forge(world, () => undefined);
  await world.install("app");
  expect(await copy()).toBe(more);
  const written = (await stat(world.at("app", MARKER))).mtimeMs;
  await Bun.write(world.at("app", "land.lock"), `# ours\n${more}`);
  await world.install("app");
  expect((await stat(world.at("app", MARKER))).mtimeMs).toBe(written);
});

test("a tree of an older land, or a copy that is no lock, leads to asking as ever", async () => {
  await using world = await installed();
  for (const lock of [undefined, 7, "", "version = 2\n", "<<<<<<< a\n", "x".repeat(99), "[["]) {
    await forge(world, () => lock);
    await rm(world.at("app", "land.lock"));
    world.registry.mend();
    const { told, onEvent } = listening();
    await world.install("app", { onEvent });
    expect([lock, told]).toEqual([lock, []]);
    expect(world.registry.requests.length).toBeGreaterThan(0);
    expect(await world.read("app", "land.lock")).toBe(world.lock);
  }
});

test("killed anywhere in a change, the tree and its copy say the same afterwards", async () => {
  await using world = await installed();
  const child = join(import.meta.dir, "..", "support", "installs-until-killed.ts");
  await world.registry.add({ name: "more", version: "1.0.0" });
  for (const point of ["prepared", "journal", "file", "place", "moved", "marker", "ended"]) {
    await rm(world.at("app"), { recursive: true, force: true });
    await world.project("app", { "@ada/greet": "*" });
    await world.install("app");
    const packages = [{ name: "more", range: "1", kind: "dependencies", exact: false }];
    const modes = JSON.stringify([{ kind: "add", packages }]);
    const [dir, home] = [world.at("app"), world.at("home")];
    const killed = Bun.spawn(
      [
        process.execPath,
        "--define",
        "LAND_FAULTS=true",
        child,
        dir,
        home,
        world.registry.url,
        modes,
      ],
      {
        env: { ...process.env, LAND_FAULT: `commit.${point}:0` },
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    await killed.exited;
    expect([point, killed.signalCode]).toEqual([point, "SIGKILL"]);
    await world.install("app");
    const lock = await world.read("app", "land.lock");
    await rm(world.at("app", "land.lock"));
    world.registry.mend();
    await world.install("app");
    expect([point, world.registry.requests.length]).toEqual([point, 0]);
    expect(await world.read("app", "land.lock")).toBe(lock);
  }
}, 60_000);
