/** The four installers of `bench/install.ts`, each in a folder and with a home of its own, as an ordinary user. */
import { readFileSync } from "node:fs";
import { chown, copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { writeFiles } from "../test/support/project.ts";

/** An installer. */
export type Tool = {
  name: string;
  version: string;
  /** Where the project is. */
  dir: string;
  run: (registry: string) => { command: string[]; env: Record<string, string> };
  /** What to remove so that a state is as if it had never been. */
  paths: { cache: string[]; lock: string[]; tree: string[] };
};

/** The state before a run: what is there. */
export type State = { cache: boolean; lock: boolean; tree: boolean };

/** Who installs where the bench runs as root: root's own installs copy files that others may link. */
const USER = process.getuid?.() === 0 ? 1000 : undefined;
const AS_USER =
  USER === undefined
    ? []
    : ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--"];

/** All that can be had here; those of the peers come from npm. */
export async function makeTools(work: string, roots: Record<string, string>): Promise<Tool[]> {
  const pnpm = await installPnpm(join(work, "tools"));
  const bun = USER === undefined ? process.execPath : join(work, "tools", "bun");
  // That of root lies where others may not look.
  if (USER !== undefined) await copyFile(process.execPath, bun);
  const npmVersion = (await Bun.$`npm --version`.quiet().text()).trim();
  const tools = [
    await landTool(work),
    simple(work, "bun", Bun.version, {
      command: [bun, "install", "--ignore-scripts"],
      env: (home, registry) => ({
        BUN_INSTALL_CACHE_DIR: join(home, "cache"),
        BUN_CONFIG_REGISTRY: registry,
      }),
      lock: "bun.lock",
    }),
    ...(pnpm
      ? [
          simple(work, "pnpm", pnpm.version, {
            command: [pnpm.path, "install", "--ignore-scripts", "--no-frozen-lockfile"],
            env: (home, registry) => ({
              // Since version 11 it reads these, and no longer those of npm.
              pnpm_config_registry: registry,
              pnpm_config_store_dir: join(home, "store"),
              pnpm_config_cache_dir: join(home, "cache"),
              pnpm_config_minimum_release_age: "0",
            }),
            lock: "pnpm-lock.yaml",
          }),
        ]
      : []),
    simple(work, "npm", npmVersion, {
      command: [
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--legacy-peer-deps",
      ],
      env: (home, registry) => ({
        npm_config_registry: registry,
        npm_config_cache: join(home, "cache"),
        npm_config_update_notifier: "false",
      }),
      lock: "package-lock.json",
    }),
  ];
  for (const tool of tools) await makeProject(tool, roots);
  return tools;
}

async function makeProject({ name, dir }: Tool, roots: Record<string, string>): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  const manifest = JSON.stringify({ name: "project", version: "1.0.0", dependencies: roots });
  await writeFiles(dir, {
    [name === "land" ? "land.json" : "package.json"]: manifest,
    // Trust and scripts are the installer's; what is compared is fetching and laying.
    ...(name === "pnpm" && { "pnpm-workspace.yaml": "minimumReleaseAge: 0\n" }),
  });
  await giveToUser(dir);
}

async function landTool(work: string): Promise<Tool> {
  const dir = join(work, "projects", "land");
  const home = join(work, "homes", "land");
  const binary = await landBinary();
  return {
    name: "land",
    version: (await Bun.$`${binary} --version`.quiet().text()).trim(),
    dir,
    run: (registry) => ({
      command: [binary, "install"],
      env: { ...plain(home), LAND_HOME: home, LAND_REGISTRY: registry },
    }),
    paths: {
      cache: [join(home, "store"), join(home, "cache")],
      lock: [join(dir, "land.lock")],
      tree: [join(dir, "land_modules")],
    },
  };
}

function simple(
  work: string,
  name: string,
  version: string,
  how: {
    command: string[];
    env: (home: string, registry: string) => Record<string, string>;
    lock: string;
  },
): Tool {
  const dir = join(work, "projects", name);
  const home = join(work, "homes", name);
  return {
    name,
    version,
    dir,
    run: (registry) => ({
      command: how.command,
      env: { ...plain(home), ...how.env(home, registry) },
    }),
    paths: {
      cache: [home],
      lock: [join(dir, how.lock)],
      tree: [join(dir, "node_modules")],
    },
  };
}

const plain = (home: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: home,
  XDG_CACHE_HOME: join(home, "xdg"),
  XDG_DATA_HOME: join(home, "xdg-data"),
  NO_COLOR: "1",
});

async function installPnpm(dir: string): Promise<{ path: string; version: string } | undefined> {
  const path = join(dir, "node_modules", ".bin", "pnpm");
  if (!(await Bun.file(path).exists())) {
    await writeFiles(dir, { "package.json": '{ "private": true }' });
    const install = ["npm", "install", "--no-audit", "--no-fund", "pnpm@latest"];
    await Bun.spawn(install, { cwd: dir, stdout: "ignore", stderr: "ignore" }).exited;
  }
  const told = await Bun.$`${path} --version`.quiet().nothrow();
  return told.exitCode === 0 ? { path, version: told.stdout.toString().trim() } : undefined;
}

/** Takes away what the state has not. Everything was there before. */
export async function prepare({ paths, dir, run }: Tool, state: State): Promise<void> {
  for (const part of ["cache", "lock", "tree"] as const)
    if (!state[part])
      for (const path of paths[part]) await rm(path, { recursive: true, force: true });
  const home = run("").env["HOME"] ?? dir;
  await mkdir(home, { recursive: true });
  await giveToUser(home);
}

async function giveToUser(folder: string): Promise<void> {
  if (USER !== undefined) await chown(folder, USER, USER);
}

const LOOK_MS = 10;

/** What one run took: milliseconds, and the most memory in bytes that was seen. */
export type Run = { ms: number; peakBytes: number };

/** Runs it to its end. */
export async function runOnce({ name, dir, run }: Tool, registry: string): Promise<Run> {
  const { command, env } = run(registry);
  const began = performance.now();
  const child = Bun.spawn([...AS_USER, ...command], {
    cwd: dir,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let peakBytes = 0;
  // Not what the system tells of an ended child: that begins with the memory of who started it.
  const look = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), LOOK_MS);
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  const ms = performance.now() - began;
  if (code !== 0)
    throw new Error(`${name} ended with ${code}\n${out.slice(-1500)}\n${err.slice(-1500)}`);
  clearInterval(look);
  return { ms, peakBytes };
}

function peakOf(pid: number): number {
  try {
    return (
      Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024 || 0
    );
  } catch {
    return 0;
  }
}
