import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type FakeRegistry, fakeRegistry } from "#test/support/fake-registry.ts";

import { type Ran, run } from "./world.ts";

let root: string;
let registry: FakeRegistry;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-global-"));
  registry = await fakeRegistry();
  for (const version of ["1.0.0", "1.1.0"])
    await registry.add({
      name: "greet",
      version,
      bin: { greet: "greet.sh" },
      files: { "greet.sh": `#!/bin/sh\necho ${version}\n` },
    });
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const land = (argv: string[], env: Record<string, string> = {}): Promise<Ran> =>
  run(argv, {
    cwd: root,
    home: root,
    env: { LAND_REGISTRY: registry.url, SHELL: "/bin/bash", ...env },
  });

test("a global package is installed, listed, updated and taken away", async () => {
  const installed = await land(["install", "-g", "greet@1.0.0"]);
  expect(installed.exitCode).toBe(0);
  expect(installed.stderr.replace(/\(.*\)/, "(T)")).toBe(`Downloaded greet 1.0.0
+ greet 1.0.0
1 package: 1 added (T)
Commands: greet

${root}/.land/bin is not on your PATH: to run the commands by name,
add \`export PATH="$HOME/.land/bin:$PATH"\` to ~/.bashrc
`);
  expect((await land(["list", "-g"])).stdout).toBe("greet  1.0.0  greet\n");
  expect((await land(["list", "-g", "--json"])).json()).toMatchObject({
    packages: [{ name: "greet", version: "1.0.0", dependencies: [], bins: ["greet"] }],
  });
  await land(["install", "-g", "greet@^1.0.0 <1.1.0"]);
  const dry = await land(["update", "-g", "--latest", "--dry-run", "--json"]);
  const changed = [{ name: "greet", version: "1.1.0", from: "1.0.0" }];
  expect(dry.json()).toMatchObject({ changed });
  expect((await land(["update", "-g", "greet", "--latest", "--json"])).json()).toMatchObject({
    added: [],
    removed: [],
    changed,
    unchanged: 0,
    bins: [{ command: "greet", package: "greet", path: join(root, ".land/bin/greet") }],
  });
  const plan = await land(["uninstall", "-g", "greet", "--dry-run"]);
  expect(plan.stderr).toBe(
    "- greet 1.1.0\n0 packages: 1 removed (a dry run: nothing was written)\n",
  );
  const gone = await land(["uninstall", "-g", "greet"]);
  expect(gone).toMatchObject({ exitCode: 0, stdout: "" });
  expect(gone.stderr).toStartWith("- greet 1.1.0\n");
  expect((await land(["list", "-g"])).stdout).toBe("Nothing is installed for you\n");
});

test("nothing is said of PATH where the folder is on it, and each shell gets its own line", async () => {
  const on = await land(["install", "-g", "greet"], { PATH: `/bin:${root}/.land/bin/` });
  expect(on.stderr).not.toContain("PATH");
  const fish = await land(["install", "-g", "greet"], { SHELL: "/usr/bin/fish" });
  expect(fish.stderr).toContain("run `fish_add_path $HOME/.land/bin`");
  const quiet = await land(["install", "-g", "greet", "--quiet"]);
  expect(quiet.stderr).toBe("");
});

test("what is meant otherwise is told", async () => {
  const folder = await land(["install", "-g", "."]);
  expect(folder.exitCode).toBe(2);
  expect(folder.stderr).toContain("it is a folder, not a package of a registry");
  const plain = await land(["install", "greet"]);
  expect(plain.exitCode).toBe(2);
  expect(plain.stderr).toContain("Use `land add greet`, or `land install -g greet`");
  expect((await land(["install", "-g"])).stderr).toContain("name the packages");
  expect((await land(["uninstall", "-g", "left"])).stderr).toContain(
    'Cannot find "left" among the global packages',
  );
  expect((await land(["uninstall", "-g", "left"])).stderr).toContain("`land list -g`");
  const versioned = await land(["update", "-g", "greet@1.0.0"]);
  expect(versioned.exitCode).toBe(2);
  expect(versioned.stderr).toContain("`land install -g greet@1.0.0` goes to that version");
  const unsolved = await land(["install", "-g", "greet@^9"]);
  expect(unsolved.exitCode).toBe(10);
  expect(unsolved.stderr).toContain("Tried, and it works: `land install -g greet@^1.1.0`");
  await Bun.write(join(root, "land.json"), '{"dependencies": {"greet": "1"}}');
  const before = await Bun.file(join(root, "land.json")).text();
  const plan = await land(["uninstall", "greet", "--dry-run"]);
  expect(plan.stderr).toContain("manifest: greet loses it");
  expect(await Bun.file(join(root, "land.json")).text()).toBe(before);
  expect((await land(["uninstall", "geret"])).stderr).toContain(
    "Did you mean `land remove greet`?",
  );
  const removed = await land(["uninstall", "greet"]);
  expect(removed).toMatchObject({ exitCode: 0 });
  expect(removed.stderr).toStartWith("Without -g this is `land remove`\n");
  expect(await Bun.file(join(root, "land.json")).json()).toEqual({ dependencies: {} });
});

test("upgrade asks nobody unless a source is configured, and a project cannot configure one", async () => {
  const none = await land(["upgrade", "--check"]);
  expect(none.exitCode).toBe(1);
  expect(none.stderr).toContain("no source of releases is configured");
  const project = { config: { upgrade: { source: "https://evil.example" } } };
  await Bun.write(join(root, "land.json"), JSON.stringify(project));
  expect((await land(["upgrade"])).stderr).toContain("a project may not set it");
  await rm(join(root, "land.json"));
  const source = { LAND_UPGRADE_SOURCE: registry.url };
  expect((await land(["upgrade", "--check"], source)).stderr).toContain(
    "built without a release key",
  );
  expect((await land(["upgrade", "--json"], source)).json()).toMatchObject({
    code: "upgrade_refused",
  });
  expect(registry.requests).toEqual([]);
});
