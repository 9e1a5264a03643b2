/**
 * Seconds that `land deploy` takes, command and server together: a folder for the first time, with one file changed, and with none.
 *
 *   bun bench/deploy.ts [--files 5000] [--rounds 3] [--source]
 *
 * Files are small pages, each different. A first deploy goes to a new site and sends every file anew.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import { freePort, start, stopAll } from "./static-peers.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const count = Number(flag("--files", "5000"));
const rounds = Number(flag("--rounds", "3"));
const work = await mkdtemp(join(tmpdir(), "land-bench-deploy-"));
const program = process.argv.includes("--source")
  ? [process.execPath, "--cwd", join(import.meta.dir, ".."), "src/main.ts"]
  : [await landBinary()];
const env = cleanEnvironment(work, { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" });

const page = (round: number, n: number): string =>
  `<!doctype html>\n<title>Page ${n} of round ${round}</title>\n${`<p>Line of page ${n}.</p>\n`.repeat(40 + (n % 60))}`;

async function land(...args: string[]): Promise<number> {
  const startedMs = performance.now();
  const child = Bun.spawn([...program, ...args], {
    cwd: work,
    env,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [told, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`land ${args.join(" ")}: ${told}`);
  return (performance.now() - startedMs) / 1000;
}

const median = (times: readonly number[]): string =>
  (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(2);

try {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = join(work, "data");
  const serve = [...program, "serve", "--data", data, "--port", String(port)];
  await start(work, serve, `${url}/health`, env);
  const made = await fetch(`${url}/api/v1/users/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      username: "bench",
      email: "bench@example.com",
      password: "correct horse battery",
    }),
  });
  const { token } = (await made.json()) as { token: string };
  Object.assign(env, { LAND_REGISTRY: url, LAND_TOKEN: token });

  const times = { first: [] as number[], one: [] as number[], none: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const files = Array.from({ length: count }, (_, n) => [
      `a${n % 50}/p${n}.html`,
      page(round, n),
    ]);
    const folder = `site-${round}`;
    await writeFiles(join(work, folder), Object.fromEntries(files) as Record<string, string>);
    const deploy = (): Promise<number> =>
      land("deploy", join(work, folder), "--site", `bench-${round}`);
    times.first.push(await deploy());
    await writeFiles(join(work, folder), { "a0/p0.html": page(round, -1) });
    times.one.push(await deploy());
    times.none.push(await deploy());
  }
  console.log(`${count} files, median of ${rounds} rounds`);
  console.log(`first deploy     ${median(times.first)} s`);
  console.log(`one file changed ${median(times.one)} s`);
  console.log(`nothing changed  ${median(times.none)} s`);
} finally {
  await stopAll();
  await rm(work, { recursive: true, force: true });
}
