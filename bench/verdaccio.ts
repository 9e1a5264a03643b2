/** Verdaccio, the registry that the benches compare with: installed by npm into a folder, started on a loopback port. */
import { join } from "node:path";

import { writeFiles } from "../test/support/project.ts";

/** A running Verdaccio that holds nothing at first and takes packages from anyone. */
export type Verdaccio = {
  url: string;
  version: string;
  /** Starts it again where a load before has ended it. */
  revive: () => Promise<void>;
  /** How often it was started. */
  starts: () => number;
  end: () => void;
};

const CONFIG = `storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
packages: { '**': { access: $all, publish: $all } }
log: { type: stdout, level: error }
max_body_size: 300mb
uplinks: {}
`;

/**
 * Installs and starts it in `dir`, which may hold it already. Undefined where npm cannot bring it.
 * @throws Error where it is there and does not start within 20 s.
 */
export async function startVerdaccio(dir: string): Promise<Verdaccio | undefined> {
  const installed = await install(dir);
  if (installed === undefined) return undefined;
  const { version, node } = installed;
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const url = `http://127.0.0.1:${probe.port}`;
  await probe.stop(true);
  let child: Bun.Subprocess | undefined;
  let starts = 0;
  const isUp = async (): Promise<boolean> =>
    (await fetch(`${url}/-/ping`).catch(() => undefined))?.ok === true;
  const revive = async (): Promise<void> => {
    if (await isUp()) return;
    child?.kill();
    starts += 1;
    child = Bun.spawn(
      [node, "node_modules/.bin/verdaccio", "-c", "config.yaml", "-l", url.slice("http://".length)],
      { cwd: dir, stdout: "ignore", stderr: "ignore" },
    );
    for (let tries = 0; tries < 100; tries += 1) {
      if (await isUp()) return;
      await Bun.sleep(200);
    }
    throw new Error(`Verdaccio ${version} does not start`);
  };
  await revive();
  return { url, version, revive, starts: () => starts, end: () => child?.kill() };
}

/** The stable version with the Node that it asks for; one dependency is named by a tag that some mirrors lack. */
async function install(dir: string): Promise<{ version: string; node: string } | undefined> {
  const runtime = `node-${process.platform}-${process.arch}`;
  const node = join(dir, "node_modules", runtime, "bin/node");
  const manifest = Bun.file(join(dir, "node_modules/verdaccio/package.json"));
  await writeFiles(dir, {
    "package.json": JSON.stringify({
      private: true,
      dependencies: { verdaccio: "^6", [runtime]: "^24" },
      overrides: { "node-fetch": "2.7.0" },
    }),
    "config.yaml": CONFIG,
  });
  if (!(await manifest.exists()) || !(await Bun.file(node).exists())) {
    const npm = Bun.spawn(["npm", "install", "--no-audit", "--no-fund"], {
      cwd: dir,
      stdout: "ignore",
      stderr: "ignore",
    });
    if ((await npm.exited) !== 0) return undefined;
  }
  return { version: (await manifest.json()).version, node };
}
