/**
 * Many WebSockets of one site: what the server's memory is with them open, and how many messages per second reach them when the
 * site's program broadcasts. Clients run in processes of their own, on the same machine.
 *
 *   bun bench/sockets.ts [--sockets 10000] [--clients 2] [--bytes 100] [--source] [--layer]
 *
 * `--source` runs land from source instead of dist/land. `--layer` measures the sockets alone: the same code behind a bare
 * listener, with a program inside the server's process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { landBinary } from "../test/support/binary.ts";
import { cleanEnvironment } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import { type Clients, openClients } from "./sockets-clients.ts";
import { freePort, start, stopAll } from "./static-peers.ts";

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const count = Number(flag("--sockets", "10000"));
const processes = Number(flag("--clients", "2"));
const bytes = Number(flag("--bytes", "100"));
/** Broadcasts per request to the program, and requests. */
const PATTERNS = [
  [1, 20],
  [10, 20],
  [50, 20],
] as const;
const TARGETS = { memoryMb: 150, deliveriesPerSecond: 300_000 };

const work = await mkdtemp(join(tmpdir(), "land-bench-sockets-"));
const env = cleanEnvironment(work, {
  LAND_RATE_LIMIT: "off",
  LAND_LOG_LEVEL: "warn",
  LAND_FUNCTIONS_SOCKETS: String(count),
});

const PROGRAM = `const n = Number(req.query.n);
const message = "x".repeat(${bytes});
for (let i = 0; i < n; i++) socket.broadcast(message);
res.send("ok");
`;

/** A server with one site whose program broadcasts when asked. */
type Target = { url: string; pid: number; host: string };

async function startLand(): Promise<Target> {
  const program = process.argv.includes("--source")
    ? [process.execPath, "--cwd", join(import.meta.dir, ".."), "src/main.ts"]
    : [await landBinary()];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const serve = [...program, "serve", "--data", join(work, "data"), "--port", String(port)];
  const child = await start(work, serve, `${url}/health`, env);
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
  await writeFiles(join(work, "site"), { "main.ts": PROGRAM });
  const deploy = Bun.spawn([...program, "deploy", join(work, "site"), "--site", "bench"], {
    cwd: work,
    env: { ...env, LAND_REGISTRY: url, LAND_TOKEN: token },
    stdout: "ignore",
    stderr: "pipe",
  });
  const [told, code] = await Promise.all([deploy.stderr.text(), deploy.exited]);
  if (code !== 0) throw new Error(`land deploy: ${told}`);
  return { url, pid: child.pid, host: `bench.localhost:${port}` };
}

async function startLayer(): Promise<Target> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const root = join(import.meta.dir, "..");
  const layer = [process.execPath, "--cwd", root, "bench/sockets-layer.ts"];
  const child = await start(work, [...layer, String(port), String(bytes)], `${url}/burst?n=0`, env);
  return { url, pid: child.pid, host: `127.0.0.1:${port}` };
}

async function statusOf(pid: number, field: string): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

async function cpuMs(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Lets the program broadcast and waits until every message is everywhere. */
async function burst(
  { url, host, pid }: Target,
  clients: Clients,
  [messages, requests]: readonly [number, number],
): Promise<void> {
  const before = await clients.got();
  const cpuBefore = await cpuMs(pid);
  const startedMs = performance.now();
  for (let n = 0; n < requests; n += 1) {
    const answer = await fetch(`${url}/burst?n=${messages}`, { headers: { host } });
    if (!answer.ok) throw new Error(`the program answered ${answer.status}`);
    await answer.bytes();
  }
  const due = before + messages * requests * count;
  const deadlineMs = startedMs + 60_000;
  let got = before;
  while (got < due && performance.now() < deadlineMs) {
    await Bun.sleep(10);
    got = await clients.got();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const each = ((await cpuMs(pid)) - cpuBefore) / (got - before);
  const lost = due - got === 0 ? "" : `, ${due - got} lost`;
  console.log(
    `${String(messages).padStart(3)} broadcasts of ${bytes} bytes in one request, ${requests} times: ${Math.round((got - before) / seconds).toLocaleString("en")} deliveries/s, ${(each * 1000).toFixed(2)} us of the server each${lost}`,
  );
}

try {
  const isLayer = process.argv.includes("--layer");
  const target = isLayer ? await startLayer() : await startLand();
  await fetch(`${target.url}/burst?n=0`, { headers: { host: target.host } });
  const empty = await statusOf(target.pid, "VmRSS");
  const startedMs = performance.now();
  const clients = await openClients({ ...target, count, processes });
  const seconds = (performance.now() - startedMs) / 1000;
  await Bun.sleep(1000);
  const full = await statusOf(target.pid, "VmRSS");
  console.log(
    `${isLayer ? "the sockets alone" : "land serve"}; targets: ${JSON.stringify(TARGETS)}`,
  );
  console.log(
    `${count} sockets opened in ${seconds.toFixed(1)} s: ${full.toFixed(0)} MB, ${empty.toFixed(0)} MB before, ${(((full - empty) * 1024) / count).toFixed(1)} kB each`,
  );
  for (const pattern of PATTERNS) await burst(target, clients, pattern);
  console.log(
    `after that ${(await statusOf(target.pid, "VmRSS")).toFixed(0)} MB, at most ${(await statusOf(target.pid, "VmHWM")).toFixed(0)} MB`,
  );
  await clients.stop();
} finally {
  await stopAll();
  await rm(work, { recursive: true, force: true });
}
