/**
 * Two hundred sites with a program each on one machine, twenty of them hot: the first request to each (its process is started),
 * then load on the hot ones. Prints latencies, and the memory of the server and of all processes of programs.
 *
 *   bun bench/crowd.ts [--sites 200] [--hot 20] [--seconds 5] [--connections 32] [--binary dist/land]
 *
 * Needs `wrk`.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const siteCount = Number(flag("--sites", "200"));
const hotCount = Number(flag("--hot", "20"));
const work = await mkdtemp(join(tmpdir(), "land-crowd-"));
const binary = flag("--binary", "") || (await landBinary());

const PROGRAM = `
const started = Date.now();
export default {
  async fetch(request, env) {
    const visits = Number((await env.KV.get("visits")) ?? 0) + 1;
    await env.KV.put("visits", String(visits));
    return Response.json({ visits, started });
  },
};
`;

const server = Bun.spawn([binary, "serve", "--data", join(work, "data"), "--port", "0"], {
  env: { ...cleanEnvironment(work), LAND_RATE_LIMIT: "off", LAND_SITES_PER_ACCOUNT: "100000" },
  stdout: "pipe",
  stderr: "ignore",
});
const listening = /http:\/\/\S+/;
let said = "";
for await (const piece of server.stdout.pipeThrough(new TextDecoderStream())) {
  said += piece;
  if (listening.test(said)) break;
}
const origin = listening.exec(said)?.[0] ?? "";
const { port } = new URL(origin);

async function api(path: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(`${origin}/api/v1${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const hostOf = (n: number): string => `crowd-${n}.localhost:${port}`;
const visit = async (n: number): Promise<number> => {
  const startedMs = performance.now();
  const response = await fetch(origin, { headers: { host: hostOf(n) } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`site ${n} answered ${response.status}`);
  return performance.now() - startedMs;
};

function percentile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return `${value.toFixed(1)} ms`;
}

/** Proportional set size of a process in MB: pages that several share count for each in part. */
async function pssOf(pid: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}

async function guests(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const parent = status.slice(status.lastIndexOf(")") + 2).split(" ")[1];
    if (parent === String(server.pid)) found.push(pid);
  }
  return found;
}

async function tellMemory(when: string): Promise<void> {
  const pids = await guests();
  const sizes = await Promise.all(pids.map(pssOf));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const own = await pssOf(String(server.pid));
  console.log(
    `${when}: server ${own.toFixed(0)} MB, ${pids.length} processes with ${all.toFixed(0)} MB (${(all / Math.max(1, pids.length)).toFixed(1)} MB each)`,
  );
}

try {
  const registered = (await api("/users/register", {
    username: "ada",
    email: "ada@example.com",
    password: "correct horse battery",
  })) as { token: string };
  const { token } = registered;
  const code = new TextEncoder().encode(PROGRAM);
  const sha256 = new Bun.CryptoHasher("sha256").update(code).digest("hex");
  for (let n = 0; n < siteCount; n += 1) {
    await api("/sites", { name: `crowd-${n}` }, token);
    const body = { files: {}, program: { main: { sha256, size: code.length } } };
    const { id } = (await api(`/sites/crowd-${n}/deploys`, body, token)) as { id: string };
    await fetch(`${origin}/api/v1/sites/crowd-${n}/deploys/${id}/blobs/sha256/${sha256}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: code,
    });
    await api(`/sites/crowd-${n}/deploys/${id}/finalize`, {}, token);
  }
  await tellMemory(`${siteCount} sites deployed, none asked yet`);

  const first: number[] = [];
  for (let n = 0; n < siteCount; n += 1) first.push(await visit(n));
  first.sort((a, b) => a - b);
  console.log(
    `first request of each: p50 ${percentile(first, 0.5)}, p99 ${percentile(first, 0.99)}`,
  );
  await tellMemory("all asked once");

  const script = join(work, "hot.lua");
  await Bun.write(
    script,
    `math.randomseed(os.time())\nrequest = function()\n  return wrk.format("GET", "/", { Host = "crowd-" .. math.random(0, ${hotCount - 1}) .. ".localhost:${port}" })\nend\n`,
  );
  for (let n = 0; n < hotCount; n += 1) await visit(n);
  const wrk = Bun.spawn(
    [
      "wrk",
      "-t1",
      `-c${flag("--connections", "32")}`,
      `-d${flag("--seconds", "5")}s`,
      "--latency",
      "-s",
      script,
      origin,
    ],
    { stdout: "pipe" },
  );
  const text = await wrk.stdout.text();
  console.log(`${hotCount} hot sites, each request reads and writes a key:`);
  console.log(text.match(/^(?:\s+(?:50|99)%.*|Requests\/sec.*|.*Non-2xx.*)$/gm)?.join("\n"));
  await tellMemory("under load");
  const cold: number[] = [];
  for (let n = hotCount; n < Math.min(siteCount, hotCount + 50); n += 1) cold.push(await visit(n));
  cold.sort((a, b) => a - b);
  console.log(`others right after: p50 ${percentile(cold, 0.5)}, p99 ${percentile(cold, 0.99)}`);
} finally {
  server.kill();
  await server.exited;
  await rm(work, { recursive: true, force: true });
}
