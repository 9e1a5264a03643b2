/**
 * Programs of sites against workerd in one run, in turns: requests per second of a hello and of a JSON route. Then a stream of
 * 100 MB against one of a plain Bun.serve, `KV.get` from inside a program, and first answers of processes that were not there before.
 *
 *   bun bench/functions.ts [--seconds 5] [--connections 32] [--rounds 3] [--starts 20] [--starts-only] [--source]
 *
 * Needs `wrk`, `curl` and `npm`, which fetches workerd into a temporary folder. `--source` runs land from source instead of dist/land,
 * `--starts-only` measures first answers alone.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";
import { type Deployed, deployProgram } from "./functions-site.ts";
import { startWorkerd } from "./functions-workerd.ts";
import { freePort, type Server, start, stopAll } from "./static-peers.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const seconds = flag("--seconds", "5");
const connections = flag("--connections", "32");
const rounds = Number(flag("--rounds", "3"));
const starts = Number(flag("--starts", "20"));
const work = await mkdtemp(join(tmpdir(), "land-functions-"));

const STREAM_BYTES = 100 * 1024 * 1024;
const STREAM = `new Response(new ReadableStream({
      left: ${STREAM_BYTES / 65_536},
      pull(controller) {
        if (this.left-- <= 0) controller.close();
        else controller.enqueue(chunk);
      },
    }))`;
/** The same for both: what it answers on /hello and /json. */
const WORKER = `
const chunk = new Uint8Array(65536).fill(97);
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/hello") return new Response("Hello, world!");
    if (url.pathname === "/json")
      return Response.json({ path: url.pathname, agent: request.headers.get("user-agent"), items: [1, 2, 3].map((id) => ({ id, name: "item " + id })) });
    if (url.pathname === "/stream") return ${STREAM};
    if (url.pathname === "/kv") {
      await env.KV.put("key", "value");
      const times = [];
      for (let at = 0; at < 2000; at += 1) {
        const from = performance.now();
        await env.KV.get("key");
        times.push(performance.now() - from);
      }
      times.sort((a, b) => a - b);
      return Response.json({ p50: times[1000] * 1000, p99: times[1980] * 1000 });
    }
    return new Response("?", { status: 404 });
  },
};
`;
const DIRECT = `
const chunk = new Uint8Array(65536).fill(97);
Bun.serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), fetch: () => ${STREAM} });
`;

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function rate({ url, host }: Server, path: string): Promise<number> {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`];
  if (host !== undefined) args.push("-H", `Host: ${host}`);
  const text = await Bun.spawn(["wrk", ...args, url + path], { stdout: "pipe" }).stdout.text();
  if (/Non-2xx/.test(text)) throw new Error(`${url}${path} answered with errors:\n${text}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

/** Seconds until the last byte is there. */
async function download(url: string, host?: string): Promise<number> {
  const headers = host === undefined ? [] : ["-H", `Host: ${host}`];
  const args = ["-s", "-o", "/dev/null", "-w", "%{time_total} %{size_download}", ...headers, url];
  const [time, size] = (await Bun.spawn(["curl", ...args], { stdout: "pipe" }).stdout.text()).split(
    " ",
  );
  if (Number(size) !== STREAM_BYTES) throw new Error(`${url} gave ${size} bytes`);
  return Number(time);
}

async function startLand(name: string, pool: number): Promise<Deployed> {
  const program = process.argv.includes("--source")
    ? [process.execPath, "--cwd", join(import.meta.dir, ".."), "src/main.ts"]
    : [await landBinary()];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await start(
    work,
    [...program, "serve", "--data", join(work, name), "--port", String(port)],
    `${url}/health`,
    cleanEnvironment(work, {
      LAND_RATE_LIMIT: "off",
      LAND_LOG_LEVEL: "error",
      LAND_FUNCTIONS_POOL: String(pool),
      LAND_FUNCTIONS_CPU_SECONDS_PER_MINUTE: "600",
      LAND_FUNCTIONS_CONCURRENCY: "1000",
    }),
  );
  return deployProgram({ url, pid: child.pid, host: `bench.localhost:${port}` }, WORKER);
}

async function compareRates(land: Server, workerd: Server | undefined): Promise<void> {
  console.log(`${connections} connections, ${seconds} s, median of ${rounds} rounds in turns\n`);
  for (const path of ["/hello", "/json"]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await rate(land, path));
      if (workerd) theirs.push(await rate(workerd, path));
    }
    const ratio = (middle(ours) / middle(theirs)).toFixed(2);
    console.log(
      `${path.padEnd(8)} land ${middle(ours).toFixed(0).padStart(7)} req/s   workerd ${middle(theirs).toFixed(0).padStart(7)} req/s   ratio ${ratio}`,
    );
  }
}

async function compareStreams({ url, host }: Server): Promise<void> {
  const port = await freePort();
  await Bun.write(join(work, "direct.ts"), DIRECT);
  const direct = `http://127.0.0.1:${port}/`;
  await start(work, [process.execPath, "direct.ts", String(port)], direct);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds * 3; round += 1) {
    ours.push(await download(`${url}/stream`, host));
    theirs.push(await download(direct));
  }
  const ms = (times: number[]): string => `${(middle(times) * 1000).toFixed(0)} ms`;
  console.log(
    `stream   land ${ms(ours)}   Bun.serve ${ms(theirs)}   ratio ${(middle(theirs) / middle(ours)).toFixed(2)}`,
  );
}

/** Milliseconds until the first byte of an answer for which a process had to be started. */
async function firstAnswers(land: Deployed): Promise<string> {
  const times: number[] = [];
  for (let count = 0; count < starts; count += 1) {
    await land.endProcesses();
    // Others that wait are started meanwhile, where there is a pool.
    await Bun.sleep(500);
    const from = performance.now();
    const response = await land.get("/hello");
    times.push(performance.now() - from);
    await response.text();
  }
  return `p50 ${middle(times).toFixed(1)} ms   slowest ${Math.max(...times).toFixed(1)} ms`;
}

try {
  const land = await startLand("pool", 2);
  if (!process.argv.includes("--starts-only")) {
    await compareRates(land.server, await startWorkerd(work, WORKER));
    await compareStreams(land.server);
    const kv = await (await land.get("/kv")).text();
    console.log(`KV.get   ${kv} us`);
  }
  console.log(`first answer, from the pool   ${await firstAnswers(land)}`);
  const spawned = await startLand("spawn", 0);
  console.log(`first answer, spawned         ${await firstAnswers(spawned)}`);
} finally {
  await stopAll();
  await rm(work, { recursive: true, force: true });
}
