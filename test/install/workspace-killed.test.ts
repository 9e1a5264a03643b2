import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { cp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { InstallMode } from "#install/options.ts";

import { hashTree, writeFiles } from "../support/project.ts";
import { toJson, type WorkspaceWorld, workspaceWorld } from "./workspace-world.ts";

const CHILD = join(import.meta.dir, "..", "support", "installs-until-killed.ts");
const KILLS = 16;

let world: WorkspaceWorld;
beforeEach(async () => {
  world = await workspaceWorld();
  await world.workspace({
    "packages/a": { name: "@w/a", dependencies: { "@w/b": "workspace:*" }, bin: { ay: "a.ts" } },
    "packages/b": { name: "@w/b", version: "1.0.0", bin: { bee: "b.ts" } },
  });
});
afterEach(() => world[Symbol.asyncDispose]());

const add = (name: string, range: string): InstallMode => ({
  kind: "add",
  packages: [{ name, range, kind: "dependencies", exact: false }],
});
/** Done in the folder of a member, whose manifest they change. */
const MODES: InstallMode[] = [
  add("left", "^1.0.0"),
  add("@w/b", "workspace:^"),
  { kind: "remove", names: ["left"] },
  add("@ada/greet", "0.x"),
  { kind: "remove", names: ["@w/b", "@ada/greet"] },
];

test(`after each of ${KILLS} kills, links, commands and manifests of members are what they should be`, async () => {
  const tree = (): string[] =>
    existsSync(world.at("ws/land_modules")) ? readdirSync(world.at("ws/land_modules")) : [];
  const seen = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Links change too: one member moves, and another comes or goes.
    const [from, to] = kill % 2 === 0 ? ["b", "c"] : ["c", "b"];
    await rename(world.at("ws/packages", from), world.at("ws/packages", to));
    await rm(world.at("ws/packages/pad"), { recursive: true, force: true });
    if (kill % 4 < 2)
      await writeFiles(world.at("ws"), {
        "packages/pad/land.json": toJson({ name: "pad", version: "1.7.0" }),
      });
    const child = Bun.spawn(
      [
        process.execPath,
        CHILD,
        world.at("ws/packages/a"),
        world.at("home"),
        world.registry.url,
        JSON.stringify(MODES),
        "loop",
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    );
    await child.stdout.getReader().read();
    const isAtWork = (): boolean => tree().some((name) => name.startsWith(".land-"));
    await waitFor(isAtWork, 1000);
    await waitFor(() => false, (kill * 7) % 40);
    child.kill("SIGKILL");
    await child.exited;
    for (const name of tree()) if (name.startsWith(".land-")) seen.add(name);
    await world.install("ws");
    await expectExact();
  }
  // The kills did meet installs at work.
  expect(seen.size).toBeGreaterThan(0);
}, 60_000);

/** Waits, letting others run, until `there` or the time is over. */
async function waitFor(there: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!there() && performance.now() < end) await new Promise((go) => setImmediate(go));
}

/** The tree is the one that a copy of the workspace without a tree gets from the lock. */
async function expectExact(): Promise<void> {
  await rm(world.at("fresh"), { recursive: true, force: true });
  await cp(world.at("ws"), world.at("fresh"), {
    recursive: true,
    filter: (path) => !path.includes("land_modules"),
  });
  await world.install("fresh", { frozen: true });
  expect(await shapeOf("ws")).toEqual(await shapeOf("fresh"));
  for (const folder of ["ws", "ws/packages/a"])
    expect((await readdir(world.at(folder))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}

/** Files by their hashes, links by where they lead. */
async function shapeOf(project: string): Promise<Record<string, string>> {
  const dir = world.at(project, "land_modules");
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const links = entries
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path): [string, string] => [path.slice(dir.length + 1), readlinkSync(path)]);
  return { ...(await hashTree(dir)), ...Object.fromEntries(links) };
}
