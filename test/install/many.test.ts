import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";

import { storePlaces } from "#install/store-places.ts";

import { problem } from "../support/fake-registry.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

/** The archives of the fake registry in one stream, as `change` makes them. */
async function answerArchives(
  world: InstallWorld,
  request: Request,
  change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  packages: readonly (readonly [string, string])[] = PACKAGES,
): Promise<Response> {
  const asked = await request.text();
  const parts: Uint8Array[] = [];
  for (const [name, version] of packages) {
    const address = `${world.registry.url}/api/v1/packages/${encodeURIComponent(name)}/${version}/download`;
    const bytes = await (await fetch(address)).bytes();
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
    if (!asked.includes(digest)) continue;
    const sent = change(bytes);
    parts.push(Buffer.from(`${JSON.stringify({ digest, size: sent.length })}\n`), sent);
  }
  return new Response(Buffer.concat(parts), {
    headers: { "content-type": "application/x-land-archives" },
  });
}

const PACKAGES = [
  ["pad", "1.0.0"],
  ["left", "1.2.0"],
  ["@ada/greet", "0.1.0"],
] as const;

test("indexes and archives come by two questions where the registry takes them", async () => {
  await using world = await stockedWorld();
  await world.project("alone", { "@ada/greet": "*", pad: "*" });
  await world.install("alone");
  await world.project("app", { "@ada/greet": "*", pad: "*" });
  world.registry.mend();
  world.registry.fail("POST /api/v1/archives", async (request) => answerArchives(world, request));
  world.registry.fail("POST /api/v1/index", async () => {
    const parts: string[] = [];
    for (const [name] of PACKAGES) {
      const alone = await fetch(`${world.registry.url}/api/v1/index/${encodeURIComponent(name)}`);
      const head = { package: name, etag: alone.headers.get("etag") };
      parts.push(`${JSON.stringify(head)}\n${await alone.text()}`);
    }
    return new Response(parts.join(""), { headers: { "content-type": "application/x-ndjson" } });
  });
  const stored: string[] = [];
  await world.install("app", {
    landHome: world.at("other-home"),
    onEvent: (event) => void (event.kind === "stored" && stored.push(event.name)),
  });
  const byLand = world.registry.requests.filter(({ line }) => line.startsWith("POST"));
  expect(byLand.map(({ line }) => line)).toEqual(["POST /api/v1/index", "POST /api/v1/archives"]);
  expect(stored.toSorted()).toEqual(["@ada/greet", "left", "pad"]);
  const [alone, app] = [await world.snapshot("alone"), await world.snapshot("app")];
  expect({ ...app, "land.json": "" }).toEqual({ ...alone, "land.json": "" });
});

test("other bytes than the lock names are refused, and nothing of the project changes", async () => {
  await using world = await stockedWorld();
  await world.project("app", { "@ada/greet": "*" });
  const before = await world.snapshot("app");
  world.registry.fail("POST /api/v1/archives", async (request) =>
    answerArchives(world, request, (bytes) => bytes.toReversed()),
  );
  expect((await world.refusal("app")).code).toBe("checksum_mismatch");
  expect(await world.snapshot("app")).toEqual(before);
});

test("a registry that refuses such questions, or answers them with nonsense, is asked for each", async () => {
  for (const answer of [
    () => problem(404, "not_found"),
    () => new Response("", { status: 405 }),
    () => new Response("", { status: 501 }),
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  ]) {
    await using world = await stockedWorld();
    await world.project("app", { "@ada/greet": "*", pad: "*" });
    world.registry.fail("POST", answer, 100);
    expect((await world.install("app")).added).toHaveLength(3);
    const lines = world.registry.requests.map(({ line }) => line);
    // Asked once, and not again in the same install.
    expect(lines.filter((line) => line === "POST /api/v1/index")).toHaveLength(1);
    expect(lines.filter((line) => line === "POST /api/v1/archives")).toHaveLength(1);
    expect(lines.filter((line) => line.endsWith("/download"))).toHaveLength(3);
  }
});

test("a size that the index does not allow is not taken", async () => {
  await using world = await stockedWorld();
  await world.project("app", { "@ada/greet": "*", pad: "*" });
  world.registry.fail("POST /api/v1/archives", async (request) =>
    answerArchives(world, request, (bytes) => Buffer.concat([bytes, Buffer.alloc(1000)])),
  );
  expect((await world.install("app")).added).toHaveLength(3);
  const lines = world.registry.requests.map(({ line }) => line);
  expect(lines.filter((line) => line.endsWith("/download")).length).toBeGreaterThan(2);
});

test("many archives are unpacked by two threads, and what is wrong with one is told as ever", async () => {
  await using world = await stockedWorld();
  const names = Array.from({ length: 40 }, (_, at) => `many-${at}`);
  const packages = names.map((name) => [name, "1.0.0"] as const);
  for (const name of names)
    await world.registry.add({
      name,
      version: "1.0.0",
      files: { "same.txt": "same", "own.txt": name },
    });
  const wanted = Object.fromEntries(names.map((name) => [name, "*"]));
  await world.project("app", wanted);
  const answer = async (request: Request): Promise<Response> =>
    answerArchives(world, request, undefined, packages);
  world.registry.fail("POST /api/v1/archives", answer, 9);
  const stored = new Set<string>();
  const onEvent = (event: { kind: string; name?: string }): void => {
    if (event.kind === "stored") stored.add(event.name ?? "");
  };
  expect((await world.install("app", { onEvent })).added).toHaveLength(40);
  expect(stored).toEqual(new Set(names));
  for (const name of names)
    expect(await world.read("app", "land_modules", name, "own.txt")).toBe(name);
  const archive = new TextEncoder().encode("no archive");
  await world.registry.add({ name: "many-bad", version: "1.0.0", archive });
  await world.project("bad", { ...wanted, "many-bad": "*" });
  world.registry.mend();
  world.registry.fail(
    "POST /api/v1/archives",
    async (request) =>
      answerArchives(world, request, undefined, [...packages, ["many-bad", "1.0.0"]]),
    9,
  );
  const error = await world.refusal("bad", { landHome: world.at("other-home") });
  expect([error.code, error.message]).toEqual([
    "package_refused",
    expect.stringContaining("many-bad@1.0.0"),
  ]);
});

test("many packages are laid by two threads, and what the store lost of one is brought again", async () => {
  await using world = await stockedWorld();
  const names = Array.from({ length: 40 }, (_, at) => `many-${at}`);
  for (const name of names)
    await world.registry.add({ name, version: "1.0.0", files: { "deep/own.txt": name } });
  await world.project("app", Object.fromEntries(names.map((name) => [name, "*"])));
  const linked = { link: "hardlink" } as const;
  await world.install("app", linked);
  const objects = storePlaces(world.at("home"));
  const objectOf = (name: string): string =>
    objects.objectPath({ sha256: Bun.SHA256.hash(name, "hex"), executable: false });
  const lost = names.filter((_, at) => at % 7 === 0);
  for (const name of lost) await rm(objectOf(name));
  await chmod(objectOf("many-1"), 0o644);
  await Bun.write(objectOf("many-1"), "other-1");
  await rm(world.at("app", "land_modules"), { recursive: true });
  await world.install("app", linked);
  for (const name of names) {
    const laid = world.at("app", "land_modules", name, "deep/own.txt");
    expect(await Bun.file(laid).text()).toBe(name);
    expect(statSync(laid).ino).toBe(statSync(objectOf(name)).ino);
  }
});
