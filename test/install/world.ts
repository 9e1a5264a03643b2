import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { NO_HOOKS } from "#base/client-hooks.ts";
import type { LandError } from "#base/errors.ts";
import { installProject } from "#install/install.ts";
import type { AddRequest, InstallOptions, InstallResult } from "#install/options.ts";
import { createRemote } from "#remote/client.ts";

import { type FakeRegistry, fakeRegistry } from "../support/fake-registry.ts";
import { hashTree, writeFiles } from "../support/project.ts";

/** A registry, a LAND_HOME and projects in one temporary folder. */
export type InstallWorld = {
  registry: FakeRegistry;
  root: string;
  at: (...path: string[]) => string;
  /** Makes a project that asks for these. */
  project: (name: string, dependencies: Record<string, string>, more?: object) => Promise<string>;
  options: (project: string, more?: Partial<InstallOptions>) => InstallOptions;
  install: (project: string, more?: Partial<InstallOptions>) => Promise<InstallResult>;
  add: (
    project: string,
    ...packages: (Partial<AddRequest> & { name: string })[]
  ) => Promise<InstallResult>;
  /** The error of an install that must fail. */
  refusal: (project: string, more?: Partial<InstallOptions>) => Promise<LandError>;
  /** Everything in the project's folder: path → sha256. */
  snapshot: (project: string) => Promise<Record<string, string>>;
  read: (...path: string[]) => Promise<string>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** Makes one with an empty registry. */
export async function installWorld(): Promise<InstallWorld> {
  const root = await mkdtemp(join(tmpdir(), "land-install-"));
  const registry = await fakeRegistry();
  const at = (...path: string[]): string => join(root, ...path);
  const options = (project: string, more: Partial<InstallOptions> = {}): InstallOptions => ({
    dir: at(project),
    mode: { kind: "install" },
    frozen: false,
    offline: false,
    yes: false,
    registry: registry.url,
    configured: [],
    remoteFor: (url) => createRemote({ registry: url, sleep: async () => undefined }),
    landVersion: "0.1.0",
    landBinary: "/opt/land/land",
    landHome: at("home"),
    command: "land install",
    lockTimeoutMs: 20_000,
    concurrency: 8,
    resolution: "highest",
    hooks: NO_HOOKS,
    security: { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 },
    link: "auto",
    cache: { maxBytes: 5_000_000_000, maxAgeDays: 90, autoPrune: false },
    now: () => new Date(),
    ...more,
  });
  const install: InstallWorld["install"] = (project, more) =>
    installProject(options(project, more));
  return {
    registry,
    root,
    at,
    options,
    install,
    async project(name, dependencies, more = {}) {
      await writeFiles(at(name), {
        "land.json": `${JSON.stringify({ name, dependencies, ...more }, null, 2)}\n`,
      });
      return name;
    },
    add: (project, ...packages) =>
      install(project, {
        mode: {
          kind: "add",
          packages: packages.map((request) =>
            Object.assign({ kind: "dependencies" as const, exact: false }, request),
          ),
        },
      }),
    refusal: (project, more) =>
      install(project, more).then(
        () => {
          throw new Error("it did not fail");
        },
        (error: LandError) => error,
      ),
    snapshot: (project) => hashTree(at(project)),
    read: (...path) => Bun.file(at(...path)).text(),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** One whose registry has `@ada/greet`, which depends on `left`, which depends on `pad`. */
export async function stockedWorld(): Promise<InstallWorld> {
  const world = await installWorld();
  const { registry } = world;
  await registry.add({
    name: "pad",
    version: "1.0.0",
    files: { "index.ts": "export const pad = 1;\n" },
  });
  await registry.add({
    name: "left",
    version: "1.2.0",
    dependencies: { pad: "^1.0.0" },
    files: { "deep/er/x.txt": "x" },
  });
  await registry.add({ name: "@ada/greet", version: "0.1.0", dependencies: { left: "1" } });
  return world;
}
