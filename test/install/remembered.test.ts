import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";

import { noteChange } from "#install/freshness.ts";
import type { InstallEvent, InstallOptions, InstallResult } from "#install/options.ts";

import { answerIndexes } from "../support/index-answers.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
let now: Date;
/** What the registry's answers say of how long they may be believed. */
let cacheControl: string;
let warnings: string[];
beforeEach(async () => {
  world = await stockedWorld();
  now = new Date("2026-06-01T00:00:00Z");
  cacheControl = "private, max-age=60";
  warnings = [];
  serve();
  await world.project("app", { "@ada/greet": "*", pad: "*" });
});
afterEach(() => world[Symbol.asyncDispose]());

function serve(): void {
  world.registry.mend();
  const answer = (request: Request): Promise<Response> =>
    answerIndexes(world.registry.url, request, cacheControl);
  world.registry.fail("POST /api/v1/index", answer, 1000);
}

/** Installs from nothing but LAND_HOME: without a lock and a tree. */
async function again(more: Partial<InstallOptions> = {}): Promise<InstallResult> {
  world.registry.requests.length = 0;
  await rm(world.at("app", "land.lock"), { force: true });
  await rm(world.at("app", "land_modules"), { recursive: true, force: true });
  return world.install("app", remembering(more));
}

/** The same when all was asked for by one question, as registries answer that tell of what is needed in turn: singly nothing may be believed. */
async function warm(): Promise<void> {
  await again();
  await again();
}

function remembering(more: Partial<InstallOptions> = {}): Partial<InstallOptions> {
  const onEvent = (event: InstallEvent): void => {
    if (event.kind === "warn") warnings.push(event.problem);
  };
  return { memory: { solver: "1", maxAgeSeconds: 60 }, now: () => now, onEvent, ...more };
}

const asked = (): string[] => world.registry.requests.map(({ line }) => line);
/** What a question for indexes leads to beside itself: the server of the test answers it by asking for each. */
const questions = (): number => asked().filter((line) => line === "POST /api/v1/index").length;
const later = (seconds: number): void => void (now = new Date(now.getTime() + seconds * 1000));
const locked = (): Promise<string> => world.read("app", "land.lock");
const memos = async (): Promise<string[]> => {
  const folder = world.at("home", "cache", "index", "resolved");
  const names = await readdir(folder).catch(() => []);
  return names.map((name) => join(folder, name));
};

test("what was told is believed for as long as the registry lets it, then asked for by one question", async () => {
  await warm();
  const lock = await locked();
  expect(await memos()).toHaveLength(1);
  await rm(world.at("home", "cache", "index", encodeURIComponent(world.registry.url)), {
    recursive: true,
  });
  later(59);
  expect((await again()).added).toHaveLength(3);
  expect([asked(), await locked()]).toEqual([[], lock]);
  later(2);
  await again();
  expect([questions(), await locked()]).toEqual([1, lock]);
  later(59);
  await again();
  expect([asked(), await locked()]).toEqual([[], lock]);
  // A clock that goes back tells nothing.
  later(-3600);
  await again();
  expect(questions()).toBe(1);
});

test("whoever wants to be asked each time is, and so are registries that want it", async () => {
  await again();
  await again({ memory: { solver: "1", maxAgeSeconds: 0 } });
  expect(questions()).toBe(1);
  for (const words of ["no-store", "private, no-cache, max-age=60", "max-age=x", ""]) {
    cacheControl = words;
    later(3600);
    await again();
    await again();
    expect([words, questions()]).toEqual([words, 1]);
  }
});

test("what was published, yanked or came after a name that was not there is seen when it is asked", async () => {
  await world.project("app", { "@ada/greet": "*", pad: "*", "opt-in": "*" }, {});
  await Bun.write(
    world.at("app", "land.json"),
    '{"name":"app","dependencies":{"@ada/greet":"*"},"optionalDependencies":{"opt-in":"*"}}',
  );
  const always = { memory: { solver: "1", maxAgeSeconds: 0 } };
  await again(always);
  expect(await locked()).not.toContain('name = "opt-in"');
  await again(always);
  const { registry } = world;
  await registry.add({ name: "pad", version: "1.5.0" });
  await again(always);
  expect(await locked()).toContain('version = "1.5.0"');
  await registry.add({ name: "pad", version: "1.5.0", yanked: true });
  await again(always);
  expect(await locked()).not.toContain('version = "1.5.0"');
  await registry.add({ name: "opt-in", version: "3.0.0" });
  await again(always);
  expect(await locked()).toContain('version = "3.0.0"');
});

