import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstat, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ClientConfigSources, loadConfig } from "#remote/config/load.ts";
import { findConfigFolder } from "#remote/config/project.ts";
import { CLIENT_KEYS, settingOf, variableOfSetting } from "#remote/config/settings.ts";
import { writeProjectSetting, writeUserSetting } from "#remote/config/write.ts";

import { writeFiles } from "../support/project.ts";

let root: string;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), "land-config-"))));
afterAll(() => rm(root, { recursive: true, force: true }));

const homeAt = (name: string) => ({
  landHome: join(root, name),
  command: "land test",
  lockTimeoutMs: 5000,
  now: () => new Date(),
});

let count = 0;
/** Loads with these texts as config.json and land.json. */
async function load(
  texts: { user?: string; land?: string },
  more: Partial<ClientConfigSources> = {},
): Promise<Awaited<ReturnType<typeof loadConfig>>> {
  const at = join(root, `load-${count++}`);
  const { user, land } = texts;
  await writeFiles(at, {
    ...(user !== undefined && { "home/config.json": user }),
    ...(land !== undefined && { "project/land.json": land }),
  });
  return loadConfig({ landHome: join(at, "home"), project: join(at, "project"), env: {}, ...more });
}

test("without anything every setting has its default", async () => {
  const { config, origins, warnings } = await load({});
  expect(Object.keys(config)).toEqual([...CLIENT_KEYS]);
  for (const key of CLIENT_KEYS) expect(config[key]).toEqual(settingOf(key).default);
  expect(new Set(Object.values(origins))).toEqual(new Set(["default"]));
  expect(warnings).toEqual([]);
});

test("defaults < config.json < land.json < environment < flags", async () => {
  const network = { concurrency: 2, tries: 2, waitSeconds: "2s", idleSeconds: 2 };
  const { config, origins } = await load(
    {
      user: JSON.stringify({ version: 1, network }),
      land: JSON.stringify({ config: { network: { tries: 3, waitSeconds: 3, idleSeconds: 3 } } }),
    },
    {
      env: { LAND_NETWORK_WAIT_SECONDS: "4s", LAND_NETWORK_IDLE_SECONDS: "4", LAND_REGISTRY: "" },
      flags: { "network.idleSeconds": "5" },
    },
  );
  const seen = (["concurrency", "tries", "waitSeconds", "idleSeconds"] as const).map((name) => [
    config[`network.${name}`],
    origins[`network.${name}`],
  ]);
  expect(seen).toEqual([
    [2, "user"],
    [3, "project"],
    [4, "environment"],
    [5, "flag"],
  ]);
  expect(origins["registry.default"]).toBe("default");
});

test("LAND_REGISTRY is the default registry, and every other variable has the name of its key", async () => {
  const { config } = await load({}, { env: { LAND_REGISTRY: "https://a.example.com" } });
  expect(config["registry.default"]).toBe("https://a.example.com");
  expect(variableOfSetting("hooks.preInstall")).toBe("LAND_HOOKS_PRE_INSTALL");
  expect(new Set(CLIENT_KEYS.map(variableOfSetting)).size).toBe(CLIENT_KEYS.length);
});

describe("a project", () => {
  test.each(CLIENT_KEYS.filter((key) => settingOf(key).project === "no"))(
    "may not set %s",
    async (key) => {
      const [section = "", name = ""] = key.split(".");
      const land = JSON.stringify({ config: { [section]: { [name]: settingOf(key).default } } });
      expect(load({ land }, { env: { [variableOfSetting(key)]: "x" } })).rejects.toMatchObject({
        code: "config_invalid",
        exitCode: 2,
        data: { key, source: "land.json" },
      });
    },
  );

  test.each([
    ["minimumAge", "30d", 7, 30, "project"],
    ["minimumAge", 3, 7, 7, "user"],
    ["requireSignatures", true, false, true, "project"],
    ["requireSignatures", false, true, true, "user"],
    ["checksum", "blake3", "sha256", "blake3", "project"],
    ["checksum", "sha256", "sha512", "sha512", "user"],
    ["checksum", "blake3", "sha512", "sha512", "user"],
  ] as const)("security.%s = %p where the user has %p", async (name, land, user, value, origin) => {
    const { config, origins } = await load({
      user: JSON.stringify({ security: { [name]: user } }),
      land: JSON.stringify({ config: { security: { [name]: land } } }),
    });
    expect([config[`security.${name}`], origins[`security.${name}`]]).toEqual([value, origin]);
  });

  test.each([
    ['{"config":7}', "config"],
    ['{"config":{"network":{"tries":"many"}}}', "network.tries"],
    ['{"config":{"network":{"tries":21}}}', "network.tries"],
  ])("%s is refused", async (land, key) => {
    expect(load({ land })).rejects.toMatchObject({ code: "config_invalid", data: { key } });
  });

  test("a manifest that is not readable says nothing here", async () => {
    const { origins } = await load({ land: '{"config":{"network":{"tries":2}}' });
    expect(origins["network.tries"]).toBe("default");
  });

  test("a member has the settings of the root", async () => {
    await writeFiles(join(root, "space"), {
      "land.json": '{"workspaces":["packages/*"]}',
      "packages/a/land.json": "{}",
      "other/land.json": "{}",
      "plain/file": "",
    });
    const folders = ["packages/a", "other", "plain"].map((way) => join(root, "space", way));
    expect(await Promise.all(folders.map(findConfigFolder))).toEqual([
      join(root, "space"),
      ...folders.slice(1),
    ]);
  });
});

