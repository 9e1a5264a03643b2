import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

import type { ProbeResult, ProbeTargets } from "./probe.ts";
import { RESULTS_FILE, TARGETS_FILE } from "./probes.ts";
import { programCommand } from "./program.ts";
import { createStart, launchPlan, start } from "./spawn.ts";
import { findSandboxProblem } from "./support.ts";

/** How to check. */
export type CheckOptions = {
  /** Where a folder for the attempt is made and removed again. */
  scratch: string;
  /** `functions.uidBase`. */
  uidBase: number;
  /** False: without a sandbox, to see what each probe would reach. */
  confined: boolean;
  /** By the way that a server takes only where the direct one cannot be had. */
  slow?: boolean;
  /** A compiled land to start in place of the running program. */
  binary?: string;
};

const PATIENCE_MS = 30_000;
const FILE_BYTES = 64 * 1024 * 1024;

/**
 * Starts a process as a program of a site would be and lets it try to break out of it, against targets put up for that. All is well where every
 * row is `ok`. The first row tells whether the process ran at all.
 */
export async function checkSandbox(options: CheckOptions): Promise<ProbeResult[]> {
  const problem = options.confined ? findSandboxProblem() : undefined;
  if (problem !== undefined) return [startRow(problem)];
  const folder = await mkdtemp(join(options.scratch, "land-probe-"));
  try {
    return await attack(options, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function attack(options: CheckOptions, folder: string): Promise<ProbeResult[]> {
  const command = programCommand(options.binary);
  const site = join(folder, "site");
  const neighbour = start([...command, "__guest", "idle"], { ring: -1 });
  const targets = await putUp(folder, neighbour.pid);
  const leaked = openSync(targets.secret, "r");
  try {
    await Bun.write(join(site, TARGETS_FILE), JSON.stringify(targets.told));
    const plan = launchPlan({ ring: leaked, writable: site }, configOf(options), "probe");
    const given = { env: { LAND_PROBE: "given" }, descriptors: [leaked] };
    const own = { ring: leaked, writable: site };
    const guest = !options.confined
      ? start([...command, "__guest", "bare"], own, given)
      : options.slow
        ? start([...command, "__sandbox", JSON.stringify(plan)], own, given)
        : createStart(command, { warn() {} })(plan, own, given);
    const timer = setTimeout(guest.kill, PATIENCE_MS);
    const { code, signal } = await guest.exited;
    clearTimeout(timer);
    for (const descriptor of [guest.link, guest.sync]) closeSync(descriptor);
    const results = Bun.file(join(site, RESULTS_FILE));
    if (!(await results.exists()))
      return [startRow(guest.stderrTail().trim() || `it ended with ${signal ?? code}`)];
    return [startRow("started"), ...(await results.json())];
  } finally {
    closeSync(leaked);
    neighbour.kill();
    for (const descriptor of [neighbour.link, neighbour.sync]) closeSync(descriptor);
    targets.takeDown();
  }
}

function startRow(actual: string): ProbeResult {
  const expected = "started";
  return { name: "start a confined process", expected, actual, ok: actual === expected };
}

function configOf({ uidBase }: CheckOptions) {
  return { "functions.uidBase": uidBase, "functions.diskBytes": FILE_BYTES };
}

/** Makes what is to be attacked. Files are open to everybody: only the sandbox may keep a guest away. */
async function putUp(
  folder: string,
  neighbour: number,
): Promise<{ told: ProbeTargets; secret: string; takeDown: () => void }> {
  const outside = join(folder, "outside");
  const secret = join(outside, "secret");
  const database = join(outside, "secrets.sqlite");
  await mkdir(outside);
  await mkdir(join(folder, "site"));
  for (const name of ["secret", "renamed", "removed"])
    await Bun.write(join(outside, name), "secret");
  new Database(database, { create: true }).run("CREATE TABLE secrets (value)");
  await symlink(secret, join(folder, "site", "link-out"));
  await chmod(folder, 0o755);
  await chmod(outside, 0o777);
  for (const path of [secret, database]) await chmod(path, 0o666);
  const socket = join(outside, "socket");
  const abstract = `land-probe-${folder}`;
  const servers = [await listen(socket), await listen(`\0${abstract}`)];
  const web = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("reached") });
  const port = web.port ?? 0;
  const told = {
    outside,
    secret,
    database,
    socket,
    abstract,
    port,
    server: process.pid,
    neighbour,
  };
  const takeDown = (): void => {
    for (const server of servers) server.close();
    void web.stop(true);
  };
  return { told, secret, takeDown };
}

async function listen(path: string): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer((socket) => socket.end()).on("error", reject);
  server.listen(path, () => resolve(server));
  return await promise;
}
