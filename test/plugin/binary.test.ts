import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { hashTree, writeFiles } from "../support/project.ts";
import { type PluginStage, pluginStage } from "./stage.ts";

/** Plugins through the compiled binary. Each test has a home of its own. */
let stage: PluginStage;
beforeAll(async () => void (stage = await pluginStage()));
afterAll(() => stage[Symbol.asyncDispose]());

const HELLO = `import { definePlugin, type Plugin } from "land";
const punctuation: Record<string, string> = { loud: "!" };
export default definePlugin({
  name: "hello",
  description: "greets",
  setup(land) {
    land.command({
      name: "hello",
      about: "Greet somebody",
      arguments: "name",
      flags: { loud: { type: "boolean", about: "Louder", short: "l" }, "with-word": { type: "text", about: "What to say" } },
      run: ({ flags, args }) => {
        if (args.length === 0) throw land.error("usage", { problem: "Cannot greet nobody" });
        if (args[0] === "bug") throw new TypeError("oops");
        const text = \`\${flags["with-word"] ?? "hello"} \${args.join(" and ")}\${flags.loud ? punctuation.loud : ""}\`;
        land.say("thinking");
        return { value: { text }, text: "\\u001b[31m" + text };
      },
    });
  },
} satisfies Plugin);
`;

describe("a plugin in TypeScript", () => {
  test("adds a command that is like land's own", async () => {
    const { run } = await stage.newHome({ "hello.ts": HELLO });
    const ran = await run(["hello", "bob", "eve", "-l", "--with-word", "hi"]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: "hi bob and eve!\n", stderr: "thinking\n" });
    expect((await run(["hello", "bob", "--json"])).json()).toEqual({ text: "hello bob" });
    expect(await run(["hello", "bob", "--quiet"])).toMatchObject({
      stdout: "hello bob\n",
      stderr: "",
    });
    expect((await run(["hello", "bob"], { LAND_LOUD: "1" })).stdout).toBe("hello bob!\n");
    const unknown = await run(["hello", "bob", "--lout"]);
    expect(unknown).toMatchObject({ exitCode: 2 });
    expect(unknown.stderr).toContain("Did you mean `--loud`?");
    expect(await run(["hello"])).toMatchObject({
      exitCode: 2,
      stderr: "error: Cannot greet nobody\n",
    });
    const bug = await run(["hello", "bug"]);
    expect(bug).toMatchObject({ exitCode: 1 });
    expect(bug.stderr).toStartWith(
      'error: Cannot finish `land hello`: the plugin "hello" failed: oops',
    );
    expect((await run(["help"])).stdout).toMatch(
      /^Plugins:\n {2}hello +Greet somebody\n {2}licenses /m,
    );
    for (const args of [
      ["hello", "--help"],
      ["help", "hello"],
    ])
      expect((await run(args)).stdout).toStartWith(
        "Greet somebody\n\nUsage: land hello [name]… [flags]",
      );
    expect((await run(["helo"])).stderr).toContain("Did you mean `land hello`?");
  });

  test("is off with --no-plugins, LAND_NO_PLUGINS and the setting", async () => {
    const { run } = await stage.newHome({ "hello.ts": HELLO });
    for (const [args, env] of [
      [["hello", "bob", "--no-plugins"], {}],
      [["hello", "bob"], { LAND_NO_PLUGINS: "1" }],
      [["hello", "bob"], { LAND_PLUGINS_ENABLED: "false" }],
    ] as const)
      expect(await run(args, env)).toMatchObject({ exitCode: 2, stdout: "" });
    expect((await run(["help", "--no-plugins"])).stdout).not.toContain("Plugins:");
    const { run: off } = await stage.newHome(
      { "hello.ts": HELLO },
      { plugins: { enabled: false } },
    );
    expect(await off(["hello", "bob"])).toMatchObject({ exitCode: 2 });
  });

  test("is not loaded where nothing needs one", async () => {
    const { run, cwd } = await stage.newHome({ "marks.ts": 'await Bun.write("ran", "");' });
    expect(await run(["add", "pad", "--no-plugins"])).toMatchObject({ exitCode: 0 });
    for (const args of [
      ["verify"],
      ["audit"],
      ["install"],
      ["list"],
      ["install", "--help"],
      ["version"],
    ])
      await run(args);
    expect(existsSync(join(cwd, "ran"))).toBe(false);
    await run(["nothing"]);
    expect(existsSync(join(cwd, "ran"))).toBe(true);
  });

  test("is never loaded from a project", async () => {
    const { run, cwd } = await stage.newHome();
    await writeFiles(cwd, { "plugins/hello.ts": HELLO, ".land/plugins/hello.ts": HELLO });
    expect(await run(["hello", "bob"])).toMatchObject({ exitCode: 2 });
  });
});