describe("a file of settings", () => {
  test.each([
    ["{", "is not JSON"],
    ["[]", "it is no JSON object"],
    ["", "is empty"],
    ['{"version":"1"}', "use 1"],
    ['{"network":{"tries":2,"tries":3}}', "stands twice"],
    [`{"a":${"[".repeat(100_000)}`, "nested deeper"],
    [`{"a":"${"x".repeat(10_000_000)}"}`, "larger than"],
    ['{"network":{"tries":{}}}', "use a whole number"],
    ['{"network":{"tries":null}}', "use a whole number"],
  ])("%#: a broken one is refused and left as it is", async (user, problem) => {
    expect(load({ user })).rejects.toMatchObject({ code: "config_invalid", exitCode: 2 });
    expect(load({ user })).rejects.toThrow(problem);
    const home = homeAt(`broken-${count++}`);
    await writeFiles(home.landHome, { "config.json": user });
    if (problem !== "use a whole number")
      expect(writeUserSetting(home, { key: "network.tries", text: "3" })).rejects.toThrow(problem);
    else await writeUserSetting(home, { key: "network.tries", text: "3" });
    const text = await Bun.file(join(home.landHome, "config.json")).text();
    if (problem !== "use a whole number") expect(text).toBe(user);
    else expect(text).toBe('{"network":{"tries":3}}');
  });

  test("one of a newer land is not touched", async () => {
    const home = homeAt("newer");
    const user = '{"version":2,"network":{"tries":3}}';
    await writeFiles(home.landHome, { "config.json": user });
    const expected = { code: "config_version_unknown", exitCode: 2, data: { version: "2" } };
    expect(loadConfig({ landHome: home.landHome, env: {} })).rejects.toMatchObject(expected);
    const written = writeUserSetting(home, { key: "network.tries", text: "4" });
    expect(written).rejects.toMatchObject(expected);
    expect(await Bun.file(join(home.landHome, "config.json")).text()).toBe(user);
  });

  test("what no setting is called is warned of and kept; what plugins are told is theirs", async () => {
    const user = '{"network":{"trys":3},"plugins":{"licenses":{"deny":["GPL"]}},"x\\u001b[2J":1}';
    const { warnings } = await load({ user });
    expect(warnings.map((text) => text.replace(/;.*/, ""))).toEqual([
      'There is no setting "network.trys"',
      'There is no setting "x�[2J"',
    ]);
  });

  test("an edit keeps order, comments and what it does not know", async () => {
    const home = homeAt("comments");
    const path = join(home.landHome, "config.json");
    await writeFiles(home.landHome, {
      "config.json": `// mine
{
    "version": 1, // the form
    /* slow
       at home */
    "network": {
        "tries": 3, // of five
        "unknown": [1, 2] // kept
    }
}
`,
    });
    await writeUserSetting(home, { key: "network.tries", text: "7" });
    await writeUserSetting(home, { key: "network.proxy", text: "http://ada:pw@p:3128" });
    await writeUserSetting(home, { key: "cache.maxSize", text: "20GB" });
    expect(await Bun.file(path).text()).toBe(`// mine
{
    "version": 1, // the form
    /* slow
       at home */
    "network": {
        "tries": 7, // of five
        "unknown": [1, 2], // kept
        "proxy": "http://ada:pw@p:3128"
    },
    "cache": {
        "maxSize": "20GB"
    }
}
`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const key of ["network.tries", "cache.maxSize", "network.proxy"] as const)
      expect(await writeUserSetting(home, { key, text: undefined })).toMatchObject({
        changed: true,
      });
    expect(await Bun.file(path).text()).toBe(`// mine
{
    "version": 1, // the form
    /* slow
       at home */
    "network": {
         // of five
        "unknown": [1, 2] // kept
    }
}
`);
    const again = await writeUserSetting(home, { key: "cache.maxSize", text: undefined });
    expect(again.changed).toBe(false);
  });

  test("writers at the same time lose nothing, and a link stays one", async () => {
    const home = homeAt("many");
    await writeFiles(home.landHome, { "elsewhere/config.json": "{}" });
    await symlink("elsewhere/config.json", join(home.landHome, "config.json"));
    const texts = { concurrency: "2", tries: "3", waitSeconds: "4s", idleSeconds: "5" } as const;
    await Promise.all(
      (["concurrency", "tries", "waitSeconds", "idleSeconds"] as const).map((name) =>
        writeUserSetting(home, { key: `network.${name}`, text: texts[name] }),
      ),
    );
    expect(await Bun.file(join(home.landHome, "config.json")).json()).toEqual({
      network: { concurrency: 2, tries: 3, waitSeconds: "4s", idleSeconds: 5 },
    });
    expect((await lstat(join(home.landHome, "config.json"))).isSymbolicLink()).toBe(true);
  });

  test("a project's is written into land.json, where it may be", async () => {
    const dir = join(root, "project");
    await writeFiles(dir, { "land.json": '{\n  "name": "app",\n  "x": 1\n}\n' });
    await writeProjectSetting(dir, { key: "security.minimumAge", text: "7d" });
    const text = await Bun.file(join(dir, "land.json")).text();
    expect(text).toBe(
      '{\n  "name": "app",\n  "x": 1,\n  "config": {\n    "security": {\n      "minimumAge": "7d"\n    }\n  }\n}\n',
    );
    const refused = writeProjectSetting(dir, { key: "hooks.preInstall", text: "rm -rf ." });
    expect(refused).rejects.toMatchObject({ code: "config_invalid" });
    await writeProjectSetting(dir, { key: "security.minimumAge", text: undefined });
    expect(await Bun.file(join(dir, "land.json")).text()).toBe(
      '{\n  "name": "app",\n  "x": 1\n}\n',
    );
    const nowhere = writeProjectSetting(root, { key: "network.tries", text: "2" });
    expect(nowhere).rejects.toMatchObject({ code: "manifest_missing" });
  });
});
