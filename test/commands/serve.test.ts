import { expect, test } from "bun:test";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";

import { run, startRun } from "./world.ts";

const now = (): Date => new Date();

test("the first signal drains the server and ends with 0, a second ends the process at once", async () => {
  await using root = await temporaryFolder("serve");
  const argv = ["serve", "--data", "data", "--port", "0", "--log-level", "off"];
  const running = startRun(argv, { cwd: root.path, now });
  await running.shows("land is listening on http://127.0.0.1:");
  running.send("SIGTERM");
  running.send("SIGINT");
  expect(running.exits).toEqual([130]);
  expect(await running.done).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^land is listening on http:\/\/127\.0\.0\.1:\d+\n$/),
  });
  expect(await Bun.file(join(root.path, "data/land.db")).exists()).toBe(true);
});

test("a port that another land listens on is not shared", async () => {
  await using root = await temporaryFolder("serve");
  const argv = ["serve", "--data", "first", "--port", "0", "--log-level", "off"];
  const running = startRun(argv, { cwd: root.path, now });
  await running.shows("land is listening on http://127.0.0.1:");
  const port = /:(\d+)\n/.exec(running.stdout())?.[1] ?? "";
  const second = await run(["serve", "--data", "second", "--port", port], { cwd: root.path, now });
  expect(second).toMatchObject({ exitCode: 1, stdout: "" });
  expect(second.stderr).toContain(`Cannot listen on 127.0.0.1:${port}: another program has it`);
  running.send("SIGTERM");
  expect(await running.done).toMatchObject({ exitCode: 0 });
});

test("with --json the address is a value", async () => {
  await using root = await temporaryFolder("serve");
  const running = startRun(["serve", "--port", "0", "--json"], { cwd: root.path, now });
  await running.shows('{"url":"http://127.0.0.1:');
  running.send("SIGINT");
  expect(await running.done).toMatchObject({ exitCode: 0 });
  expect(await Bun.file(join(root.path, "land-data/land.db")).exists()).toBe(true);
});

test("to run programs without a sandbox must be asked for, and is told loudly", async () => {
  await using root = await temporaryFolder("serve");
  const argv = ["serve", "--port", "0", "--unsafe-no-sandbox"];
  const running = startRun(argv, { cwd: root.path, now });
  await running.shows("land is listening on http://127.0.0.1:");
  running.send("SIGINT");
  const { exitCode, stderr } = await running.done;
  expect(exitCode).toBe(0);
  expect(stderr).toContain("WARNING: --unsafe-no-sandbox: programs of sites are NOT confined");
});

test("a setting that is wrong ends with 2", async () => {
  await using root = await temporaryFolder("serve");
  const flag = await run(["serve", "--port", "http"], { cwd: root.path, now });
  expect(flag).toMatchObject({ exitCode: 2, stdout: "" });
  expect(flag.stderr).toContain("Cannot use port from --port: use a whole number");
  const env = await run(["serve"], { cwd: root.path, now, env: { LAND_PORT: "x" } });
  expect(env).toMatchObject({ exitCode: 2 });
  expect(env.stderr).toContain("from LAND_PORT");
});

test("a folder that another server has ends with 14", async () => {
  await using root = await temporaryFolder("serve");
  const argv = ["serve", "--port", "0", "--log-level", "off"];
  const running = startRun(argv, { cwd: root.path, now });
  await running.shows("land is listening on");
  expect(await run(argv, { cwd: root.path, now })).toMatchObject({ exitCode: 14, stdout: "" });
  running.send("SIGTERM");
  await running.done;
});

test("what nobody caught is logged, the server drains, and the exit code says that it is a bug", async () => {
  await using root = await temporaryFolder("serve");
  const running = startRun(["serve", "--port", "0"], { cwd: root.path, now });
  await running.shows("land is listening on");
  running.crash(new Error("out of the blue"));
  const done = await running.done;
  expect(done.exitCode).toBe(70);
  const line = done.stderr.split("\n").find((text) => text.includes('"event":"crash"')) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({ level: "error", cause: { message: "out of the blue" } });
});
