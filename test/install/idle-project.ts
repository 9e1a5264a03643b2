import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beginIdle, type IdleAbout, noteIdle, readIdle } from "#install/idle.ts";

/** In milliseconds. */
export const MINUTE_MS = 60_000;
/** What is in the tree. */
export const NAMES = ["left", "@ada/greet"];
/** All that the tests make is old by then. */
export const later = (ms = MINUTE_MS): Date => new Date(Date.now() + ms);

/** A project and how it is looked at. */
export type Idle = Disposable & {
  about: IdleAbout;
  at: (path: string) => string;
  note: () => void;
  read: (more?: Partial<IdleAbout>) => number | undefined;
};

/** A project in whose tree two packages are, noted as idle. */
export function idleProject(): Idle {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "land-idle-")));
  const at = (path: string): string => join(root, path);
  for (const folder of ["above/app/tree/left", "above/app/tree/@ada/greet", "home/locks"])
    mkdirSync(at(folder), { recursive: true });
  for (const file of [
    "above/app/land.json",
    "above/app/land.lock",
    "above/app/tree/.land.json",
    "home/config.json",
    "home/state.json",
    "program",
  ])
    writeFileSync(at(file), "{}");
  const about: IdleAbout = {
    argv: ["install"],
    env: { LAND_HOME: at("home"), PATH: "/bin" },
    cwd: at("above/app"),
    landHome: at("home"),
    program: at("program"),
    version: "1.0.0",
    uid: 7,
    atTerminal: false,
  };
  const note = (): void => {
    const before = beginIdle(about);
    if (before)
      noteIdle(about, before, { installDir: at("above/app/tree"), names: NAMES }, later());
  };
  note();
  return {
    about,
    at,
    note,
    read: (more) => readIdle({ ...about, ...more }, later())?.packages,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
