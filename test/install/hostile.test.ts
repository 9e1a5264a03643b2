import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";

import { hostileArchives } from "#fixtures/archives.ts";

import { installWorld } from "./world.ts";

test("a hostile archive is refused by the client, named, and nothing of it stays", async () => {
  await using world = await installWorld();
  await world.project("app", { left: "1.0.0" });
  const before = await world.snapshot("app");
  for (const { name, bytes, entry, onlyInspect } of hostileArchives()) {
    await world.registry.add({ name: "left", version: "1.0.0", archive: bytes() });
    const error = await world.refusal("app");
    // `package_refused` names the package around what the archive's reader said.
    expect({ name, code: error.code }).toEqual({
      name,
      code: expect.stringMatching(/^(?:package_refused|archive_|manifest_)/),
    });
    expect(error.message).toContain("left@1.0.0");
    if (entry !== undefined && !onlyInspect) expect(error.message).toContain(entry);
    expect(await world.snapshot("app")).toEqual(before);
    expect(await readdir(world.root)).toEqual(["app", "home"]);
  }
}, 120_000);
