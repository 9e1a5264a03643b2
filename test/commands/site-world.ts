import { afterAll, beforeAll } from "bun:test";
import { join } from "node:path";

import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";
import { type TestServer, testServer } from "#test/support/server.ts";

import type { Setting } from "./world.ts";

/** Folders of sites beside a real server in this process, on which ada has an account. */
export type SiteWorld = {
  /** Only inside a test. */
  server: () => TestServer;
  /** A path below the folder of the tests. */
  at: (...path: string[]) => string;
  /** How ada runs a command in one of the folders. */
  settingAt: (folder: string, more?: Partial<Setting>) => Setting;
};

/** Opens it before the tests of a file and closes it after them. */
export function openSiteWorld(name: string): SiteWorld {
  let root: TemporaryFolder;
  let server: TestServer;
  let token = "";
  const at = (...path: string[]): string => join(root.path, ...path);
  beforeAll(async () => {
    root = await temporaryFolder(name);
    server = await testServer();
    token = await server.register("ada");
    await writeFiles(at("home"), { ".keep": "" });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await root[Symbol.asyncDispose]();
  });
  return {
    server: () => server,
    at,
    settingAt: (folder, more = {}) => ({
      cwd: at(folder),
      home: at("home"),
      now: () => new Date(),
      ...more,
      env: { LAND_REGISTRY: server.url, LAND_TOKEN: token, ...more.env },
    }),
  };
}
