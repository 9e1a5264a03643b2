import { join } from "node:path";

import { cleanEnvironment } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";

/** A server that is measured. `pid`: whose processor time counts, with its children's. */
export type Server = {
  name: string;
  url: string;
  pid: number;
  host?: string;
  path: (file: string) => string;
};
const running: Bun.Subprocess[] = [];

/** Ends everything that `start` started. */
export async function stopAll(): Promise<void> {
  for (const child of running) child.kill();
  await Promise.all(running.map(({ exited }) => exited));
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  await probe.stop(true);
  return port ?? 0;
}

/** Starts a program in `work` and waits until `url` answers. */
export async function start(
  work: string,
  command: string[],
  url: string,
  env?: Record<string, string>,
): Promise<Bun.Subprocess> {
  const child = Bun.spawn(command, {
    cwd: work,
    stdout: "ignore",
    stderr: "inherit",
    ...(env && { env }),
  });
  running.push(child);
  for (let tries = 0; tries < 200; tries += 1) {
    if (await fetch(url).catch(() => undefined)) return child;
    await Bun.sleep(50);
  }
  throw new Error(`${command[0]} did not start`);
}

/** nginx and Caddy for the files in `<work>/public`, as far as they are installed and wanted. */
export async function startPeers(work: string, only: readonly string[]): Promise<Server[]> {
  const peers = [
    only.includes("nginx") ? await startNginx(work) : undefined,
    only.includes("caddy") ? await startCaddy(work) : undefined,
  ];
  return peers.filter((peer) => peer !== undefined);
}

async function startNginx(work: string): Promise<Server | undefined> {
  const program = Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx");
  if (program === null) return undefined;
  const port = await freePort();
  await writeFiles(work, {
    "nginx.conf": `worker_processes auto;
pid ${work}/nginx.pid;
error_log ${work}/nginx-error.log;
daemon off;
events { worker_connections 1024; }
http {
  types { text/html html; }
  access_log ${work}/nginx-access.log combined buffer=64k flush=5s;
  gzip on;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000;
  open_file_cache max=10000 inactive=60s; open_file_cache_valid 60s;
  client_body_temp_path ${work}/n1; proxy_temp_path ${work}/n2; fastcgi_temp_path ${work}/n3;
  uwsgi_temp_path ${work}/n4; scgi_temp_path ${work}/n5;
  server { listen 127.0.0.1:${port}; root ${work}/public; }
}
`,
  });
  const url = `http://127.0.0.1:${port}`;
  const command = [program, "-c", join(work, "nginx.conf"), "-e", join(work, "nginx-error.log")];
  const { pid } = await start(work, command, url);
  return { name: "nginx", url, pid, path: (file) => `/${file}` };
}

async function startCaddy(work: string): Promise<Server | undefined> {
  const program = Bun.which("caddy");
  if (program === null) return undefined;
  const port = await freePort();
  await writeFiles(work, {
    Caddyfile: `{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  root * ${work}/public
  encode zstd gzip
  file_server
  log {
    output file ${work}/caddy-access.log
  }
}
`,
  });
  const url = `http://127.0.0.1:${port}`;
  const command = [program, "run", "--config", join(work, "Caddyfile"), "--adapter", "caddyfile"];
  const { pid } = await start(work, command, url, cleanEnvironment(work));
  return { name: "caddy", url, pid, path: (file) => `/${file}` };
}
