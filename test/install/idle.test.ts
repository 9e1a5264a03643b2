import { expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";

import {
  beginIdle,
  type IdleAbout,
  idleLines,
  isQuiet,
  noteIdle,
  readIdle,
} from "#install/idle.ts";
import { lockProject } from "#install/install.ts";

import { type Idle, idleProject, later, MINUTE_MS, NAMES } from "./idle-project.ts";

test("what had nothing to do has nothing to do again, and says so with the same words", () => {
  using idle = idleProject();
  expect(idle.read()).toBe(2);
  expect(idle.read({ env: { ...idle.about.env, SHLVL: "2", _: "/x", OLDPWD: "/" } })).toBe(2);
  const told = (packages: number, ms: number): string =>
    idleLines({ packages, lockAgain: false }, ms);
  expect([told(1, 8.4), told(2, 8), told(12_345, 8)]).toEqual([
    "1 package, up to date (8 ms)\n",
    "2 packages, up to date (8 ms)\n",
    "12,345 packages, up to date (8 ms)\n",
  ]);
});

test("other words, another environment, program, version, user, home or folder are no longer the same", () => {
  using idle = idleProject();
  const { env } = idle.about;
  const others: Partial<IdleAbout>[] = [
    { argv: ["install", "--frozen"] },
    { argv: ["install", "-q"] },
    { argv: ["-q"] },
    { argv: ["install", "--offline"] },
    { argv: ["install", "-g"] },
    { argv: ["install", "left"] },
    { env: { ...env, LAND_REGISTRY: "https://other.example" } },
    { env: { ...env, CI: "true" } },
    { env: {} },
    { program: idle.at("above") },
    { version: "1.0.1" },
    { uid: 0 },
    { landHome: idle.at("above") },
    { cwd: idle.at("above") },
  ];
  for (const other of others) expect([other, idle.read(other)]).toEqual([other, undefined]);
  expect(idle.read()).toBe(2);
});

test("who wants to hear nothing has notes of his own", () => {
  using idle = idleProject();
  for (const words of [["-q"], ["--quiet"], ["--frozen", "-q"]]) {
    const about = { ...idle.about, argv: ["install", ...words] };
    expect(isQuiet(about.argv)).toBe(true);
    const before = beginIdle(about) ?? {};
    noteIdle(about, before, { installDir: idle.at("above/app/tree"), names: NAMES }, later());
    expect(idle.read({ argv: about.argv })).toBe(2);
    expect(idle.read()).toBeUndefined();
  }
  expect(isQuiet(["install", "--frozen"])).toBe(false);
});

/** What may happen to a project between two installs. */
const CHANGES: Record<string, (at: Idle["at"]) => void> = {
  "the manifest is written again": (at) => writeFileSync(at("above/app/land.json"), "{ }"),
  "the manifest is written again with as many bytes and its old moment": (at) => {
    const { atime, mtime } = statSync(at("above/app/land.json"));
    writeFileSync(at("above/app/land.json"), "[]");
    utimesSync(at("above/app/land.json"), atime, mtime);
  },
  "another file takes the place of the manifest": (at) => {
    writeFileSync(at("x"), "{}");
    renameSync(at("x"), at("above/app/land.json"));
  },
  "the manifest goes": (at) => rmSync(at("above/app/land.json")),
  "a package.json comes": (at) => writeFileSync(at("above/app/package.json"), "{}"),
  "the lock changes": (at) => writeFileSync(at("above/app/land.lock"), "x"),
  "the lock goes": (at) => rmSync(at("above/app/land.lock")),
  "a manifest above comes, which may be of a workspace": (at) =>
    writeFileSync(at("above/package.json"), '{ "workspaces": ["app"] }'),
  "the settings change": (at) => writeFileSync(at("home/config.json"), "{ }"),
  "the settings go": (at) => rmSync(at("home/config.json")),
  "the state changes": (at) => writeFileSync(at("home/state.json"), "{ }"),
  "the program is another": (at) => writeFileSync(at("program"), "new"),
  "a package goes": (at) => rmSync(at("above/app/tree/left"), { recursive: true }),
  "a package of a scope goes": (at) => rmSync(at("above/app/tree/@ada/greet"), { recursive: true }),
  "a package becomes a link": (at) => {
    renameSync(at("above/app/tree/left"), at("elsewhere"));
    symlinkSync(at("elsewhere"), at("above/app/tree/left"));
  },
  "a scope becomes a link": (at) => {
    renameSync(at("above/app/tree/@ada"), at("elsewhere"));
    symlinkSync(at("elsewhere"), at("above/app/tree/@ada"));
  },
  "the marker changes": (at) => writeFileSync(at("above/app/tree/.land.json"), "{ }"),
  "the tree goes": (at) => rmSync(at("above/app/tree"), { recursive: true }),
  "a change was decided and not completed": (at) =>
    writeFileSync(at("above/app/tree/.land-journal.json"), "{}"),
  "a change was prepared": (at) => mkdirSync(at("above/app/tree/.land-staging")),
  "the folder is another one": (at) => {
    renameSync(at("above/app"), at("above/elsewhere"));
    cpSync(at("above/elsewhere"), at("above/app"), { recursive: true });
  },
  "a half-written manifest lies there": (at) =>
    writeFileSync(at("above/app/.land.json.0123456789abcdef.tmp"), ""),
  "the note is cut": (at) => {
    for (const name of new Bun.Glob("*").scanSync(at("home/idle")))
      writeFileSync(at(`home/idle/${name}`), "{");
  },
  "the note is of another shape": (at) => {
    for (const name of new Bun.Glob("*").scanSync(at("home/idle")))
      writeFileSync(at(`home/idle/${name}`), "null");
  },
};

for (const [name, change] of Object.entries(CHANGES))
  test(`${name}: it is looked at in full`, () => {
    using idle = idleProject();
    expect(idle.read()).toBe(2);
    change(idle.at);
    expect(idle.read()).toBeUndefined();
  });

test("notes that nobody will believe any more go away as another is written", () => {
  using idle = idleProject();
  const notes = (): string[] => [...new Bun.Glob("*").scanSync(idle.at("home/idle"))];
  const [own] = notes();
  for (const [name, ageMs] of [
    ["young", 50],
    ["old", 70],
    ["ahead", -70],
    ["half.json.77", 70],
  ] as const) {
    writeFileSync(idle.at(`home/idle/${name}`), "{}");
    const moment = later(-ageMs * MINUTE_MS);
    utimesSync(idle.at(`home/idle/${name}`), moment, moment);
  }
  mkdirSync(idle.at("home/idle/folder"));
  idle.note();
  expect(notes().toSorted()).toEqual([own ?? "", "young"].toSorted());
  expect(idle.read()).toBe(2);
});

test("another land that works there is waited for", async () => {
  using idle = idleProject();
  const { about } = idle;
  const options = {
    landHome: about.landHome,
    command: "land add x",
    lockTimeoutMs: 0,
    now: () => new Date(),
  };
  (await lockProject(options, about.cwd)).release();
  idle.note();
  expect(idle.read()).toBe(2);
  const held = await lockProject({ ...options, command: "land update" }, about.cwd);
  expect(idle.read()).toBeUndefined();
  held.release();
  expect(idle.read()).toBeUndefined();
});

test("what was changed a moment ago, while the install ran or by a clock that goes ahead, is not noted", () => {
  using idle = idleProject();
  const { about, at } = idle;
  const tree = { installDir: at("above/app/tree"), names: NAMES };
  const noted = (before = beginIdle(about), began = later()): number | undefined => {
    rmSync(at("home/idle"), { recursive: true, force: true });
    if (before) noteIdle(about, before, tree, began);
    return idle.read();
  };
  expect(noted()).toBe(2);
  expect(noted(beginIdle(about), new Date())).toBeUndefined();
  const before = beginIdle(about);
  writeFileSync(at("above/app/land.json"), "{ }");
  expect(noted(before)).toBeUndefined();
  expect(noted()).toBe(2);
  const ahead = later(10 * MINUTE_MS);
  utimesSync(at("above/app/land.json"), ahead, ahead);
  expect(noted()).toBeUndefined();
});

test("where clocks tick coarsely, things have to stand still for longer", () => {
  using idle = idleProject();
  const { about, at } = idle;
  const noteAfter = (ms: number): number | undefined => {
    rmSync(at("home/idle"), { recursive: true, force: true });
    const before = beginIdle(about);
    const tree = { installDir: at("above/app/tree"), names: NAMES };
    if (before) noteIdle(about, before, tree, later(ms));
    return idle.read();
  };
  expect(noteAfter(1000)).toBe(2);
  const whole = new Date(Math.floor(Date.now() / 1000) * 1000);
  utimesSync(at("above/app/land.json"), whole, whole);
  expect(noteAfter(1000)).toBeUndefined();
  expect(noteAfter(MINUTE_MS)).toBe(2);
});

test("a note is good for an hour, and not before it was made", () => {
  using idle = idleProject();
  expect(readIdle(idle.about, later(59 * MINUTE_MS))?.packages).toBe(2);
  expect(readIdle(idle.about, later(62 * MINUTE_MS))).toBeUndefined();
  expect(readIdle(idle.about, later(-5 * MINUTE_MS))).toBeUndefined();
});

test("a workspace is never noted, nor what may be one", () => {
  for (const text of ['{ "workspaces": [] }', '{ "work\\u0073paces": ["a"] }']) {
    using idle = idleProject();
    writeFileSync(idle.at("above/land.json"), text);
    idle.note();
    expect(idle.read()).toBeUndefined();
  }
});

test("what comes and goes beside the manifest changes nothing", () => {
  using idle = idleProject();
  writeFileSync(idle.at("above/app/notes.txt"), "");
  expect(idle.read()).toBe(2);
  rmSync(idle.at("above/app/notes.txt"));
  expect(idle.read()).toBe(2);
});
