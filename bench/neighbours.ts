/**
 * How long a site waits for its answers while six others on the same machine do their worst. Prints p50 and p99 of the victim alone
 * and under attack, and their ratio: over all the time, and over the first two seconds, when the six start, and the rest apart.
 *
 *   bun bench/neighbours.ts [--seconds 10] [--rounds 1] [--kind "one of each"] [--open] [--source]
 *
 * `--open`: without the sandbox; `--source`: processes are started from source, which takes them longer.
 *
 * Visitors are on the machine that they measure, which they are not in the world. Those of the six therefore take what nobody else
 * wants of it (SCHED_IDLE). The victim's has the shortest turns, alone as under attack, so that the kernel runs it as soon as it
 * wakes up: what is timed is the server and the program, not how long the one who holds the clock waits to look at it.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadConfig, type ServerConfig } from "#base/config.ts";
import { createLog } from "#base/log.ts";
import type { DeployId, Digest, SiteName } from "#base/names.ts";
import { createSupervisor } from "#runtime/process/supervisor.ts";
import { createSpawner } from "#runtime/sandbox/spawn.ts";
import type { ProgramRef } from "#runtime/tenant.ts";

import { landBinary } from "../test/support/binary.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const seconds = Number(flag("--seconds", "10"));
const rounds = Number(flag("--rounds", "1"));
const kind = flag("--kind", "");
/** All of the six have started and shown what they are by then. */
const BEGIN_MS = 2000;

const handler = (statement: string): string =>
  `export default { async fetch(request) { ${statement}; return new Response("hello"); } };`;
const VICTIM = handler("let sum = 0; for (let n = 0; n < 50_000; n += 1) sum += n");
const HOSTILE = {
  "endless loops": Array.from({ length: 6 }, () => handler("while (true)")),
  "busy, with pauses": Array.from({ length: 6 }, () =>
    handler(
      "for (;;) { const end = Date.now() + 15; while (Date.now() < end); await new Promise((go) => setImmediate(go)) }",
    ),
  ),
  "one of each": [
    handler("while (true)"),
    handler("const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1))"),
    handler(
      "const u = URL.createObjectURL(new Blob(['while (true);'])); for (;;) { new Worker(u); await new Promise((go) => setTimeout(go, 5)) }",
    ),
    handler("for (;;) { console.log('x'.repeat(1000)); await 1 }"),
    handler("process.exit(1)"),
    handler(
      "return new Response(new ReadableStream({ pull(to) { to.enqueue(new Uint8Array(65536)) } }))",
    ),
  ],
};

const data = await mkdtemp(join(tmpdir(), "land-bench-neighbours-"));
const config: ServerConfig = {
  ...loadConfig({ data, env: {}, flags: {} }),
  "functions.sandbox": process.argv.includes("--open") ? "none" : "required",
};
const log = createLog(
  "error",
  (line) => process.stderr.write(line),
  () => new Date(),
);
const sources = new Map<string, string>();
let made = 0;

function program(source: string): ProgramRef {
  const digest = `sha256:${createHash("sha256").update(source).digest("hex")}` as Digest;
  sources.set(digest, source);
  made += 1;
  return {
    siteId: made,
    site: `site-${made}` as SiteName,
    deploy: String(made).padStart(10, "0") as DeployId,
    digest,
    mapDigest: undefined,
    name: "main.js",
    language: "js",
    database: false,
  };
}

const binary = process.argv.includes("--source") ? undefined : await landBinary();
const supervisor = createSupervisor({
  config,
  log,
  now: () => new Date(),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  dir: join(data, "functions"),
  bindings: [],
  spawner: createSpawner({ config, log, ...(binary !== undefined && { binary }) }),
  codeOf: async ({ digest }) => ({ code: Buffer.from(sources.get(digest) ?? ""), map: undefined }),
  envOf: async () => ({}),
  quotasOf: async () => ({ memoryBytes: 256 * 1024 * 1024, diskBytes: 256 * 1024 * 1024 }),
  noteLog() {},
});

const programs: ProgramRef[] = [];
/** Visitors come over HTTP, from processes of their own. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request): Promise<Response> {
    const ref = programs[Number(new URL(request.url).pathname.slice(1))];
    if (!ref) return new Response(null, { status: 404 });
    const head = { method: "GET", url: request.url, headers: [], requestId: "", address: "" };
    try {
      const { status, body } = await supervisor.request(ref, head, null, request.signal);
      return new Response(body, { status });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "?";
      return new Response(null, { status: 503, headers: { "x-code": code } });
    }
  },
});

/** Where visitors of a program ask. */
function publish(source: string): string {
  programs.push(program(source));
  return `http://127.0.0.1:${server.port}/${programs.length - 1}`;
}

function visitors(...args: string[]): Bun.Subprocess<"pipe", "pipe", "inherit"> {
  const script = join(import.meta.dir, "neighbours-clients.ts");
  const detached = args[0] === "attack";
  return Bun.spawn([process.execPath, script, ...args], {
    stdin: "pipe",
    stdout: "pipe",
    detached,
  });
}

type Times = { p50: number; p99: number; max: number };
type Measured = Record<"all" | "begin" | "rest", Times>;

function timesOf(samples: readonly (readonly [number, number])[]): Times {
  const times = samples.map(([, ms]) => ms).toSorted((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: times.at(-1) ?? 0 };
}

async function measure(victim: string): Promise<Measured> {
  const samples: [number, number][] = await visitors(
    "measure",
    String(seconds),
    victim,
  ).stdout.json();
  return {
    all: timesOf(samples),
    begin: timesOf(samples.filter(([atMs]) => atMs < BEGIN_MS)),
    rest: timesOf(samples.filter(([atMs]) => atMs >= BEGIN_MS)),
  };
}

const told = (name: string, { p50, p99, max }: Times, alone?: Times): void =>
  console.log(
    `${name.padEnd(22)} p50 ${p50.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms   max ${max.toFixed(2)} ms${
      alone ? `   p99 × ${(p99 / alone.p99).toFixed(2)}` : ""
    }`,
  );

try {
  const victim = publish(VICTIM);
  await measure(victim);
  for (let round = 0; round < rounds; round += 1)
    for (const [name, hostile] of Object.entries(HOSTILE)) {
      if (kind !== "" && kind !== name) continue;
      const { all: alone } = await measure(victim);
      told("alone", alone);
      const attack = visitors("attack", ...hostile.map(publish));
      const under = await measure(victim);
      await attack.stdin.end();
      told(name, under.all, alone);
      told("  first two seconds", under.begin, alone);
      told("  after them", under.rest, alone);
      const ends = (await attack.stdout.text()).trim();
      // What spins on without a visitor would count as the next one's usual.
      for (const { siteId } of programs.splice(1)) await supervisor.forget(siteId);
      console.log(`${"".padEnd(22)} ${ends}\n`);
    }
} finally {
  await server.stop(true);
  await supervisor.stop();
  await rm(data, { recursive: true, force: true });
}
