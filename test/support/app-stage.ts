import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { ProcessInfo } from "#runtime/model.ts";

import { land, type LandServer, type Outcome, startLand, temporaryFolder } from "./land.ts";
import { writeFiles } from "./project.ts";
import { askSite, signUpByBinary } from "./site.ts";

/** What `land deploy --json` tells. */
export type Deployed = { site: string; deploy: string; url: string; deployUrl: string };

/** A server of the built binary with the account ada, that can be started anew on its data folder. */
export type AppStage = AsyncDisposable & {
  at: (...path: string[]) => string;
  /** A token of ada that may do everything. */
  token: string;
  /** The server as it runs now. */
  server: () => LandServer;
  /** Ends the server, runs `meanwhile`, and starts it anew. Answers its exit code. */
  restart: (signal: "SIGTERM" | "SIGKILL", meanwhile?: () => Promise<void>) => Promise<number>;
  /** Runs the binary as ada; it must end well. */
  run: (args: readonly string[], options?: { cwd?: string; input?: string }) => Promise<Outcome>;
  /** The same without a look at how it ended; `token`: as whom. */
  tryRun: (
    args: readonly string[],
    options?: { cwd?: string; input?: string; token?: string },
  ) => Promise<Outcome>;
  /** Writes files into a folder of that name and deploys it as a site of that name, or of another. */
  deploy: (
    site: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    ...flags: string[]
  ) => Promise<Deployed>;
  ask: (site: string, path: string, init?: Parameters<typeof askSite>[3]) => Promise<Response>;
  /** Asks the API as ada. */
  api: <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<T>;
  /** The processes that run programs of a site. */
  processesOf: (site: string) => Promise<ProcessInfo[]>;
};

/** Starts it. `env` are `LAND_*` settings. */
export async function appStage(
  name: string,
  { env = {}, args = [] }: { env?: Record<string, string>; args?: readonly string[] } = {},
): Promise<AppStage> {
  const folder = await temporaryFolder(name);
  const at = (...path: string[]): string => join(folder.path, ...path);
  const home = at("home");
  await writeFiles(home, { ".keep": "" });
  const start = () => startLand({ data: at("data"), home, env, args });
  let server = await start();
  const token = await signUpByBinary(server, home);
  let deploys = 0;
  const tryRun: AppStage["tryRun"] = (line, { cwd = home, input, token: other = token } = {}) =>
    land(line, {
      cwd,
      home,
      env: { LAND_REGISTRY: server.url, LAND_TOKEN: other },
      ...(input !== undefined && { input }),
    });
  const run: AppStage["run"] = async (line, options) => {
    const done = await tryRun(line, options);
    expect([line.join(" "), done.exitCode, done.stderr]).toEqual([
      line.join(" "),
      0,
      expect.anything(),
    ]);
    return done;
  };
  const api: AppStage["api"] = async (method, path, body) => {
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text || "null");
  };
  return {
    at,
    token,
    server: () => server,
    async restart(signal, meanwhile) {
      const code = await server.end(signal);
      await meanwhile?.();
      server = await start();
      return code;
    },
    run,
    tryRun,
    async deploy(site, files, ...flags) {
      const dir = at(`app-${(deploys += 1)}`);
      await writeFiles(dir, files);
      const done = await run(["deploy", "--site", site, "--json", ...flags], { cwd: dir });
      return done.json<Deployed>();
    },
    ask: (site, path, init) => askSite(server, site, path, init),
    api,
    processesOf: async (site) =>
      (await api<{ processes: ProcessInfo[] }>("GET", `/sites/${site}/functions`)).processes,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Asks until the answer is there; fails, naming what was waited for, after `seconds`. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seconds = 30,
): Promise<Exclude<T, false | undefined | null | 0 | "">> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, false | undefined | null | 0 | "">;
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await Bun.sleep(20);
  }
}

/** A process: its id, and when it began, since ids are given again. */
export type ProcessMark = { pid: number; began: string };

/** The processes that a server started: those that run programs, and those that wait for one. */
export function childrenOf(serverPid: number): ProcessMark[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(Number(name));
      return stat?.parent === serverPid && stat.state !== "Z"
        ? [{ pid: Number(name), began: stat.began }]
        : [];
    });
}

/** Whether that very process still runs. */
export function isAlive({ pid, began }: ProcessMark): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.began === began && stat.state !== "Z";
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function readStat(pid: number): { state: string; parent: number; began: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name of the program may hold anything, so it is skipped from behind.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", parent: Number(fields[1]), began: fields[19] ?? "" };
  } catch {
    return undefined; // it ended
  }
}

/** A visitor's WebSocket: what it got, and how it was closed. */
export type Client = {
  socket: WebSocket;
  got: string[];
  closed: Promise<{ code: number; reason: string }>;
};

/** Connects to a site on loopback as its own pages do. Rejects where the handshake is refused. */
export async function openSocket(
  url: string,
  site: string,
  options: { path?: string; headers?: Record<string, string>; tls?: { ca: string } } = {},
): Promise<Client> {
  const { path = "/ws", headers = {}, tls } = options;
  const { protocol, port } = new URL(url);
  const host = `${site}.localhost:${port}`;
  const secure = protocol === "https:";
  const socket = new WebSocket(`${secure ? "wss" : "ws"}://127.0.0.1:${port}${path}`, {
    headers: { host, origin: `${protocol}//${host}`, ...headers },
    ...(tls && { tls: { ca: tls.ca, serverName: `${site}.localhost` } }),
  });
  const got: string[] = [];
  socket.addEventListener("message", ({ data }) => void got.push(String(data)));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
  return { socket, got, closed };
}
