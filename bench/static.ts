/**
 * Requests per second for files of a site: the same files served by land, nginx and Caddy on this machine, in turns in one run.
 * Then many sites: latency at random hosts against one host, and the memory of the server.
 *
 *   bun bench/static.ts [--seconds 5] [--connections 32] [--rounds 3] [--sites 10000] [--source] [--only land,nginx,caddy]
 *
 * Needs `wrk`; nginx and Caddy take part where they are installed. nginx writes its access log through a buffer and caches open
 * files; Caddy writes no log; land counts traffic, as it always does. `--source` runs land from source instead of dist/land.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import { freePort, type Server, start, startPeers, stopAll } from "./static-peers.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const seconds = flag("--seconds", "5");
const connections = flag("--connections", "32");
const rounds = Number(flag("--rounds", "3"));
const siteCount = Number(flag("--sites", "10000"));
const only = flag("--only", "land,nginx,caddy").split(",");
const work = await mkdtemp(join(tmpdir(), "land-static-"));
// Started by root, nginx reads the files as somebody else.
await chmod(work, 0o755);

const line = (n: number): string =>
  `<p>Line ${n} of a page that is ${Math.sin(n)} pages long.</p>\n`;
const textOf = (sizeBytes: number, seed: number): string => {
  let text = "<!doctype html>\n<title>Bench</title>\n";
  for (let n = seed; text.length < sizeBytes; n += 1) text += line(n);
  return text.slice(0, sizeBytes);
};
const FILES: Record<string, string> = {
  "small.html": textOf(1400, 1),
  "large.html": textOf(100_000, 2),
};

type Load = { rate: number; p50: string; p99: string; cpu?: number };

/** Seconds of processor time that a process and its children took so far. */
async function cpuSeconds(pid: number): Promise<number> {
  const children = await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
  let ticks = 0;
  for (const id of [String(pid), ...children.trim().split(" ")]) {
    if (id === "") continue;
    const stat = await Bun.file(`/proc/${id}/stat`).text();
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

async function load(
  url: string,
  options: { host?: string; script?: string; seconds?: string } = {},
): Promise<Load> {
  const args = ["-t1", `-c${connections}`, `-d${options.seconds ?? seconds}s`, "--latency"];
  if (options.host !== undefined) args.push("-H", `Host: ${options.host}`);
  if (options.script !== undefined) args.push("-s", options.script);
  const wrk = Bun.spawn(["wrk", ...args, url], { stdout: "pipe" });
  const text = await wrk.stdout.text();
  if (/Non-2xx/.test(text)) throw new Error(`${url} answered with errors:\n${text}`);
  if (/Socket errors/.test(text)) return { rate: 0, p50: "down", p99: "down" };
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p50: /50%\s+(\S+)/.exec(text)?.[1] ?? "?",
    p99: /99%\s+(\S+)/.exec(text)?.[1] ?? "?",
  };
}

// ── land ─────────────────────────────────────────────────────────────────────

async function startLand(): Promise<{ url: string; pid: number }> {
  const program = process.argv.includes("--source")
    ? [process.execPath, "--cwd", join(import.meta.dir, ".."), "src/main.ts"]
    : [await landBinary()];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = cleanEnvironment(work, {
    LAND_RATE_LIMIT: "off",
    LAND_LOG_LEVEL: "warn",
    LAND_SITES_PER_ACCOUNT: String(siteCount + 10),
  });
  const data = join(work, "data");
  const child = await start(
    work,
    [...program, "serve", "--data", data, "--port", String(port)],
    `${url}/health`,
    env,
  );
  return { url, pid: child.pid };
}

type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

async function signUp(url: string): Promise<Api> {
  let token = "";
  const call: Api = async (method, path, body) => {
    const isBytes = body instanceof Uint8Array;
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && {
          "content-type": isBytes ? "application/octet-stream" : "application/json",
        }),
      },
      ...(body !== undefined && { body: isBytes ? body : JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
  };
  const made = await call("POST", "/users/register", {
    username: "bench",
    email: "bench@example.com",
    password: "correct horse battery",
  });
  token = String(made["token"]);
  return call;
}

async function deploy(call: Api, site: string, files: Record<string, string>): Promise<void> {
  await call("POST", "/sites", { name: site });
  const bytes = new Map<string, Uint8Array>();
  const list: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(files)) {
    const content = new TextEncoder().encode(text);
    const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    bytes.set(sha256, content);
    list[path] = { sha256, size: content.byteLength };
  }
  const started = await call("POST", `/sites/${site}/deploys`, { files: list });
  const id = String(started["id"]);
  for (const hex of started["missing"] as string[])
    await call("PUT", `/sites/${site}/deploys/${id}/blobs/sha256/${hex}`, bytes.get(hex));
  await call("POST", `/sites/${site}/deploys/${id}/finalize`, {});
}

