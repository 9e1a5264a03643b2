/**
 * How long a site waits for its answers while six others on the same machine do their worst. Prints p50 and p99 of the victim alone
 * and under attack, and their ratio.
 *
 *   bun bench/neighbours.ts [--seconds 5] [--rounds 1] [--open] [--source]
 *
 * `--open`: without the sandbox; `--source`: processes are started from source, which takes them longer.
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
const seconds = Number(flag("--seconds", "5"));
const rounds = Number(flag("--rounds", "1"));

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
const codes = new Map<string, number>();
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
  urlOf: ({ site }) => `http://${site}.localhost`,
  quotasOf: async () => ({ memoryBytes: 256 * 1024 * 1024, diskBytes: 256 * 1024 * 1024 }),
  noteLog() {},
});

async function ask(ref: ProgramRef, signal: AbortSignal): Promise<boolean> {
  const head = {
    method: "GET",
    url: `http://${ref.site}.localhost/`,
    headers: [],
    requestId: "",
    address: "",
  };
  try {
    const { body } = await supervisor.request(ref, head, null, signal);
    if (body instanceof ReadableStream) await new Response(body).arrayBuffer();
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "?";
    codes.set(code, (codes.get(code) ?? 0) + 1);
    return false;
  }
}

async function measure(victim: ProgramRef): Promise<{ p50: number; p99: number; max: number }> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const { signal } = new AbortController();
  while (performance.now() < end) {
    const startedMs = performance.now();
    if (!(await ask(victim, signal)))
      throw new Error(`the victim was refused: ${[...codes.keys()].join()}`);
    times.push(performance.now() - startedMs);
    await Bun.sleep(2);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: times.at(-1) ?? 0 };
}

/** Asks again as soon as it is answered, as one who wants it to hurt does; a little later where it is refused. */
async function attack(ref: ProgramRef, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ask(ref, signal);
    await Bun.sleep(20);
  }
}

const told = (name: string, { p50, p99, max }: { p50: number; p99: number; max: number }): void =>
  console.log(
    `${name.padEnd(22)} p50 ${p50.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms   max ${max.toFixed(2)} ms`,
  );

try {
  const victim = program(VICTIM);
  await measure(victim);
  for (let round = 0; round < rounds; round += 1)
    for (const [name, hostile] of Object.entries(HOSTILE)) {
      const alone = await measure(victim);
      told("alone", alone);
      codes.clear();
      const stop = new AbortController();
      const attacks = hostile.map((source) => attack(program(source), stop.signal));
      const under = await measure(victim);
      stop.abort();
      told(name, under);
      const ends = [...codes].map(([code, count]) => `${code} ${count}`).join(", ");
      console.log(`${"".padEnd(22)} p99 × ${(under.p99 / alone.p99).toFixed(2)}   ${ends}\n`);
      await Promise.all(attacks);
    }
} finally {
  await supervisor.stop();
  await rm(data, { recursive: true, force: true });
}