describe("a broken plugin", () => {
  test("is told, and everything else works", async () => {
    const { run } = await stage.newHome({
      "hello.ts": HELLO,
      "broken.ts": "export default {",
      "taken.ts":
        'export default { name: "taken", setup(land) { land.command({ name: "publish", about: "x", run: () => ({ value: "stolen" }) }); } };',
    });
    const listed = await run(["plugin", "list", "--json"]);
    expect(listed.json()).toMatchObject({
      plugins: [
        { name: "broken", problem: expect.stringContaining("end of file") },
        { name: "hello", commands: ["hello"], problem: null },
        { name: "licenses", bundled: true },
        { name: "notify" },
        { name: "sbom" },
        { name: "taken", problem: 'it adds the command "publish", which land has itself' },
      ],
    });
    const help = await run(["help"]);
    expect(help).toMatchObject({ exitCode: 0 });
    expect(help.stderr).toContain('warning: Cannot load the plugin "broken": ');
    expect(await run(["hello", "bob"])).toMatchObject({ exitCode: 0 });
    expect(await run(["add", "pad"])).toMatchObject({ exitCode: 0 });
    const nothing = await run(["nothing"]);
    expect(nothing).toMatchObject({ exitCode: 2 });
    expect(nothing.stderr).toContain('warning: Cannot load the plugin "broken"');
  });

  test("that hangs is given up; one that never lets go ends the command with its name", async () => {
    const { run } = await stage.newHome({
      "hello.ts": HELLO,
      "hangs.ts": 'export default { name: "hangs", setup: () => new Promise(() => {}) };',
    });
    expect((await run(["plugin", "list"])).stdout).toContain("broken: it did not end within 5 s");
    const spinning = await stage.newHome({
      "spins.ts": 'export default { name: "spins", setup() { for (;;); } };',
    });
    const ran = await spinning.run(["hello", "bob", "--json"]);
    expect(ran).toMatchObject({ exitCode: 1, stderr: "" });
    expect(ran.json()).toMatchObject({
      code: "plugin_invalid",
      detail: 'Cannot load the plugin "spins": its setup did not end within 5 s',
    });
    expect(await spinning.run(["list"])).toMatchObject({ exitCode: 0 });
  }, 60_000);
});

