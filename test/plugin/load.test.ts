import { describe, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import type { PluginApi } from "#plugin/api.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { loadAll, pluginText, problemsOf, putPlugins } from "./world.ts";

const COMMAND = 'about: "x", run: () => ({ value: 1 })';

describe("what lies in the folder of plugins", () => {
  test("files in TypeScript and JavaScript and folders are loaded by name; others are let be", async () => {
    await using root = await temporaryFolder("plugins");
    await putPlugins(root.path, {
      "b.ts": `import { definePlugin, type Plugin } from "land";
        import { word } from "./.lib/word.ts";
        const text: string = word;
        export default definePlugin({ name: "b", description: text, setup() {} } satisfies Plugin);`,
      ".lib/word.ts": 'export const word: string = "from another file";',
      "c.js": pluginText("c", `land.command({ name: "c", ${COMMAND} })`),
      "a/plugin.js": pluginText("a", 'land.on("postInstall", () => {})'),
      "land-plugin.d.ts": "nothing",
      "notes.md": "nothing",
      ".hidden.ts": "nothing",
    });
    const { loaded, broken } = await loadAll(root.path);
    expect(broken).toEqual([]);
    expect(loaded.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(loaded[1]?.description).toBe("from another file");
    expect(loaded[0]?.handlers.postInstall).toHaveLength(1);
    expect(loaded[2]?.commands.map(({ name }) => name)).toEqual(["c"]);
  });

  test("a folder that is none is told", async () => {
    await using root = await temporaryFolder("plugins");
    await Bun.write(join(root.path, "plugins"), "a file");
    const { loaded, broken } = await loadAll(root.path);
    expect(loaded).toEqual([]);
    expect(broken).toMatchObject([{ name: "plugins", error: { code: "file_failed" } }]);
  });

  test("without a folder there is none", async () => {
    await using root = await temporaryFolder("plugins");
    expect(await loadAll(root.path)).toEqual({ loaded: [], broken: [] });
  });
});

test("one that cannot be used is told, keeps nothing, and the others go on", async () => {
  await using root = await temporaryFolder("plugins");
  await putPlugins(root.path, {
    "good.ts": pluginText("good"),
    "throws.ts": pluginText("throws", 'throw new Error("no\\u001b[31m way\\u0007")'),
    "rejects.ts": pluginText("rejects", 'return Promise.reject("later")'),
    "hangs.ts": pluginText("hangs", "return new Promise(() => {})"),
    "waits.ts": "await new Promise(() => {});",
    "syntax.ts": "export default {",
    "empty.ts": "export {};",
    "thing.ts": "export default 7;",
    "nosetup.ts": 'export default { name: "nosetup" };',
    "other.ts": pluginText("another"),
    "missing.ts": 'import "./nowhere.ts";',
    "Upper.ts": pluginText("Upper"),
    "enabled.ts": pluginText("enabled"),
    "twice.ts": pluginText("twice"),
    "twice.js": pluginText("twice"),
    "event.ts": pluginText("event", 'land.on("preLunch", () => {})'),
    "late.ts": pluginText("late", "globalThis.late = land;"),
  });
  await mkdir(join(root.path, "plugins", "folder"));
  await symlink("nowhere.ts", join(root.path, "plugins", "link.ts"));
  const plugins = await loadAll(root.path, { setupMs: 200 });
  expect(plugins.loaded.map(({ name }) => name)).toEqual(["good", "late"]);
  expect(problemsOf(plugins)).toEqual({
    throws: "no way\uFFFD",
    rejects: "later",
    hangs: "it did not end within 0.2 s",
    waits: "it did not end within 0.2 s",
    syntax: expect.stringContaining("end of file"),
    empty: "it has no default export",
    thing: expect.stringContaining("is no plugin"),
    nosetup: expect.stringContaining("is no plugin"),
    other: 'it calls itself "another": name its file so',
    missing: expect.stringContaining("nowhere.ts"),
    Upper: expect.stringContaining("a-z"),
    enabled: "the name is reserved",
    twice: expect.stringMatching(/twice\.(ts|js) too/),
    event: 'there is no event "preLunch"',
    folder: expect.stringContaining("without plugin.js"),
    link: "its link leads nowhere",
  });
  expect(plugins.broken.every(({ error }) => error.code === "plugin_invalid")).toBe(true);
  const late = Reflect.get(globalThis, "late") as PluginApi | undefined;
  expect(() => late?.on("postInstall", () => {})).toThrow("during setup alone");
});

describe("commands", () => {
  test("neither land's nor another plugin's can be taken", async () => {
    await using root = await temporaryFolder("plugins");
    const adds = (name: string): string => `land.command({ name: "${name}", ${COMMAND} })`;
    await putPlugins(root.path, {
      "a.ts": pluginText("a", adds("mine")),
      "b.ts": pluginText("b", `${adds("fresh")}; ${adds("mine")}`),
      "c.ts": pluginText("c", adds("install")),
      "d.ts": pluginText("d", `${adds("two")}; ${adds("two")}`),
      "e.ts": pluginText("e", adds("fresh")),
      "f.ts": pluginText("f", adds("Up")),
      "g.ts": pluginText("g", 'land.command({ name: "g" })'),
      "h.ts": pluginText("h", 'land.command({ name: "h", about: "x" })'),
      "i.ts": pluginText("i", `land.command({ name: "i", flags: { json: 1 }, ${COMMAND} })`),
      "k.ts": pluginText("k", `land.command({ name: "k", examples: "x", ${COMMAND} })`),
      "j.ts": pluginText(
        "j",
        `land.command({ name: "j", flags: { x: { type: "list" } }, ${COMMAND} })`,
      ),
    });
    const plugins = await loadAll(root.path);
    // What a plugin asked for before it failed is free for others.
    expect(plugins.loaded.map(({ name }) => name)).toEqual(["a", "e"]);
    expect(problemsOf(plugins)).toEqual({
      b: 'it adds the command "mine", which the plugin "a" has already',
      c: 'it adds the command "install", which land has itself',
      d: 'it adds the command "two" twice',
      f: expect.stringContaining("command's name"),
      g: expect.stringContaining('"about"'),
      h: expect.stringContaining('"run"'),
      i: expect.stringContaining("every command has"),
      j: expect.stringContaining("no type"),
      k: 'the help of its command "k" is no text',
    });
  });

  test("a bundled plugin comes first, and its name is taken", async () => {
    await using root = await temporaryFolder("plugins");
    await putPlugins(root.path, {
      "own.ts": pluginText("own"),
      "a.ts": pluginText("a", `land.command({ name: "ours", ${COMMAND} })`),
    });
    const plugins = await loadAll(root.path, {
      bundled: {
        own: async () => ({
          default: {
            name: "own",
            setup: (land) => land.command({ name: "ours", about: "x", run: () => ({ value: 1 }) }),
          },
        }),
      },
    });
    expect(plugins.loaded.map(({ name, path }) => [name, path])).toEqual([["own", undefined]]);
    expect(problemsOf(plugins)).toEqual({
      own: "land brings a plugin of that name",
      a: expect.stringContaining('the plugin "own" has already'),
    });
  });
});

describe("what was added", () => {
  const record = (file: string, sha256: string) => ({
    file,
    sha256,
    source: "x",
    addedAt: "2026-01-01T00:00:00Z",
    commands: ["was"],
  });
  const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

  test("is loaded while it stays as it was; what was put there by hand always", async () => {
    await using root = await temporaryFolder("plugins");
    const plugins = {
      same: record("same.ts", hash(pluginText("same"))),
      changed: record("changed.ts", hash("before")),
      moved: record("moved/plugin.js", hash(pluginText("moved"))),
      gone: record("gone.ts", hash("")),
    };
    await putPlugins(root.path, {
      "same.ts": pluginText("same"),
      "changed.ts":
        'globalThis.changedHasRun = true; export default { name: "changed", setup() {} };',
      "moved.ts": pluginText("moved"),
      "byhand.ts": pluginText("byhand"),
      "plugins.json": JSON.stringify({ version: 1, plugins }),
    });
    const found = await loadAll(root.path);
    expect(found.loaded.map(({ name }) => name)).toEqual(["byhand", "same"]);
    expect(problemsOf(found)).toEqual({
      changed: "its file is not the one that was added",
      moved: "its file is not the one that was added",
      gone: "its file is gone",
    });
    expect(found.broken[0]).toMatchObject({ commands: ["was"] });
    expect(found.broken[0]?.error.hint).toContain("land plugin add");
    expect("changedHasRun" in globalThis).toBe(false);
  });

  test.each([
    ["{", "state_invalid"],
    ['{"version":1,"plugins":{"a":{}}}', "state_invalid"],
    ['{"version":2,"plugins":{}}', "state_version_unknown"],
  ])("records that are %s keep all from being run", async (text, code) => {
    await using root = await temporaryFolder("plugins");
    await putPlugins(root.path, { "a.ts": pluginText("a"), "plugins.json": text });
    const { loaded, broken } = await loadAll(root.path);
    expect(loaded).toEqual([]);
    expect(broken.map(({ name, error }) => [name, error.code])).toEqual([["a", code]]);
  });
});
