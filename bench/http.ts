/**
 * Requests per second of what clients and visitors ask for most, under load: version metadata, index, download and
 * package page. Beside it, where it can be installed, Verdaccio serves the same package from the same machine in the same run.
 *
 *   bun bench/http.ts [--seconds 5] [--connections 32] [--no-peer]
 *
 * Needs a built dist/land and `wrk`; the peer is installed by npm into a temporary folder.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { land, startLand } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import { startVerdaccio, type Verdaccio } from "./verdaccio.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const seconds = flag("--seconds", "5");
const connections = flag("--connections", "32");
const VERSIONS = 50;
const ROUNDS = 3;
const work = await mkdtemp(join(tmpdir(), "land-http-"));
const home = join(work, "home");
await writeFiles(work, { "home/.keep": "" });

const readme = `# bench\n\n${"A paragraph of *text* with `code` and a [link](https://example.com).\n\n".repeat(60)}`;
const source = Array.from(
  { length: 2000 },
  (_, n) => `export const value${n} = ${Math.sin(n)};`,
).join("\n");

/** Requests per second, and the 99th percentile as wrk prints it. */
type Load = { rate: number; p99: string };
const DOWN: Load = { rate: 0, p99: "down" };

/** Requests per second and the 99th percentile in milliseconds, as wrk prints them. */
async function load(url: string, headers: Record<string, string> = {}): Promise<Load> {
  const args = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const wrk = Bun.spawn([
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    ...args,
    url,
  ]);
  const text = await wrk.stdout.text();
  // A rate over connections that broke tells nothing.
  if (!/Requests\/sec/.test(text) || /Socket errors/.test(text)) return DOWN;
  if (/Non-2xx/.test(text)) throw new Error(`${url} answered with errors:\n${text}`);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p99: /^\s+99%\s+(\S+)/m.exec(text)?.[1] ?? "?",
  };
}

async function startOurs(): Promise<{ url: string; end: () => Promise<unknown> }> {
  const server = await startLand({
    data: join(work, "data"),
    home,
    env: { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" },
  });
  const env = { LAND_REGISTRY: server.url };
  await land(["register", "--username", "bench", "--email", "b@example.com", "--password-stdin"], {
    cwd: home,
    home,
    env,
    input: "correct horse battery\n",
  });
  for (let n = 0; n < VERSIONS; n += 1) {
    await writeFiles(join(work, "package"), {
      "land.json": JSON.stringify({
        name: "bench-package",
        version: `1.${n}.0`,
        dependencies: { left: "^1.0.0" },
      }),
      "README.md": readme,
      "index.ts": `${source}\n// ${n}\n`,
    });
    const done = await land(["publish", "--yes"], { cwd: join(work, "package"), home, env });
    if (done.exitCode !== 0) throw new Error(done.stderr);
  }
  return { url: server.url, end: () => server.end("SIGTERM") };
}

/** Verdaccio with the same package, or undefined where npm cannot bring it. */
async function startPeer(): Promise<Verdaccio | undefined> {
  if (process.argv.includes("--no-peer")) return undefined;
  const peer = await startVerdaccio(join(work, "peer"));
  if (peer === undefined) return undefined;
  const { url } = peer;
  const account = await fetch(`${url}/-/user/org.couchdb.user:bench`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", password: "correct-horse", email: "b@example.com" }),
  });
  const { token } = (await account.json()) as { token: string };
  for (let n = 0; n < VERSIONS; n += 1) {
    await writeFiles(join(work, "npm-package"), {
      "package.json": JSON.stringify({
        name: "bench-package",
        version: `1.${n}.0`,
        dependencies: { left: "^1.0.0" },
      }),
      "README.md": readme,
      "index.ts": `${source}\n// ${n}\n`,
      ".npmrc": `registry=${url}/\n//${url.slice("http://".length)}/:_authToken=${token}\n`,
    });
    const publish = Bun.spawn(["npm", "publish"], {
      cwd: join(work, "npm-package"),
      stdout: "ignore",
      stderr: "pipe",
    });
    if ((await publish.exited) !== 0) throw new Error(await publish.stderr.text());
  }
  return peer;
}

/** The round with the median rate. */
const middle = (rounds: readonly Load[]): Load =>
  rounds.toSorted((a, b) => a.rate - b.rate)[Math.floor(rounds.length / 2)] ?? DOWN;
const ours = await startOurs();
const peer = await startPeer();
const rows: { what: string; path: string; headers?: Record<string, string>; peerPath?: string }[] =
  [
    {
      what: "version metadata",
      path: "/api/v1/packages/bench-package/1.20.0",
      peerPath: "/bench-package/1.20.0",
    },
    {
      what: "index (50 versions)",
      path: "/api/v1/index/bench-package",
      headers: { "accept-encoding": "gzip" },
      peerPath: "/bench-package",
    },
    {
      what: "download",
      path: "/api/v1/packages/bench-package/1.20.0/download",
      peerPath: "/bench-package/-/bench-package-1.20.0.tgz",
    },
    { what: "package page", path: "/packages/bench-package", headers: { accept: "text/html" } },
  ];
console.log(
  `${connections} connections, ${seconds} s, median of ${ROUNDS} rounds; peer: ${peer ? `Verdaccio ${peer.version}` : "none"}\n`,
);
console.log("what                 land req/s     p99        peer req/s     p99        ratio");
for (const { what, path, headers, peerPath } of rows) {
  const mine: Load[] = [];
  const theirs: Load[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    mine.push(await load(ours.url + path, headers));
    if (!peer || !peerPath) continue;
    await peer.revive();
    theirs.push(await load(peer.url + peerPath, headers));
  }
  const own = middle(mine);
  const other = theirs.length > 0 ? middle(theirs) : undefined;
  const ratio = other && other.rate > 0 ? `${(own.rate / other.rate).toFixed(1)}x` : "-";
  console.log(
    [
      what.padEnd(20),
      own.rate.toFixed(0).padStart(10),
      own.p99.padStart(10),
      (other?.rate.toFixed(0) ?? "-").padStart(16),
      (other?.p99 ?? "-").padStart(10),
      ratio.padStart(10),
    ].join(" "),
  );
}
if (peer && peer.starts() > 1)
  console.log(`\nThe peer ended under load and was started again ${peer.starts() - 1} times.`);
await ours.end();
peer?.end();
await rm(work, { recursive: true, force: true });
