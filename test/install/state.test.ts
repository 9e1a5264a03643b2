import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { LandError } from "#base/errors.ts";
import { parseDigest, parsePackageName, parseVersion } from "#base/names.ts";
import type { GlobalPackage } from "#install/state-model.ts";
import { forgetGone, noteProject, rememberProject } from "#install/state-projects.ts";
import { stateFile } from "#install/state.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

let landHome: string;
beforeEach(async () => {
  landHome = await mkdtemp(join(tmpdir(), "land-state-"));
});
afterEach(() => rm(landHome, { recursive: true, force: true }));

const home = () => ({
  landHome,
  command: "land install",
  lockTimeoutMs: 5000,
  now: () => new Date("2026-03-01T12:00:00Z"),
});
const path = () => join(landHome, "state.json");
const read = () => Bun.file(path()).json();
const failure = (work: Promise<unknown>): Promise<LandError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: LandError) => error,
  );
const PACKAGE: GlobalPackage = {
  name: parsePackageName("left"),
  version: parseVersion("1.0.0"),
  digest: parseDigest(`sha256:${"a".repeat(64)}`),
  registry: parseRegistryUrl("https://land.example"),
  range: "^1.0.0",
  bins: ["left"],
  installedAt: "2026-03-01T12:00:00.000Z",
};

test("what is changed is read again, by the user alone, and unknown members stay", async () => {
  expect(await stateFile(home()).read()).toEqual({ projects: [], globals: [], unknown: {} });
  const more = {
    version: 1,
    projects: [{ dir: "/a", lastUsedAt: "2026-01-01T00:00:00Z", mood: 1 }],
    later: [2],
  };
  await Bun.write(path(), JSON.stringify(more));
  await stateFile(home()).change((state) => void state.globals.push(PACKAGE));
  expect(await read()).toEqual({ ...more, globals: [PACKAGE] });
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  expect((await stateFile(home()).read()).globals).toEqual([PACKAGE]);
});

test("one that says the same is not written", async () => {
  await stateFile(home()).change((state) => void state.globals.push(PACKAGE));
  const before = await stat(path());
  expect(await stateFile(home()).change((state) => state.globals.length)).toBe(1);
  expect((await stat(path())).ino).toBe(before.ino);
});

test("many at once lose nothing", async () => {
  const names = Array.from({ length: 12 }, (_, n) => `/project/${n}`);
  await Promise.all(names.map((dir) => noteProject(stateFile(home()), dir, home().now())));
  const { projects } = await stateFile(home()).read();
  expect(projects.map(({ dir }) => dir).toSorted()).toEqual(names.toSorted());
});

test("of a newer land is left as it is", async () => {
  await Bun.write(path(), '{"version":2,"all":"other"}');
  const error = await failure(stateFile(home()).change(() => undefined));
  expect(error).toMatchObject({ code: "state_version_unknown", exitCode: 2 });
  expect(await Bun.file(path()).text()).toBe('{"version":2,"all":"other"}');
});

describe("what no land wrote is refused and left as it is:", () => {
  const state = (more: object) => JSON.stringify({ version: 1, ...more });
  const lastUsedAt = "2026-01-01T00:00:00Z";
  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no version", "{}"],
    ["a member twice", '{"version":1,"version":1}'],
    ["a version that is a text", '{"version":"1"}'],
    ["projects that are no list", state({ projects: {} })],
    ["a project that is no object", state({ projects: ["/a"] })],
    ["a relative folder", state({ projects: [{ dir: "../a", lastUsedAt }] })],
    ["a NUL", state({ projects: [{ dir: "/a\0", lastUsedAt }] })],
    ["no time", state({ projects: [{ dir: "/a", lastUsedAt: "soon" }] })],
    ["a day that is none", state({ prunedAt: "2026-13-41T00:00:00Z" })],
    ["a name that leads out", state({ globals: [{ ...PACKAGE, name: "../x" }] })],
    ["a command that leads out", state({ globals: [{ ...PACKAGE, bins: ["../x"] }] })],
    ["a version that is none", state({ globals: [{ ...PACKAGE, version: "x" }] })],
    ["a digest that is none", state({ globals: [{ ...PACKAGE, digest: "sha256:1" }] })],
    ["a registry that is none", state({ globals: [{ ...PACKAGE, registry: "file:///" }] })],
  ])("%s", async (_name, text) => {
    await Bun.write(path(), text);
    const error = await failure(stateFile(home()).change(() => undefined));
    expect(error).toMatchObject({ code: "state_invalid", exitCode: 2 });
    expect(await Bun.file(path()).text()).toBe(text);
  });
});

describe("projects", () => {
  test("are noted once a day", async () => {
    const state = stateFile(home());
    const at = (hours: number) => new Date(Date.UTC(2026, 2, 1, hours));
    await noteProject(state, "/a", at(0));
    const { ino } = await stat(path());
    await noteProject(state, "/a", at(23));
    expect((await stat(path())).ino).toBe(ino);
    await noteProject(state, "/a", at(25));
    expect((await state.read()).projects).toEqual([
      { dir: "/a", lastUsedAt: "2026-03-02T01:00:00.000Z" },
    ]);
  });

  test("are forgotten once their folder is gone", async () => {
    const dir = join(landHome, "here");
    await mkdir(dir);
    const lastUsedAt = "2026-01-01T00:00:00Z";
    const state = {
      projects: ["/not/there", dir].map((at) => ({ dir: at, lastUsedAt })),
      globals: [],
      unknown: {},
    };
    expect(forgetGone(state)).toEqual(["/not/there"]);
    expect(state.projects).toEqual([{ dir, lastUsedAt }]);
  });

  test("that cannot be noted are a warning", async () => {
    const warnings: string[] = [];
    await Bun.write(path(), "{");
    await rememberProject(home(), "/a", (problem) => void warnings.push(problem));
    expect(warnings.join()).toStartWith(`Cannot read the state in "${path()}"`);
  });

  test("in a home where nothing can be written are a warning", async () => {
    const warnings: string[] = [];
    await Bun.write(join(landHome, "locks"), "a file");
    await rememberProject(home(), "/a", (problem) => void warnings.push(problem));
    expect(warnings.join()).toContain("Cannot open the lock");
  });
});
