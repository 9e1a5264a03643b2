import { Database } from "bun:sqlite";
import {
  chmodSync,
  chownSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import type { Probe, ProbeWorld } from "./probe.ts";

/** Something that a program must not be able to do. */
function forbid(name: string, attempt: (world: ProbeWorld) => unknown): Probe {
  return {
    name,
    expected: "denied",
    async run(world) {
      await attempt(world);
      return undefined;
    },
  };
}

const read = (path: string): string => readFileSync(path, "utf8");

/** Attempts by the ordinary interfaces: files, `/proc`, SQLite, connections, other programs. */
export const FILE_PROBES: readonly Probe[] = [
  forbid("read /etc/passwd", () => read("/etc/passwd")),
  forbid("list /", () => readdirSync("/")),
  forbid("read a file of the server", ({ secret }) => read(secret)),
  forbid("list a folder of the server", ({ outside }) => readdirSync(outside)),
  forbid("follow a link that leads out", () => read("link-out")),
  forbid("make a link that leads out", ({ secret }) => {
    symlinkSync(secret, "link-made");
    rmSync("link-made");
  }),
  forbid("make a hard link", () => {
    linkSync("probes.json", "link-hard");
    rmSync("link-hard");
  }),
  forbid("climb out by ..", ({ secret }) => read(`../../../../../../..${secret}`)),
  forbid("climb out by /proc/self/root", ({ secret }) => read(`/proc/self/root${secret}`)),
  forbid("write a file of the server", ({ secret }) => writeFileSync(secret, "secret")),
  forbid("make a file of the server", ({ outside }) => writeFileSync(join(outside, "made"), "")),
  forbid("truncate a file of the server", ({ secret }) => truncateSync(secret, 6)),
  forbid("rename a file of the server", ({ outside }) => {
    renameSync(join(outside, "renamed"), join(outside, "again"));
    renameSync(join(outside, "again"), join(outside, "renamed"));
  }),
  forbid("remove a file of the server", ({ outside }) => rmSync(join(outside, "removed"))),
  forbid("chmod of a file of the server", ({ secret }) => chmodSync(secret, 0o666)),
  forbid("chown of a file of the server", ({ secret }) => chownSync(secret, -1, -1)),
  forbid("utimes of a file of the server", ({ secret }) => utimesSync(secret, 1, 1)),
  forbid("chmod in the own folder", () => chmodSync("probes.json", 0o4777)),
  {
    name: "setxattr of a file of the server",
    expected: "denied",
    run({ syscall, secret }) {
      const result = syscall("setxattr", secret, "user.probe", "x", 1, 0);
      return result < 0 ? `denied (errno ${-result})` : "allowed";
    },
  },
  forbid("ATTACH a database of the server", ({ database }) => {
    const memory = new Database(":memory:");
    memory.run("ATTACH ? AS other", [database]);
    memory.query("SELECT * FROM other.secrets").all();
  }),
  forbid("read what other programs run", () => read("/proc/1/cmdline")),
  forbid("read the environment of the server", ({ server }) => read(`/proc/${server}/environ`)),
  forbid("open the memory of the server", ({ server }) => openSync(`/proc/${server}/mem`, "r")),
  forbid("open a descriptor of the server", ({ server }) => openSync(`/proc/${server}/fd/0`, "r")),
  forbid("learn where the server runs", ({ server }) => readlinkSync(`/proc/${server}/cwd`)),
  forbid("learn what the server has open", ({ server }) => readlinkSync(`/proc/${server}/fd/0`)),
  forbid("list processes", () => readdirSync("/proc")),
  forbid("read connections of the machine", () => read("/proc/self/net/tcp")),
  forbid("read mounts of the machine", () => read("/proc/self/mountinfo")),
  forbid("write its own memory past protection", () => openSync("/proc/self/mem", "r+")),
  forbid("use the terminal or devices", () => openSync("/dev/zero", "r")),
  forbid("fetch from 127.0.0.1", ({ port }) => fetch(`http://127.0.0.1:${port}/`)),
  forbid("connect to a Unix socket of the server", ({ socket }) => connected(socket)),
  forbid("connect to an abstract socket", ({ abstract }) => connected(`\0${abstract}`)),
  forbid("listen on a port", () => Bun.serve({ port: 0, fetch: () => new Response() }).stop(true)),
  forbid("send a datagram", async ({ port }) => {
    const socket = await Bun.udpSocket({});
    socket.send("x", port, "127.0.0.1");
    socket.close();
  }),
  forbid("start a program", () => Bun.spawnSync([process.execPath, "--version"])),
  forbid("start a program of the machine", () => Bun.spawnSync(["/bin/true"])),
];

async function connected(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const socket = connect(path, () => {
    socket.destroy();
    resolve(undefined);
  });
  socket.on("error", reject);
  await promise;
}
