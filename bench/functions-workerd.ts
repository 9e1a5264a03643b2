import { join } from "node:path";

import { writeFiles } from "../test/support/project.ts";
import { freePort, type Server, start } from "./static-peers.ts";

/** Cloudflare's runtime with this worker, or undefined where npm cannot fetch it. */
export async function startWorkerd(work: string, worker: string): Promise<Server | undefined> {
  const port = await freePort();
  await writeFiles(work, {
    "workerd/package.json": '{"private":true}',
    "workerd/worker.js": worker,
    "workerd/config.capnp": `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .bench)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const bench :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2024-01-01"
);
`,
  });
  const folder = join(work, "workerd");
  const npm = Bun.spawn(["npm", "install", "--no-audit", "--no-fund", "workerd"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await npm.exited) !== 0) return undefined;
  const url = `http://127.0.0.1:${port}`;
  const binary = join(folder, "node_modules/workerd/bin/workerd");
  const child = await start(folder, [binary, "serve", "config.capnp"], `${url}/hello`);
  return { name: "workerd", url, pid: child.pid, path: (file) => `/${file}` };
}