describe("land plugin add", () => {
  test("copies a file, which must stay as it is", async () => {
    const { run, cwd, plugin } = await stage.newHome();
    await writeFiles(cwd, { "mine.ts": HELLO });
    const asked = await run(["plugin", "add", "mine.ts"]);
    expect(asked).toMatchObject({ exitCode: 2, stdout: "" });
    expect(asked.stderr).toContain("give --yes");
    expect(existsSync(plugin("hello.ts"))).toBe(false);
    const added = await run(["plugin", "add", "mine.ts", "--yes", "--json"]);
    expect(added.json()).toMatchObject({
      name: "hello",
      file: "hello.ts",
      sha256: new Bun.CryptoHasher("sha256").update(HELLO).digest("hex"),
      commands: ["hello"],
    });
    expect(await run(["hello", "bob"])).toMatchObject({ stdout: "hello bob\n" });
    await Bun.write(plugin("hello.ts"), HELLO.replace("greets", "steals"));
    const changed = await run(["hello", "bob"]);
    expect(changed).toMatchObject({ exitCode: 1, stdout: "" });
    expect(changed.stderr).toContain("its file is not the one that was added");
    expect(changed.stderr).toContain("run `land plugin add` with it again");
    expect(await run(["plugin", "add", plugin("hello.ts"), "--yes"])).toMatchObject({
      exitCode: 0,
    });
    expect(await run(["hello", "bob"])).toMatchObject({ exitCode: 0 });
    expect(await run(["plugin", "remove", "hello"])).toMatchObject({ exitCode: 0 });
    expect(await run(["hello", "bob"])).toMatchObject({ exitCode: 2 });
    expect(Object.keys(await hashTree(plugin()))).toEqual([".keep", "plugins.json"]);
  });

  test("bundles a folder with what it needs", async () => {
    const { run, cwd, plugin } = await stage.newHome();
    const dir = join(cwd, "box");
    await writeFiles(dir, {
      "package.json": '{ "name": "box", "main": "src/main.ts", "dependencies": { "pad": "1" } }',
      "src/main.ts": `import { definePlugin } from "land";
        import { pad } from "pad";
        import { word } from "./word.ts";
        export default definePlugin({ name: "box", setup(land) {
          land.command({ name: "box", about: "Box", run: () => ({ value: 1, text: pad(word) }) });
        } });`,
      "src/word.ts": 'export const word: string = "boxed";',
    });
    const early = await run(["plugin", "add", "./box", "--yes"]);
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.stderr).toContain("`land install` in its folder");
    expect(await run(["install", "--cwd", dir])).toMatchObject({ exitCode: 0 });
    expect(await run(["plugin", "add", "./box", "--yes"])).toMatchObject({ exitCode: 0 });
    expect(await Bun.file(plugin("box/plugin.js")).exists()).toBe(true);
    expect(await run(["box"])).toMatchObject({ exitCode: 0, stdout: "[boxed]\n" });
    const file = `export default { name: "box", setup() {} };`;
    await writeFiles(cwd, { "box.ts": file });
    const replaced = await run(["plugin", "add", "box.ts", "--yes"]);
    expect(replaced.stderr).toContain("Replaced the plugin box: nothing to hear and no command");
    expect(Object.keys(await hashTree(plugin()))).toEqual([".keep", "box.ts", "plugins.json"]);
    expect(await run(["plugin", "remove", "box"])).toMatchObject({ exitCode: 0 });
    expect(existsSync(plugin("box"))).toBe(false);
  });

  test("takes a package of the registry, verified as any other", async () => {
    await stage.publish(
      "land-shout",
      { pad: "1" },
      `import { definePlugin } from "land";
        import { pad } from "pad";
        export default definePlugin({ name: "shout", setup(land) {
          land.command({ name: "shout", about: "Shout", run: () => ({ value: 1, text: pad("HEY") }) });
        } });`,
    );
    const { run, home } = await stage.newHome();
    const added = await run(["plugin", "add", "land-shout@^1.0.0", "--yes"]);
    expect(added).toMatchObject({ exitCode: 0 });
    expect(added.stderr).toContain("land-shout@1.0.0 with 1 package that it needs, sha256:");
    expect(await run(["shout"])).toMatchObject({ exitCode: 0, stdout: "[HEY]\n" });
    expect(await Bun.file(join(home, ".land/plugins/plugins.json")).json()).toMatchObject({
      plugins: {
        shout: { file: "shout/plugin.js", source: "land-shout@1.0.0", commands: ["shout"] },
      },
    });
    expect(Object.keys(await hashTree(join(home, ".land/run")))).toEqual([]);
    expect(await run(["plugin", "add", "land-nowhere", "--yes"])).toMatchObject({ exitCode: 1 });
  });

  test("adds nothing that cannot be used", async () => {
    const { run, cwd, plugin } = await stage.newHome({ "hello.ts": HELLO });
    await writeFiles(cwd, {
      "steal.ts": HELLO.replace('name: "hello",', 'name: "steal",'),
      "own.ts": HELLO.replace('name: "hello",', 'name: "sbom",'),
      "bad.ts": "export default {",
      "none.ts": "export {};",
      "way.ts": HELLO.replace('name: "hello",', 'name: "../way",'),
    });
    for (const [file, problem] of [
      ["steal.ts", 'the plugin "hello" has already'],
      ["own.ts", "land brings a plugin of that name"],
      ["bad.ts", "it does not parse"],
      ["none.ts", "no default export"],
      ["way.ts", "a name is a-z"],
      ["gone.ts", "Cannot find"],
    ] as const) {
      const ran = await run(["plugin", "add", `./${file}`, "--yes"]);
      expect({ file, exitCode: ran.exitCode }).toEqual({ file, exitCode: 1 });
      expect(ran.stderr).toContain(problem);
    }
    expect(Object.keys(await hashTree(plugin()))).toEqual([".keep", "hello.ts"]);
    expect(await run(["plugin", "remove", "nothing"])).toMatchObject({ exitCode: 1 });
    expect(await run(["plugin", "remove", "sbom"])).toMatchObject({ exitCode: 2 });
    expect(await run(["plugin", "remove", "hello"])).toMatchObject({ exitCode: 2 });
    expect(await run(["plugin", "remove", "hello", "--yes"])).toMatchObject({ exitCode: 0 });
  });
});
