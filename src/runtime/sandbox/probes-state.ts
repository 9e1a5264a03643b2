import { Database } from "bun:sqlite";
import { fstatSync, readFileSync, rmSync } from "node:fs";

import type { Probe } from "./probe.ts";

/** `S_IFMT`: descriptors of the runtime's own (epoll, timers) have no type of file at all. */
const FILE_TYPE = 0o170000;
const FIRST_FOREIGN = 6;
const LAST = 1024;

/** What the process is, and what must work in it. */
export const STATE_PROBES: readonly Probe[] = [
  {
    name: "environment",
    expected: "empty",
    run: () => Object.keys(process.env).join(" ") || "empty",
  },
  { name: "arguments", expected: "plain", run: plainArguments },
  { name: "descriptors beyond 0 to 5", expected: "none", run: foreignDescriptors },
  {
    name: "user",
    expected: "other",
    run: () => (process.getuid?.() === 0 ? "root" : "other than root"),
  },
  {
    name: "capabilities",
    expected: "none",
    run: () => (/^Cap(?:Inh|Prm|Eff|Amb):\s*0*[1-9a-f]/m.test(status()) ? "some" : "none"),
  },
  { name: "no_new_privs", expected: "1", run: () => field("NoNewPrivs") },
  { name: "filters", expected: "two", run: filterCount },
  { name: "core dumps", expected: "none", run: () => limitOf("Max core file size") },
  { name: "write in the own folder", expected: "allowed", run: writeOwn },
  { name: "SQLite in the own folder", expected: "allowed", run: useDatabase },
  { name: "threads", expected: "allowed", run: useThread },
  { name: "random bytes and digests", expected: "allowed", run: useCrypto },
  { name: "timers and memory", expected: "allowed", run: useMemory },
];

function status(): string {
  return readFileSync("/proc/self/status", "utf8");
}

function field(name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status())?.[1] ?? "unknown";
}

/** The plan of the launcher (with paths of the machine) must not be among them. */
function plainArguments(): string {
  return process.argv.some((argument) => argument.includes("{")) ? "a plan" : "plain";
}

function foreignDescriptors(): string {
  const foreign: number[] = [];
  for (let descriptor = FIRST_FOREIGN; descriptor < LAST; descriptor++)
    try {
      if ((fstatSync(descriptor).mode & FILE_TYPE) !== 0) foreign.push(descriptor);
    } catch {
      // not open
    }
  return foreign.join(" ") || "none";
}

/** A service manager may have added its own. */
function filterCount(): string {
  const count = Number(field("Seccomp_filters"));
  return count >= 2 ? "two or more" : String(count);
}

function limitOf(name: string): string {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const [soft, hard] = limits.split(name)[1]?.trim().split(/\s+/) ?? [];
  return soft === "0" && hard === "0" ? "none" : `${soft} ${hard}`;
}

async function writeOwn(): Promise<undefined> {
  await Bun.write("written", "yes");
  if ((await Bun.file("written").text()) !== "yes") throw new Error("lost");
  rmSync("written");
}

function useDatabase(): undefined {
  const database = new Database("probe.sqlite");
  database.run("PRAGMA journal_mode = wal");
  database.run("CREATE TABLE t (a)");
  database.run("INSERT INTO t VALUES (1)");
  if (database.query("SELECT a FROM t").values()[0]?.[0] !== 1) throw new Error("lost");
  database.close();
  rmSync("probe.sqlite");
}

async function useThread(): Promise<undefined> {
  const code = new Blob(["postMessage(1 + 1)"], { type: "text/javascript" });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(URL.createObjectURL(code));
  worker.addEventListener("message", ({ data }) => resolve(data));
  worker.addEventListener("error", ({ message }) => reject(new Error(message)));
  const sum = await promise;
  worker.terminate();
  if (sum !== 2) throw new Error(`1 + 1 = ${String(sum)}`);
}

async function useCrypto(): Promise<undefined> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  await crypto.subtle.digest("SHA-256", random);
  Bun.zstdDecompressSync(Bun.zstdCompressSync(random));
}

async function useMemory(): Promise<undefined> {
  const rows = Array.from({ length: 200 }, (_, index) =>
    Array.from({ length: 10_000 }).fill(index),
  );
  if (rows.length !== 200) throw new Error("lost");
  Bun.gc(true);
  await Bun.sleep(1);
}
