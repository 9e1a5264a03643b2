import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { globalNames } from "#install/global-folders.ts";
import { listGlobals } from "#install/global.ts";
import { stateFile } from "#install/state.ts";

import { type InstallWorld, installWorld } from "./world.ts";

const CHILD = join(import.meta.dir, "..", "support", "globals-until-killed.ts");
const KILLS = 20;

let world: InstallWorld;
beforeEach(async () => {
  world = await installWorld();
  const many = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`lib/${n}.ts`, `${n}`]));
  await world.registry.add({
    name: "pad",
    version: "1.0.0",
    bin: { pad: "p.sh" },
    files: { ...many, "p.sh": "#!/bin/sh\necho pad\n" },
  });
  for (const version of ["1.0.0", "2.0.0"]) {
    const files = { ...many, "greet.sh": `#!/bin/sh\necho ${version}\n` };
    const bin = { greet: "greet.sh", [`v${version[0]}`]: "greet.sh" };
    await world.registry.add({
      name: "@ada/greet",
      version,
      dependencies: { pad: "1" },
      bin,
      files,
    });
  }
});
afterEach(() => world[Symbol.asyncDispose]());

test(`after each of ${KILLS} kills at any point, state, folders and commands agree again, and each command runs`, async () => {
  const seen = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = Bun.spawn([process.execPath, CHILD, world.at("home"), world.registry.url], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    await readDots(child.stdout, 1 + (kill % 4));
    await spin((kill * 37) % 110);
    child.kill("SIGKILL");
    await child.exited;
    seen.add(await expectAgreement());
  }
  // The kills did meet different moments.
  expect(seen.size).toBeGreaterThan(1);
}, 90_000);

/** Answers what is installed. */
async function expectAgreement(): Promise<string> {
  const home = {
    landHome: world.at("home"),
    command: "land list",
    lockTimeoutMs: 20_000,
    now: () => new Date(),
  };
  const state = stateFile(home);
  const listed = await listGlobals({ ...home, state, random: (size) => randomBytes(size) });
  expect((await state.read()).globals).toEqual(listed);
  expect(globalNames(home.landHome).toSorted()).toEqual(listed.map(({ name }) => name));
  const dir = world.at("home", "bin");
  const commands = existsSync(dir) ? readdirSync(dir).toSorted() : [];
  expect(commands).toEqual(listed.flatMap(({ bins }) => bins).toSorted());
  for (const { name, version, bins } of listed)
    for (const command of bins) {
      expect(readlinkSync(join(dir, command))).toStartWith(`../packages/${name}/`);
      const { stdout, exitCode } = Bun.spawnSync([join(dir, command)]);
      expect([exitCode, stdout.toString().trim()]).toEqual([0, name === "pad" ? "pad" : version]);
    }
  return listed.map(({ name, version }) => `${name}@${version}`).join();
}

/** Waits until so many acts have begun. */
async function readDots(stdout: ReadableStream<Uint8Array>, wanted: number): Promise<void> {
  const reader = stdout.getReader();
  for (let seen = 0; seen < wanted;) seen += (await reader.read()).value?.length ?? wanted;
}

async function spin(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await new Promise((go) => setImmediate(go));
}
