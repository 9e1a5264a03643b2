import { expect, test } from "bun:test";
import { closeSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, open } from "node:fs/promises";
import { join } from "node:path";

import { landBinary } from "#test/support/binary.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { archOf } from "../../src/runtime/sandbox/arch.ts";
import { codeFor } from "../../src/runtime/sandbox/code.ts";
import { imageOf } from "../../src/runtime/sandbox/image.ts";
import { ERRNO, openSyscalls } from "../../src/runtime/sandbox/libc.ts";
import { EXIT, type LaunchPlan } from "../../src/runtime/sandbox/plan.ts";
import { createStart, type GuestProcess, launchPlan } from "../../src/runtime/sandbox/spawn.ts";
import { createSlot, perform, type Step, wordsOf } from "../../src/runtime/sandbox/steps.ts";

const AT_FDCWD = -100;
const MAKE = 0o1101;
const UID_BASE = 2_100_000_000;
const arch = archOf();
const isHere = process.platform === "linux" && arch !== undefined;

/** Runs the steps as a program of their own. */
async function run(folder: string, steps: readonly Step[]) {
  if (arch === undefined) throw new Error("no code for this processor");
  const path = join(folder, "program");
  const { head, data, dataAt } = imageOf(arch, steps, "Cannot: ");
  const file = await open(path, "w");
  await file.write(head, 0, head.length, 0);
  await file.write(data, 0, data.length, dataAt);
  await file.close();
  await chmod(path, 0o755);
  const { exitCode, stderr, pid } = Bun.spawnSync([path], { env: {} });
  return { exitCode, stderr: stderr.toString(), pid };
}

/** Writes its pid, twice, and what was left of 3 calls of which one may fail. */
function writing(path: string): Step[] {
  const pid = createSlot();
  const file = createSlot();
  const write = (what: string): Step => ({
    what,
    call: "write",
    args: [file, what, what.length],
    answer: what.length,
  });
  return [
    { what: "getpid", call: "getpid", args: [], keep: pid },
    { what: "getpid", call: "getpid", args: [], answer: pid },
    { what: "open", call: "openat", args: [AT_FDCWD, path, MAKE, 0o644], keep: file },
    {
      what: "pids",
      call: "write",
      args: [file, { kind: "filled", bytes: wordsOf([1, 2, 3]), at: [4, 16], from: pid }, 24],
      answer: 24,
    },
    {
      what: "nothing",
      call: "openat",
      args: [AT_FDCWD, "/nothing/here", 0, 0],
      may: ERRNO.ENOENT,
      skip: 2,
    },
    write("left out"),
    write("left out, too"),
    write("one"),
    { what: "close", call: "close", args: [-1], may: "fail" },
    write("two"),
  ];
}

test.if(isHere)("a program of calls does what the calls do in a process", async () => {
  await using folder = await temporaryFolder("direct");
  const [ours, theirs] = [join(folder.path, "ours"), join(folder.path, "theirs")];
  expect(perform(openSyscalls(), writing(ours))).toBeUndefined();
  const leave: Step = { what: "exit", call: "exit_group", args: [7] };
  const ran = await run(folder.path, [...writing(theirs), leave]);
  expect(ran).toMatchObject({ exitCode: 7, stderr: "" });
  for (const [path, pid] of [
    [ours, process.pid],
    [theirs, ran.pid],
  ] as const) {
    const bytes = readFileSync(path);
    expect([...new Uint32Array(bytes.buffer.slice(0, 24))]).toEqual([1, pid, 2, 0, pid, 0]);
    expect(bytes.toString("latin1", 24)).toBe("onetwo");
  }
});

test.if(isHere).each<[string, Step, string]>([
  [
    "an error",
    { what: "open", call: "openat", args: [AT_FDCWD, "/no", 0, 0] },
    "open failed with 2",
  ],
  [
    "another error than it may",
    { what: "open", call: "openat", args: [AT_FDCWD, "/no", 0, 0], may: ERRNO.EPERM, skip: 1 },
    "open failed with 2",
  ],
  [
    "another answer than wanted",
    { what: "lseek", call: "openat", args: [AT_FDCWD, "/", 0o10000000, 0], answer: 4096 },
    "lseek failed with ",
  ],
])("a program of calls ends at %s, as a process does", async (_, step, told) => {
  await using folder = await temporaryFolder("direct");
  const leave: Step = { what: "exit", call: "exit_group", args: [0] };
  const { exitCode, stderr } = await run(folder.path, [step, leave]);
  expect(exitCode).toBe(EXIT.launch);
  expect(stderr).toStartWith(`Cannot: ${told}`);
  expect(stderr).toMatch(/ \d+\n$/);
  expect(perform(openSyscalls(), [step])).toStartWith(told);
});

test("the code of both processors is whole", () => {
  for (const name of ["x64", "arm64"] as const) {
    const image = imageOf(name, writing("/x"), "");
    const code = codeFor(name);
    expect(code.length).toBeGreaterThan(150);
    expect(Buffer.from(image.head.slice(-code.length))).toEqual(Buffer.from(code));
    const entry = new DataView(image.head.buffer).getUint32(24, true) - 0x400000;
    expect(entry).toBe(image.head.length - code.length);
  }
  expect(codeFor("arm64").length % 4).toBe(0);
});

/** What a process says of itself once it is confined. It ends when its link does; `look` comes before that. */
async function confined(guest: GuestProcess, look?: () => void): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  void guest.exited.then(({ code }) => resolve(`code ${code}: ${guest.stderrTail()}`));
  const link = await Bun.connect({
    fd: guest.link,
    socket: { data: () => resolve("confined"), open() {}, close() {}, error() {} },
  } as never);
  const said = await promise;
  look?.();
  link.end();
  closeSync(guest.sync);
  return said;
}

const planOf = (more: Partial<LaunchPlan> = {}): LaunchPlan => ({
  ...launchPlan(
    { ring: -1, uid: 21 },
    {
      "functions.uidBase": UID_BASE,
      "functions.diskBytes": 1024 * 1024,
    },
  ),
  ...more,
});

test.if(isHere)(
  "what fails once directly goes the long way from then on",
  async () => {
    const warned: unknown[] = [];
    const start = createStart([await landBinary()], {
      warn: (event, fields) => void warned.push([event, fields]),
    });
    const first = start(planOf(), { ring: -1 });
    const isOurs = (): void => expect(readlinkSync(`/proc/${first.pid}/exe`)).toEndWith("land");
    expect(await confined(first, isOurs)).toBe("confined");
    first.heard();
    first.kill();
    await first.exited;
    const lost = start(planOf({ parent: 1 }), { ring: -1 });
    expect(await confined(lost)).toContain("the server is gone");
    expect(warned).toMatchObject([
      [
        "sandbox.slow",
        { problem: expect.stringContaining("Cannot confine a program: the server") },
      ],
    ]);
    const next = start(planOf(), { ring: -1 });
    expect(await confined(next)).toBe("confined");
    next.kill();
    await next.exited;
  },
  30_000,
);
