import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Limits of one process. */
export type CgroupLimits = {
  memoryBytes: number;
  /** Weight against others where processors are short; 100 is usual. */
  weight: number;
  threads: number;
};

/** A control group with one process of a program. */
export type Cgroup = {
  /** Takes a process in, with all its threads. Throws where the kernel refuses. */
  add: (pid: number) => void;
  /** Ends all that is inside. */
  kill: () => void;
  /** Whether the kernel ended something inside because its memory was used up. */
  ranOutOfMemory: () => boolean;
  /** Removes it; false while something is still inside. */
  remove: () => boolean;
};

/** The control groups of a server. */
export type Cgroups = { create: (name: string, limits: CgroupLimits) => Cgroup };

/** Where the kernel keeps it all; tests give a folder. */
export type CgroupSystem = { mount: string; self: string; pid: number };

const SYSTEM = { mount: "/sys/fs/cgroup", self: "/proc/self/cgroup" };
const NEEDED = ["cpu", "memory", "pids"];
const SERVER = "server";
const PROGRAM = "program-";
const SERVER_WEIGHT = 1000;

/**
 * Takes over the control group (version 2) that this process was given for itself: moves the server into a leaf, since a group with processes cannot have
 * limited groups below it, and gives the controllers on. Undefined where there is none, where it may not be written, or where others are in it:
 * then the supervisor watches and ends processes itself.
 */
export function openCgroups(
  system: CgroupSystem = { ...SYSTEM, pid: process.pid },
): Cgroups | undefined {
  try {
    const folder = ownFolder(system);
    if (folder === undefined || !canDelegate(folder, system.pid)) return undefined;
    const leaf = join(folder, SERVER);
    mkdirSync(leaf, { recursive: true });
    write(leaf, "cgroup.procs", String(system.pid));
    write(folder, "cgroup.subtree_control", NEEDED.map((name) => `+${name}`).join(" "));
    write(leaf, "cpu.weight", String(SERVER_WEIGHT));
    sweep(folder);
    return { create: (name, limits) => createCgroup(join(folder, PROGRAM + name), limits) };
  } catch {
    return undefined; // not ours to write
  }
}

/** The folder of the group that this process is in. A server that was started anew in the same service may already be in its leaf. */
function ownFolder({ mount, self }: CgroupSystem): string | undefined {
  const path = /^0::(\/.*)$/m.exec(readFileSync(self, "utf8"))?.[1];
  if (path === undefined || path.includes("/../")) return undefined;
  const leaf = `/${SERVER}`;
  return join(mount, path.endsWith(leaf) ? path.slice(0, -leaf.length) : path);
}

function canDelegate(folder: string, pid: number): boolean {
  const controllers = read(folder, "cgroup.controllers").trim().split(" ");
  const inside = read(folder, "cgroup.procs").split("\n").filter(Boolean);
  return (
    NEEDED.every((name) => controllers.includes(name)) &&
    inside.every((line) => line === String(pid))
  );
}

/** Groups that an earlier server left. Those with something inside stay: the kernel refuses. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.startsWith(PROGRAM)) removeFolder(join(folder, name));
}

function createCgroup(folder: string, limits: CgroupLimits): Cgroup {
  const { memoryBytes, weight, threads } = limits;
  mkdirSync(folder);
  write(folder, "memory.max", String(memoryBytes));
  writeWhereThere(folder, "memory.swap.max", "0");
  writeWhereThere(folder, "memory.oom.group", "1");
  write(folder, "pids.max", String(threads));
  write(folder, "cpu.weight", String(weight));
  return {
    add: (pid) => write(folder, "cgroup.procs", String(pid)),
    kill: () => writeWhereThere(folder, "cgroup.kill", "1"),
    ranOutOfMemory: () => (numberIn(folder, "memory.events", "oom_kill") ?? 0) > 0,
    remove: () => removeFolder(folder),
  };
}

/** `name 12` on a line of its own. */
function numberIn(folder: string, file: string, name: string): number | undefined {
  try {
    const found = new RegExp(`^${name} (\\d+)$`, "m").exec(read(folder, file))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder); // its files are the kernel's and go with it
    return true;
  } catch {
    return false;
  }
}

const read = (folder: string, file: string): string => readFileSync(join(folder, file), "utf8");
const write = (folder: string, file: string, text: string): void =>
  writeFileSync(join(folder, file), text);

/** Some files come with newer kernels, or with swap. */
function writeWhereThere(folder: string, file: string, text: string): void {
  try {
    write(folder, file, text);
  } catch {
    // The other limits hold without it.
  }
}