// ── measuring ────────────────────────────────────────────────────────────────

const middle = (loads: readonly Load[]): Load =>
  loads.toSorted((a, b) => a.rate - b.rate)[Math.floor(loads.length / 2)] ?? {
    rate: 0,
    p50: "?",
    p99: "?",
  };

async function compare(servers: readonly Server[]): Promise<void> {
  console.log(`${connections} connections, ${seconds} s, median of ${rounds} rounds in turns\n`);
  console.log("file          server      req/s        p50        p99   land/it    cpu us/request");
  for (const [file, content] of Object.entries(FILES)) {
    const loads = new Map<string, Load[]>(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const { name, url, pid, host, path } of servers) {
        const before = await cpuSeconds(pid);
        const done = await load(url + path(file), host === undefined ? {} : { host });
        const spent = (await cpuSeconds(pid)) - before;
        loads.get(name)?.push({ ...done, cpu: (spent * 1e6) / (done.rate * Number(seconds)) });
      }
    const ours = middle(loads.get("land") ?? []);
    for (const { name } of servers) {
      const { rate, p50, p99, cpu } = middle(loads.get(name) ?? []);
      const size = `${(content.length / 1000).toFixed(1)} KB`;
      const ratio = rate > 0 ? (ours.rate / rate).toFixed(2) : "-";
      console.log(
        `${size.padEnd(13)} ${name.padEnd(8)} ${rate.toFixed(0).padStart(8)} ${p50.padStart(10)} ${p99.padStart(10)} ${ratio.padStart(9)} ${cpu?.toFixed(1).padStart(17)}`,
      );
    }
  }
}

async function rssMb(pid: number): Promise<string> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const kb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return `${(kb / 1024).toFixed(0)} MB`;
}

async function manySites(call: Api, { url, pid }: { url: string; pid: number }): Promise<void> {
  const shared = Object.fromEntries(
    Array.from({ length: 9 }, (_, n) => [`page-${n}.html`, textOf(1400, 100 + n)]),
  );
  const startedMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < siteCount) {
      const n = next;
      next += 1;
      await deploy(call, `s${n}`, { ...shared, "index.html": textOf(1400, 1000 + n) });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(`\n${siteCount} sites of 10 files, deployed in ${tookSeconds} s`);
  const port = new URL(url).port;
  const script = (many: boolean): string => `
math.randomseed(os.time())
request = function()
  local site = ${many ? `math.random(0, ${siteCount - 1})` : "0"}
  local file = math.random(-1, 8)
  local path = "/"
  if file >= 0 then path = "/page-" .. file end
  return wrk.format("GET", path, { ["Host"] = "s" .. site .. ".localhost:${port}" })
end
`;
  await writeFiles(work, { "one.lua": script(false), "many.lua": script(true) });
  console.log(`memory before: ${await rssMb(pid)}`);
  for (const name of ["one", "many", "many", "one"]) {
    const { rate, p50, p99 } = await load(url, {
      script: join(work, `${name}.lua`),
      seconds: "10",
    });
    console.log(
      `${name === "one" ? "one host " : "all hosts"} ${rate.toFixed(0).padStart(8)} req/s  p50 ${p50}  p99 ${p99}  memory ${await rssMb(pid)}`,
    );
  }
}

try {
  await writeFiles(
    work,
    Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`public/${path}`, text])),
  );
  const own = await startLand();
  const call = await signUp(own.url);
  await deploy(call, "bench", FILES);
  const { port } = new URL(own.url);
  const ours: Server = {
    name: "land",
    url: own.url,
    pid: own.pid,
    host: `bench.localhost:${port}`,
    // Pages have no suffix: with it a browser is sent on.
    path: (file) => `/${file.replace(/\.html$/, "")}`,
  };
  const servers = [ours, ...(await startPeers(work, only))];
  await compare(servers);
  if (siteCount > 0) await manySites(call, own);
} finally {
  await stopAll();
  await rm(work, { recursive: true, force: true });
}
