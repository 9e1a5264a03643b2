/**
 * Requests per second for files of a site: the same files served by land, nginx and Caddy on this machine, warm, in turns in one run.
 * Then many sites: latency at random hosts against one host, and the memory of the server. Twice: as fast as it can, where latency is
 * what the connections have to wait for each other, and at rates that both bear, where it is what a visitor waits. There requests come
 * at random moments, whether or not others are answered, over so many connections that one seldom waits for its own last answer.
 *
 * Files are asked for plainly, and as browsers ask: compressed (nginx and Caddy compress while they answer) and with a user agent.
 *
 *   bun bench/static.ts [--seconds 5] [--connections 32] [--rounds 3] [--sites 10000] [--keep <folder>] [--source] [--only land,nginx,caddy]
 *
 * Needs `wrk`; nginx and Caddy take part where they are installed. All three note each request: nginx in its access log through a
 * buffer (it caches open files, too), Caddy in its access log, land in its traffic counts and site logs, as it always does. `--source` runs land from source instead of dist/land.
 * `--keep` keeps the data folder of the many sites, so that the next run need not make it again.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import {
  compareLatency,
  cpuSeconds,
  type Load,
  load,
  paced,
  RATES,
  rssMb,
  type Words,
} from "./static-load.ts";
import { freePort, type Server, start, startPeers, stopAll } from "./static-peers.ts";
import { prepareSites, type SiteFiles } from "./static-sites.ts";

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

/** How files are asked for. Without a user agent visits count as those of a program, which is less work. */
const ASKED: Readonly<Record<string, Words>> = {
  plain: {},
  browser: {
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9",
    "User-Agent":
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  },
};

// ── land ─────────────────────────────────────────────────────────────────────

async function startLand(
  data: string,
): Promise<{ url: string; pid: number; stop: () => Promise<void> }> {
  const program = process.argv.includes("--source")
    ? [process.execPath, "--cwd", join(import.meta.dir, ".."), "src/main.ts"]
    : [await landBinary()];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = cleanEnvironment(work, { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" });
  const child = await start(
    work,
    [...program, "serve", "--data", data, "--port", String(port)],
    `${url}/health`,
    env,
  );
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
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
  console.log(
    "file              server      req/s        p50        p99   land/it    cpu us/request",
  );
  for (const [asked, words] of Object.entries(ASKED))
    for (const [file, content] of Object.entries(FILES)) {
      const size = `${(content.length / 1000).toFixed(1)} KB`;
      await compareFile(servers, file, words, asked === "plain" ? size : `${size} ${asked}`);
    }
}

/** One file from all servers in turns. */
async function compareFile(
  servers: readonly Server[],
  file: string,
  words: Words,
  title: string,
): Promise<void> {
  const loads = new Map<string, Load[]>(servers.map(({ name }) => [name, []]));
  // Caches and compilers of all three are warm before the first round counts.
  for (const { url, host, path } of servers)
    await load(url + path(file), { host, words, seconds: "1", connections });
  for (let round = 0; round < rounds; round += 1)
    for (const { name, url, pid, host, path } of round % 2 === 0 ? servers : servers.toReversed()) {
      const before = await cpuSeconds(pid);
      const done = await load(url + path(file), { host, words, seconds, connections });
      const spent = (await cpuSeconds(pid)) - before;
      loads.get(name)?.push({ ...done, cpu: (spent * 1e6) / (done.rate * Number(seconds)) });
    }
  const ours = middle(loads.get("land") ?? []);
  for (const { name } of servers) {
    const { rate, p50, p99, cpu } = middle(loads.get(name) ?? []);
    const ratio = rate > 0 ? (ours.rate / rate).toFixed(2) : "-";
    console.log(
      `${title.padEnd(17)} ${name.padEnd(8)} ${rate.toFixed(0).padStart(8)} ${p50.padStart(10)} ${p99.padStart(10)} ${ratio.padStart(9)} ${cpu?.toFixed(1).padStart(17)}`,
    );
  }
}

/** A page of each site is its own, nine are the same everywhere. */
function manyFiles(): SiteFiles[] {
  const shared = Object.fromEntries(
    Array.from({ length: 9 }, (_, n) => [`page-${n}.html`, textOf(1400, 100 + n)]),
  );
  return Array.from({ length: siteCount }, (_, n) => ({
    name: `s${n}`,
    files: { ...shared, "index.html": textOf(1400, 1000 + n) },
  }));
}

const TITLES: Readonly<Record<string, string>> = {
  one: "one host           ",
  many: "all hosts          ",
  browsers: "all hosts, browsers",
};

async function manySites(): Promise<void> {
  const kept = flag("--keep", "");
  const data = kept === "" ? join(work, "many") : resolve(kept);
  if (!(await Bun.file(join(data, "land.db")).exists())) {
    const startedMs = performance.now();
    await prepareSites(data, manyFiles());
    const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(`\n${siteCount} sites of 10 files, made in ${tookSeconds} s`);
  }
  const { url, pid } = await startLand(data);
  const { port } = new URL(url);
  const script = (many: boolean, words: Words): string => `
math.randomseed(os.time())
local headers = {${Object.entries(words)
    .map(([name, value]) => `["${name}"] = "${value}", `)
    .join("")}}
request = function()
  local site = ${many ? `math.random(0, ${siteCount - 1})` : "0"}
  local file = math.random(-1, 8)
  local path = "/"
  if file >= 0 then path = "/page-" .. file end
  headers["Host"] = "s" .. site .. ".localhost:${port}"
  return wrk.format("GET", path, headers)
end
`;
  const { plain = {}, browser = {} } = ASKED;
  await writeFiles(work, {
    "one.lua": script(false, plain),
    "one-browser.lua": script(false, browser),
    "many.lua": script(true, plain),
    "browsers.lua": script(true, browser),
  });
  console.log(`\nmemory before: ${await rssMb(pid)}`);
  // Most of these are the first that anybody asks of a site.
  const cold = await paced({ work, url }, "many", RATES[0]);
  console.log(
    `${RATES[0]} req/s of a server that just started: all hosts p50 ${cold.p50}  p99 ${cold.p99}  memory ${await rssMb(pid)}`,
  );
  for (const name of ["one", "many", "many", "one", "browsers", "browsers"]) {
    const before = await cpuSeconds(pid);
    const { rate, p50, p99 } = await load(url, {
      script: join(work, `${name}.lua`),
      seconds: "10",
      connections,
    });
    const cpu = ((await cpuSeconds(pid)) - before) * 1e5;
    console.log(
      `${TITLES[name]} ${rate.toFixed(0).padStart(8)} req/s  p50 ${p50}  p99 ${p99}  cpu ${(cpu / rate).toFixed(0)} us/request  memory ${await rssMb(pid)}`,
    );
  }
  await compareLatency({ work, url, pid, one: "one", many: "many" }, "          ");
  await compareLatency({ work, url, pid, one: "one-browser", many: "browsers" }, ", browsers");
  console.log(`memory at most: ${await rssMb(pid, "VmHWM")}`);
}

try {
  await writeFiles(
    work,
    Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`public/${path}`, text])),
  );
  const data = join(work, "data");
  await prepareSites(data, [{ name: "bench", files: FILES }]);
  const own = await startLand(data);
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
  if (rounds > 0) await compare(servers);
  await own.stop();
  if (siteCount > 0) await manySites();
} finally {
  await stopAll();
  await rm(work, { recursive: true, force: true });
}
