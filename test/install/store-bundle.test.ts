import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";

import type { LandError } from "#base/errors.ts";
import { exportBundle } from "#install/bundle-export.ts";
import { importBundle } from "#install/bundle-import.ts";
import { parseLock } from "#install/lockfile.ts";
import { storePlaces } from "#install/store-places.ts";
import { namesIn } from "#install/store-survey.ts";

import { rawTar } from "../../fixtures/tar.ts";
import { archiveOf } from "../support/fake-registry.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const places = (home = "home") => storePlaces(world.at(home));
const home = (name = "home") => ({ ...world.options("app"), landHome: world.at(name) });
const install = (project: string, landHome = world.at("home"), more = {}) =>
  world.install(project, { landHome, ...more });
const lockOf = async (project: string) => parseLock(await world.read(project, "land.lock"));
const failure = (work: Promise<unknown>): Promise<LandError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: LandError) => error,
  );

describe("a bundle", () => {
  beforeEach(async () => {
    await world.project("app", { "@ada/greet": "*" });
    await install("app");
  });
  const exported = async (name = "app.tar", lock = true) => {
    const path = world.at(name);
    await exportBundle({ ...home(), path, lock: lock ? await lockOf("app") : undefined });
    return path;
  };

  test("brings all that an install without network needs, and is the same each time", async () => {
    const path = await exported();
    expect(await Bun.file(await exported("again.tar")).bytes()).toEqual(
      await Bun.file(path).bytes(),
    );
    const result = await importBundle({ ...home("other"), path });
    expect(result).toMatchObject({ present: 0, indexes: 3 });
    expect(result.added.length).toBe(3);
    world.registry.mend();
    await rm(world.at("app", "land_modules"), { recursive: true });
    await install("app", world.at("other"), { offline: true, frozen: true });
    await world.project("new", { left: "*" });
    await install("new", world.at("other"), { offline: true });
    expect(world.registry.requests).toEqual([]);
    expect(await importBundle({ ...home("other"), path })).toMatchObject({ added: [], present: 3 });
  });

  test("without a lock holds all that the store has", async () => {
    const path = await exported("all.tar", false);
    expect((await importBundle({ ...home("other"), path })).added.length).toBe(3);
  });

  test("names what the store lacks", async () => {
    const lock = await lockOf("app");
    await rm(world.at("home"), { recursive: true });
    const error = await failure(exportBundle({ ...home(), path: world.at("x.tar"), lock }));
    expect(error.code).toBe("not_found");
    expect(await Bun.file(world.at("x.tar")).exists()).toBe(false);
  });

  test("that is not there, or a folder, is told", async () => {
    const missing = await failure(importBundle({ ...home("other"), path: world.at("x.tar") }));
    expect(missing).toMatchObject({ code: "file_failed" });
    const folder = await failure(importBundle({ ...home("other"), path: world.at("app") }));
    expect(folder).toMatchObject({ code: "store_bundle_invalid" });
  });

  test("of which a byte was changed or cut away brings nothing in", async () => {
    const good = await Bun.file(await exported()).bytes();
    const path = world.at("bad.tar");
    for (let at = 0; at < good.length; at += 97) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      await Bun.write(path, at % 2 === 0 ? bad : good.subarray(0, at));
      const other = `other-${at}`;
      const error = await importBundle({ ...home(other), path }).catch((thrown) => thrown);
      // A changed name of a known member, or a space of the manifest, may mean the same.
      if (!(error instanceof Error)) continue;
      expect(error).toMatchObject({ code: "store_bundle_invalid" });
      expect(namesIn(places(other).index)).toEqual([]);
    }
  });

  test.each<[string, (archive: Uint8Array, hex: string) => Buffer]>([
    ["that is none", () => Buffer.from("hello")],
    ["whose manifest is no JSON", () => bundle([["manifest.json", "{"]])],
    ["whose format is not known", () => bundle([["manifest.json", '{"format":2}']])],
    [
      "with a name that leads out",
      (archive) =>
        bundle([
          ["manifest.json", manifest([])],
          ["../x", archive],
        ]),
    ],
    [
      "with more than its manifest names",
      (archive, hex) =>
        bundle([
          ["manifest.json", manifest([])],
          [`sha256/${hex}`, archive],
        ]),
    ],
    [
      "whose archive has another checksum",
      (archive, hex) =>
        bundle([
          ["manifest.json", manifest([entry(hex, archive.length)])],
          [`sha256/${hex}`, new Uint8Array(archive.length)],
        ]),
    ],
    [
      "that names one twice",
      (_, hex) => bundle([["manifest.json", manifest([entry(hex, 1), entry(hex, 1)])]]),
    ],
    [
      "with an endless size",
      (_, hex) => bundle([["manifest.json", manifest([entry(hex, 2 ** 50)])]]),
    ],
    [
      "with more packages than anyone has",
      (_, hex) =>
        bundle([["manifest.json", manifest(Array.from({ length: 20_001 }, () => entry(hex, 1)))]]),
    ],
  ])("%s is refused", async (_name, make) => {
    const archive = archiveOf({ name: "evil", version: "1.0.0" });
    const hex = new Bun.CryptoHasher("sha256").update(archive).digest("hex");
    const path = world.at("bad.tar");
    await Bun.write(path, make(archive, hex));
    const error = await failure(importBundle({ ...home("other"), path }));
    expect(error).toMatchObject({ code: "store_bundle_invalid", exitCode: 1 });
    expect(namesIn(places("other").index)).toEqual([]);
  });
});

const entry = (hex: string, sizeBytes: number) => ({
  name: "evil",
  version: "1.0.0",
  digest: `sha256:${hex}`,
  sizeBytes,
});
const manifest = (packages: object[]) => JSON.stringify({ format: 1, packages, indexes: [] });
const bundle = (entries: [string, string | Uint8Array][]): Buffer =>
  rawTar(entries.map(([name, content]) => ({ name, content: Buffer.from(content) })));
