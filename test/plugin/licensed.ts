import { gzipped, rawTar } from "#fixtures/tar.ts";
import { type Ran, run } from "#test/commands/world.ts";
import { type InstallWorld, installWorld } from "#test/install/world.ts";
import { writeFiles } from "#test/support/project.ts";

/** A registry with packages under several licenses, and a project that has them. */
export async function licensedWorld(): Promise<InstallWorld> {
  const world = await installWorld();
  const add = async (name: string, dependencies: Record<string, string>, more: object) => {
    const content = JSON.stringify({ name, version: "1.0.0", dependencies, ...more });
    const archive = gzipped(rawTar([{ name: "package/land.json", content }]));
    await world.registry.add({ name, version: "1.0.0", dependencies, archive });
  };
  await add(
    "pad",
    {},
    { license: "GPL-3.0-only", description: "Pads", homepage: "https://pad.example" },
  );
  await add("left", { pad: "1" }, { license: "(mit or Apache-2.0)" });
  await add("@ada/greet", { left: "1" }, { license: "Our own terms" });
  await add("bare", {}, {});
  await world.project("p", { "@ada/greet": "1", bare: "1" }, { version: "2.0.0", license: "MIT" });
  return world;
}

/** Runs land in that project, with these settings of the user. */
export async function land(
  world: InstallWorld,
  args: string[],
  config: object = {},
  more: object = {},
): Promise<Ran> {
  await writeFiles(world.at("h"), { ".land/config.json": JSON.stringify(config) });
  return run([...args, "--registry", world.registry.url], {
    cwd: world.at("p"),
    home: world.at("h"),
    now: () => new Date("2026-03-01T12:00:00.500Z"),
    ...more,
  });
}