test("what this machine changed itself is asked for at once", async () => {
  await warm();
  later(10);
  await again();
  expect(asked()).toEqual([]);
  noteChange(world.at("home"), now);
  await world.registry.add({ name: "pad", version: "1.5.0" });
  await again();
  expect(questions()).toBe(1);
  expect(await locked()).toContain('version = "1.5.0"');
  later(1);
  await warm();
  await again();
  expect(asked()).toEqual([]);
  await Bun.write(world.at("home", "cache", "changed"), "no moment");
  await again();
  expect(questions()).toBe(1);
});

test("another question is no longer the same", async () => {
  await again();
  const others: Partial<InstallOptions>[] = [
    { memory: { solver: "2", maxAgeSeconds: 60 } },
    { landVersion: "9.0.0" },
    { resolution: "lowest" },
    { configured: [world.registry.url] },
  ];
  for (const more of others) {
    await again(more);
    expect(asked().length).toBeGreaterThan(0);
  }
  await world.project("app", { "@ada/greet": "*", pad: "^1.0.0" });
  await again();
  expect(asked().length).toBeGreaterThan(0);
  await world.project("app", { "@ada/greet": "*", pad: "*" }, { overrides: { pad: "1.0.0" } });
  await again();
  expect(asked().length).toBeGreaterThan(0);
});

test("who solves by a policy, adds or updates is told anew", async () => {
  await again();
  const security = { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 } as const;
  for (const policy of [{ requireSignatures: true }, { minimumAgeDays: 1 }]) {
    await again({ security: { ...security, ...policy } });
    expect(questions()).toBeGreaterThan(0);
  }
  expect(await memos()).toHaveLength(1);
  for (const mode of [
    { kind: "update", names: [], latest: false },
    {
      kind: "add",
      packages: [{ name: "pad", kind: "dependencies", range: "*", exact: false }],
    },
  ] as const) {
    await again({ mode });
    expect(asked().length).toBeGreaterThan(0);
  }
  await again({ lockOnly: true });
  expect(questions()).toBe(1);
});

test("a deprecation is told each time that versions are picked anew", async () => {
  await world.registry.add({
    name: "pad",
    version: "1.0.0",
    told: { deprecated: "use \u001b[31mleft" },
  });
  for (let time = 0; time < 2; time += 1) {
    warnings = [];
    await again();
    expect(warnings).toEqual([
      expect.stringMatching(/^pad 1\.0\.0 is deprecated: use [^\u001b]*$/),
    ]);
  }
});

test("a memo that is cut, of an older form, or of another question only costs time", async () => {
  await warm();
  const lock = await locked();
  const [path = ""] = await memos();
  const whole = await Bun.file(path).text();
  const texts = [
    "",
    "{}",
    whole.slice(0, -1),
    `${whole} `,
    whole.replace("1.2.0", "1.2.1"),
    `${new Bun.CryptoHasher("sha256").update("{}").digest("hex")}\n{}`,
  ];
  for (const text of texts) {
    await Bun.write(path, text);
    await again();
    expect([questions() > 0, await locked()]).toEqual([true, lock]);
    await again();
    expect(await Bun.file(path).text()).toBe(whole);
  }
  await world.project("app", { pad: "*" });
  await again();
  const other = (await memos()).find((each) => each !== path) ?? "";
  await Bun.write(other, whole);
  await again();
  expect(asked().length).toBeGreaterThan(0);
  expect(await locked()).not.toContain("left");
});

test("a registry that takes no such questions, or another one before it, is asked for each", async () => {
  await again();
  later(100);
  world.registry.mend();
  expect((await again()).added).toHaveLength(3);
  expect(asked().filter((line) => line.startsWith("GET /api/v1/index"))).toHaveLength(3);
});

test("indexes that were kept before or after are not taken for those that stand", async () => {
  const always = { memory: { solver: "1", maxAgeSeconds: 0 } };
  await again(always);
  const folder = world.at("home", "cache", "index", encodeURIComponent(world.registry.url));
  const cached = join(folder, "left");
  const before = await Bun.file(cached).text();
  // The index of one package is of another moment than the memo; another package makes it ask anew.
  await Bun.write(cached, before.replace(/"etag":"[^,]*"/, '"etag":"\\"other\\""'));
  await world.registry.add({ name: "pad", version: "1.5.0" });
  await again(always);
  expect(await Bun.file(cached).text()).toBe(before);
  expect(await locked()).toContain('version = "1.5.0"');
  await rm(cached);
  await world.registry.add({ name: "pad", version: "1.6.0" });
  expect((await again(always)).added).toHaveLength(3);
  expect(await Bun.file(cached).text()).toBe(before);
});

test("memos of no use go with the indexes", async () => {
  const { pruneIndexCache } = await import("#install/index-cache.ts");
  await again();
  const [path = ""] = await memos();
  const old = new Date("2020-01-01T00:00:00Z");
  await utimes(path, old, old);
  await pruneIndexCache(world.at("home"), { maxBytes: 1e9, maxAgeDays: 90, now: new Date() });
  expect(await memos()).toEqual([]);
});
