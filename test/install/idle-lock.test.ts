import { expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

import { beginIdle, type IdleAbout, idleLines, noteIdle, readIdle } from "#install/idle.ts";

import { type Idle, idleProject, later, NAMES } from "./idle-project.ts";

const LOCK = "# land.lock\nversion = 1\n";

/** The same where the tree keeps a copy of the lock. */
function withCopy(noted = LOCK): Idle {
  const idle = idleProject();
  const { about, at } = idle;
  writeFileSync(at("above/app/land.lock"), LOCK);
  const marker = JSON.stringify({ format: 1, packages: {}, lock: LOCK });
  writeFileSync(at("above/app/tree/.land.json"), marker);
  const tree = { installDir: at("above/app/tree"), names: NAMES };
  const before = beginIdle(about);
  const lock = noted === undefined ? {} : { lock: noted };
  if (before) noteIdle(about, before, { ...tree, ...lock }, later());
  return idle;
}

test("a lock that is gone is made again of the copy in the tree, and told of", () => {
  using idle = withCopy();
  const lock = idle.at("above/app/land.lock");
  expect(readIdle(idle.about, later())).toEqual({ packages: 2, lockAgain: false });
  for (let time = 0; time < 2; time += 1) {
    rmSync(lock);
    expect(readIdle(idle.about, later())).toEqual({ packages: 2, lockAgain: true });
    expect(readFileSync(lock, "utf8")).toBe(LOCK);
    expect(readdirSync(idle.at("above/app")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    // It is another file now.
    expect(readIdle(idle.about, later())).toBeUndefined();
  }
  expect(idleLines({ packages: 2, lockAgain: true }, 8)).toBe(
    "warning: land.lock was missing: made again from what is installed\n2 packages, up to date (8 ms)\n",
  );
});

test("one that was written a moment ago can be made again too, but not be taken for the one that was looked at", () => {
  using idle = withCopy();
  const { about, at } = idle;
  const before = beginIdle(about);
  writeFileSync(at("above/app/land.lock"), LOCK);
  const tree = { installDir: at("above/app/tree"), names: NAMES, lock: LOCK };
  if (before) noteIdle(about, before, tree, later());
  expect(idle.read()).toBeUndefined();
  rmSync(at("above/app/land.lock"));
  expect(readIdle(about, later())).toEqual({ packages: 2, lockAgain: true });
});

const KEPT: Record<string, (idle: Idle) => Partial<IdleAbout>> = {
  "to hold to it": () => ({ argv: ["install", "--frozen"] }),
  "at a terminal, where it is told in colour": () => ({ atTerminal: true }),
  "where a half-written one lies": ({ at }) => {
    writeFileSync(at("above/app/.land.lock.0123456789abcdef.tmp"), "");
    return {};
  },
  "over a link that leads nowhere": ({ at }) => {
    symlinkSync("nowhere", at("above/app/land.lock"));
    return {};
  },
  "where the manifest changed too": ({ at }) => {
    writeFileSync(at("above/app/land.json"), "{ }");
    return {};
  },
  "where the copy changed": ({ at }) => {
    writeFileSync(at("above/app/tree/.land.json"), JSON.stringify({ lock: "evil" }));
    return {};
  },
};
for (const [name, prepare] of Object.entries(KEPT))
  test(`no lock is made again on the way ${name}`, () => {
    using idle = withCopy();
    rmSync(idle.at("above/app/land.lock"));
    const more = prepare(idle);
    expect(idle.read(more)).toBeUndefined();
    expect(existsSync(idle.at("above/app/land.lock"))).toBe(false);
    if (name.includes("link"))
      expect(lstatSync(idle.at("above/app/land.lock")).isSymbolicLink()).toBe(true);
  });

test("no lock is made again where it was not the copy, or nothing was to be written", () => {
  for (const noted of [undefined, "another lock"]) {
    using idle = withCopy(noted);
    if (noted === undefined) idle.note();
    rmSync(idle.at("above/app/land.lock"));
    expect(idle.read()).toBeUndefined();
    expect(existsSync(idle.at("above/app/land.lock"))).toBe(false);
  }
});
