import { beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { chmod, chown, mkdir, readdir, stat, symlink } from "node:fs/promises";
import { join } from "node:path";

import { createLog } from "#base/log.ts";
import { landBinary } from "#test/support/binary.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { EXIT, type LaunchPlan } from "../../src/runtime/sandbox/plan.ts";
import { createSpawner, type GuestProcess } from "../../src/runtime/sandbox/spawn.ts";
import { mayChangeUser } from "../../src/runtime/sandbox/support.ts";
import { keepTail } from "../../src/runtime/sandbox/tail.ts";

const UID_BASE = 2_100_000_000;
const hasUsers = mayChangeUser();

// It may have to be built first.
beforeAll(async () => void (await landBinary()), 120_000);

/** `from`: "source" starts Bun with the sources, as in a checkout. */
async function spawner(
  sandbox: "required" | "none" = "required",
  from: "binary" | "source" = "binary",
) {
  const logged: string[] = [];
  const log = createLog(
    "info",
    (line) => void logged.push(line),
    () => new Date(0),
  );
  const config = {
    "functions.sandbox": sandbox,
    "functions.uidBase": UID_BASE,
    "functions.diskBytes": 1024 * 1024,
    "functions.memoryBytes": 256 * 1024 * 1024,
  } as const;
  const binary = from === "binary" ? { binary: await landBinary() } : {};
  return { logged, ...createSpawner({ config, log, ...binary }) };
}

/** Resolves when the guest has said something: then its sandbox is closed. */
async function greeted(guest: GuestProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  void guest.exited.then((ending) =>
    reject(new Error(`${JSON.stringify(ending)} ${guest.stderrTail()}`)),
  );
  await Bun.connect({
    fd: guest.link,
    socket: { data: () => resolve(undefined), open() {}, close() {}, error() {} },
  } as never);
  await promise;
}

async function end(guest: GuestProcess): Promise<void> {
  guest.kill();
  expect(await guest.exited).toEqual({ code: null, signal: "SIGKILL" });
  closeSync(guest.sync);
}

const status = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/status`, "utf8")
      .split("\n")
      .map((line) => line.split(":\t"))
      .map(([name = "", value = ""]) => [name, value.trim()]),
  );

test("a confined process has nothing but its descriptors", async () => {
  const { spawn, problem, sandboxed, logged } = await spawner();
  expect({ problem: problem(), sandboxed }).toEqual({ problem: undefined, sandboxed: true });
  const guest = spawn({ ring: -1, uid: 12 });
  await greeted(guest);
  const found = status(guest.pid);
  expect(found).toMatchObject({ NoNewPrivs: "1", Seccomp: "2" });
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
    expect(found[set]).toBe("0000000000000000");
  const uid = hasUsers ? UID_BASE + 12 : process.getuid?.();
  expect(found["Uid"]).toBe(Array(4).fill(uid).join("\t"));
  if (hasUsers) expect(found).toMatchObject({ Groups: "", CapBnd: "0000000000000000" });
  expect(readFileSync(`/proc/${guest.pid}/environ`, "utf8")).toBe("");
  expect(readFileSync(`/proc/${guest.pid}/cmdline`, "utf8").split("\0").slice(1)).toEqual([
    "__guest",
    "sealed",
    "",
  ]);
  expect(readFileSync(`/proc/${guest.pid}/oom_score_adj`, "utf8")).toBe("1000\n");
  await end(guest);
  expect(logged).toEqual([]);
});

test("its descriptors are the two ends and the ring, and survive the second start", async () => {
  await using folder = await temporaryFolder("sandbox");
  const path = join(folder.path, "ring");
  await Bun.write(path, "");
  const ring = openSync(path, "r+");
  for (const given of [-1, ring]) {
    const { spawn } = await spawner();
    const guest = spawn({ ring: given });
    await greeted(guest);
    const at = (descriptor: number): string => readlinkSync(`/proc/${guest.pid}/fd/${descriptor}`);
    expect([at(3), at(4)]).toEqual([
      expect.stringMatching(/^socket:/),
      expect.stringMatching(/^socket:/),
    ]);
    if (given === ring) expect(at(5)).toBe(path);
    await end(guest);
  }
  closeSync(ring);
});

test("what lies in a site's folder is no setting of a program that runs from source", async () => {
  await using folder = await temporaryFolder("sandbox");
  const left = join(folder.path, "left");
  await mkdir(left);
  await chmod(left, 0o777);
  const site = join(folder.path, "site");
  await mkdir(site);
  await Bun.write(join(site, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  await Bun.write(
    join(site, "evil.ts"),
    `require("node:fs").writeFileSync(${JSON.stringify(join(left, "was-here"))}, "");`,
  );
  await Bun.write(join(site, ".env"), "LAND_EVIL=1\n");
  for (const sandbox of ["required", "none"] as const) {
    const { spawn } = await spawner(sandbox, "source");
    const guest = spawn({ ring: -1, writable: site, uid: 13 });
    await greeted(guest);
    await end(guest);
  }
  expect(await readdir(left)).toEqual([]);
}, 30_000);

test("without a sandbox it starts too, and that is logged", async () => {
  const { spawn, problem, sandboxed, logged } = await spawner("none");
  expect({ problem: problem(), sandboxed }).toEqual({ problem: undefined, sandboxed: false });
  expect(logged.join("")).toContain("sandbox.none");
  const guest = spawn({ ring: -1 });
  await greeted(guest);
  expect(status(guest.pid)).toMatchObject({ Seccomp: "0" });
  await end(guest);
});

test("it dies with the server, even if that is killed", async () => {
  const server = `
    import { createSpawner } from ${JSON.stringify(join(import.meta.dir, "../../src/runtime/sandbox/spawn.ts"))};
    const config = { "functions.sandbox": "required", "functions.uidBase": ${UID_BASE}, "functions.diskBytes": 1048576 };
    const log = { info() {}, warn() {}, error() {} };
    const guest = createSpawner({ config, log, binary: ${JSON.stringify(await landBinary())} }).spawn({ ring: -1 });
    await Bun.connect({ fd: guest.link, socket: { data() { console.log(guest.pid) } } });
  `;
  const running = Bun.spawn([process.execPath, "-e", server], {
    cwd: join(import.meta.dir, "../.."),
    stdout: "pipe",
  });
  const { value } = await running.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  expect(status(pid)["Seccomp"]).toBe("2");
  running.kill("SIGKILL");
  await running.exited;
  const gone = (): boolean => {
    try {
      return status(pid)["State"]?.startsWith("Z") ?? true;
    } catch {
      return true;
    }
  };
  const giveUpAt = Date.now() + 5000;
  while (!gone() && Date.now() < giveUpAt) await Bun.sleep(5);
  expect(gone()).toBe(true);
});

test("a process that cannot confine itself runs nothing, and says why", async () => {
  const binary = await landBinary();
  const plan: LaunchPlan = {
    parent: 1,
    ring: false,
    writable: null,
    readOnly: false,
    uid: null,
    fileBytes: 1024,
    guest: "sealed",
  };
  const given = ["ignore", "pipe", "pipe", "socket-fd", "socket-fd"] as never;
  for (const [args, code, told] of [
    [["__sandbox", JSON.stringify(plan)], EXIT.launch, "the server is gone"],
    [["__sandbox", "{"], EXIT.launch, "Cannot confine a program"],
    [["__sandbox"], EXIT.launch, "Cannot confine a program"],
    [["__guest", "sealed"], EXIT.seal, "Cannot close the sandbox"],
    [["__guest", "probe"], EXIT.seal, "Cannot close the sandbox"],
    [["__guest"], EXIT.seal, 'unknown mode ""'],
  ] as const) {
    const ran = Bun.spawn([binary, ...args], { env: {}, stdio: given });
    const [stdout, stderr] = await Promise.all([
      new Response(ran.stdout).text(),
      new Response(ran.stderr).text(),
    ]);
    expect(stderr).toContain(told);
    expect(stdout).toBe("");
    expect(await ran.exited).toBe(code);
    for (const descriptor of ran.stdio.slice(3)) closeSync(Number(descriptor));
  }
});

test("why it could not is in the server's log", async () => {
  await using folder = await temporaryFolder("sandbox");
  const { spawn, logged } = await spawner();
  const site = join(folder.path, "site");
  await mkdir(site);
  const guest = spawn({ ring: -1, writable: site, uid: hasUsers ? 4_000_000_000 : 0 });
  if (!hasUsers) return await end(guest);
  expect(await guest.exited).toEqual({ code: EXIT.launch, signal: null });
  expect(logged.join("")).toContain("functions.uidBase");
  for (const descriptor of [guest.link, guest.sync]) closeSync(descriptor);
});

test.if(hasUsers)("a site's folder becomes its user's, links are not followed", async () => {
  await using folder = await temporaryFolder("sandbox");
  const site = join(folder.path, "deep", "site");
  const outside = join(folder.path, "outside");
  await Bun.write(join(site, "inner", "old.sqlite"), "x");
  await Bun.write(outside, "x");
  await symlink(outside, join(site, "link"));
  for (const path of [join(site, "inner"), site]) await chown(path, 1234, 1234);
  await chmod(join(folder.path, "deep"), 0o700);

  const { spawn } = await spawner();
  const guest = spawn({ ring: -1, writable: site, uid: 5 });
  await greeted(guest);
  const uid = UID_BASE + 5;
  for (const path of ["", "inner", "inner/old.sqlite"])
    expect(statSync(join(site, path))).toMatchObject({ uid, gid: uid });
  expect((await stat(outside)).uid).toBe(0);
  expect((await stat(site)).mode & 0o777).toBe(0o700);
  await end(guest);
});

test("a flood on stderr is read slowly, and its end is kept", async () => {
  let pulled = 0;
  const flood = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (++pulled > 10_000) controller.close();
        else controller.enqueue(new Uint8Array(65_536).fill(pulled % 2 === 0 ? 97 : 98));
      },
    },
    { highWaterMark: 0 },
  );
  const tail = keepTail(flood);
  await Bun.sleep(100);
  expect(pulled).toBeLessThan(20);
  expect(tail()).toMatch(/^(?:a{2048}|b{2048})$/);
});
