import { expect, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";

import type { InstallOptions } from "#install/options.ts";

import { type InstallWorld, stockedWorld } from "../install/world.ts";
import { answerIndexes } from "../support/index-answers.ts";

const REMEMBERING: Partial<InstallOptions> = { memory: { solver: "1", maxAgeSeconds: 60 } };
const OTHER = `sha256:${"0".repeat(64)}`;

/** A home whose memo of the project `app` somebody changed, who knows how it is kept. */
async function poisoned(
  change: (memo: { lock: string; asked: unknown }) => object,
): Promise<InstallWorld> {
  const world = await stockedWorld();
  await world.project("app", { "@ada/greet": "*", pad: "*" });
  world.registry.fail(
    "POST /api/v1/index",
    async (request) => answerIndexes(world.registry.url, request, "max-age=60"),
    1000,
  );
  for (let time = 0; time < 2; time += 1) await begin(world);
  const folder = world.at("home", "cache", "index", "resolved");
  const [key = ""] = await readdir(folder);
  const [, body = ""] = (await Bun.file(`${folder}/${key}`).text()).split("\n");
  const changed = JSON.stringify({ ...JSON.parse(body), ...change(JSON.parse(body)) });
  const sum = new Bun.CryptoHasher("sha256").update(`${key}\n${changed}`).digest("hex");
  await Bun.write(`${folder}/${key}`, `${sum}\n${changed}`);
  await rm(world.at("app", "land.lock"));
  await rm(world.at("app", "land_modules"), { recursive: true });
  world.registry.requests.length = 0;
  return world;
}

async function begin(world: InstallWorld): Promise<void> {
  await rm(world.at("app", "land.lock"), { force: true });
  await rm(world.at("app", "land_modules"), { recursive: true, force: true });
  await world.install("app", REMEMBERING);
}

const locked = (world: InstallWorld): Promise<string> => world.read("app", "land.lock");

test("bytes that a memo names in another way are never laid", async () => {
  await using world = await poisoned(({ lock }) => ({
    lock: lock.replace(/sha256:[0-9a-f]+/, OTHER),
  }));
  expect((await world.refusal("app", REMEMBERING)).code).toBe("checksum_mismatch");
  expect(await readdir(world.at("app"))).toEqual(["land.json"]);
});

test("a memo leads to no other registry, and to no package that nothing asks for", async () => {
  const changes: ((lock: string) => string)[] = [
    (lock) => lock.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:9"),
    (lock) =>
      lock.replace(
        /\n$/,
        `\n\n${lock.slice(lock.lastIndexOf("[[package]]")).replace('"pad"', '"evil"')}`,
      ),
    (lock) => lock.replace('dependencies = ["left"]', 'dependencies = ["left", "evil"]'),
    (lock) => lock.replace('name = "left"', 'name = "../../left"'),
    (lock) => lock.replace('["@ada/greet@*", "pad@*"]', '["@ada/greet@*"]'),
    (lock) => lock.replace("version = 1\n", "version = 2\n"),
    () => "",
  ];
  for (const change of changes) {
    await using world = await poisoned(({ lock }) => ({ lock: change(lock) }));
    await world.install("app", REMEMBERING);
    expect(await locked(world)).not.toMatch(/evil|:9"|\.\./);
    expect(world.registry.requests.length).toBeGreaterThan(0);
  }
});

test("a memo makes nobody believe a clock, nor ask a registry that is not trusted", async () => {
  const ahead = Date.now() + 3_600_000;
  await using future = await poisoned(() => ({ toldAt: ahead, maxAgeSeconds: 1e12 }));
  await future.install("app", REMEMBERING);
  expect(future.registry.requests.length).toBeGreaterThan(0);
  await using past = await poisoned(() => ({ toldAt: 0, maxAgeSeconds: 1e12 }));
  await past.install("app", REMEMBERING);
  expect(past.registry.requests.length).toBeGreaterThan(0);
  await using other = await poisoned(({ asked }) => ({
    toldAt: 0,
    asked: [...(Array.isArray(asked) ? asked : []), ["http://127.0.0.1:9", [["left", '"e"']]]],
  }));
  expect((await other.install("app", REMEMBERING)).added).toHaveLength(3);
});

test("keys and bytes that the lock pins stand above a memo", async () => {
  const other = `ed25519:${Buffer.alloc(32, 7).toString("base64url")}`;
  for (const change of [
    (lock: string) => lock.replaceAll(/ed25519:[\w-]+/g, other),
    (lock: string) => lock.replace(/sha256:[0-9a-f]+/, OTHER),
  ]) {
    await using world = await poisoned(({ lock }) => ({ lock }));
    // A question whose old lock knows all of them: the manifest came to ask for one more.
    await world.install("app", REMEMBERING);
    await world.registry.add({ name: "more", version: "1.0.0" });
    const lock = await locked(world);
    const wanted = { "@ada/greet": "*", pad: "*", more: "*" };
    await world.project("app", wanted);
    await world.install("app", REMEMBERING);
    const right = await locked(world);
    const folder = world.at("home", "cache", "index", "resolved");
    for (const key of await readdir(folder)) {
      const [, body = ""] = (await Bun.file(`${folder}/${key}`).text()).split("\n");
      const memo = JSON.parse(body);
      const text = JSON.stringify({ ...memo, lock: change(memo.lock), maxAgeSeconds: 60 });
      const sum = new Bun.CryptoHasher("sha256").update(`${key}\n${text}`).digest("hex");
      await Bun.write(`${folder}/${key}`, `${sum}\n${text}`);
    }
    await Bun.write(world.at("app", "land.lock"), lock);
    await world.install("app", REMEMBERING);
    expect(await locked(world)).toBe(right);
  }
});
