import { expect, test } from "bun:test";
import { chmod, copyFile } from "node:fs/promises";
import { join } from "node:path";

import { landBinary } from "#test/support/binary.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { checkSandbox } from "../../src/runtime/sandbox/check.ts";

const isRoot = process.geteuid?.() === 0;
const TIMEOUT_MS = 120_000;

/** What must be so with and without a sandbox. */
const ALWAYS = [
  "start a confined process",
  "arguments",
  "write in the own folder",
  "SQLite in the own folder",
  "threads",
  "random bytes and digests",
  "timers and memory",
];
/** What the system keeps from everybody but root anyway. */
const ROOT_ONLY = [
  "user",
  "capabilities",
  "unshare mount namespace",
  "perf_event_open",
  "move_mount",
  "fsopen",
  "mount_setattr",
  "pivot_root",
  "become root",
  "change group",
  "change groups",
  "log of the kernel",
];

type Report = { ok: boolean; probes: { name: string; actual: string; ok: boolean }[] };

/** Runs `land doctor sandbox --json` in the binary. */
async function doctor(before: string[] = []): Promise<{ code: number; report: Report }> {
  await using folder = await temporaryFolder("doctor");
  await chmod(folder.path, 0o777);
  const binary = join(folder.path, "land"); // where another user may come too
  await copyFile(await landBinary(), binary);
  const child = Bun.spawn([...before, binary, "doctor", "sandbox", "--json"], {
    cwd: folder.path,
    env: { TMPDIR: folder.path, HOME: folder.path, PATH: "" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const report: Report = await child.stdout.json();
  return { code: await child.exited, report };
}

const failed = ({ probes }: Report): string[] =>
  probes.filter(({ ok }) => !ok).map(({ name, actual }) => `${name}: ${actual}`);

test(
  "a program gets nowhere",
  async () => {
    const { code, report } = await doctor();
    expect(failed(report)).toEqual([]);
    expect(report.probes.length).toBeGreaterThan(100);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
  },
  TIMEOUT_MS,
);

test(
  "nor where it was confined by a whole land of its own",
  async () => {
    await using folder = await temporaryFolder("slow");
    await chmod(folder.path, 0o777);
    const binary = await landBinary();
    const uidBase = 2_100_000_000;
    const options = { scratch: folder.path, uidBase, confined: true, slow: true, binary };
    const probes = await checkSandbox(options);
    expect(failed({ ok: true, probes })).toEqual([]);
    expect(probes.length).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

test(
  "without a sandbox every probe gets through, so each can fail",
  async () => {
    await using folder = await temporaryFolder("bare");
    const binary = await landBinary();
    const probes = await checkSandbox({
      scratch: folder.path,
      uidBase: 2_100_000_000,
      confined: false,
      binary,
    });
    const expected = isRoot ? ALWAYS : [...ALWAYS, ...ROOT_ONLY];
    const fine = probes.filter(({ ok }) => ok).map(({ name }) => name);
    expect(fine.filter((name) => !expected.includes(name))).toEqual([]);
    expect(ALWAYS.filter((name) => !fine.includes(name))).toEqual([]);
  },
  TIMEOUT_MS,
);

// As the service does it: no root, and all processes have the uid of the server.
test.if(isRoot && Bun.which("setpriv") !== null)(
  "nor with the uid of the server",
  async () => {
    const user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    const { code, report } = await doctor([Bun.which("setpriv") ?? "", ...user]);
    expect(failed(report)).toEqual([]);
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

// As in a container: root, and no root of its own for the program.
test.if(isRoot && Bun.which("setpriv") !== null)(
  "nor where root cannot make a root of its own",
  async () => {
    const { code, report } = await doctor([
      Bun.which("setpriv") ?? "",
      "--bounding-set",
      "-sys_admin",
    ]);
    expect(failed(report)).toEqual([]);
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);
