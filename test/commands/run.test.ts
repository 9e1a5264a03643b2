import { describe, expect, test } from "bun:test";

import { temporaryFolder } from "#test/support/land.ts";

import { run, startRun } from "./world.ts";

describe("what is typed wrongly ends with 2 and says what to do", () => {
  test.each<[string[], string]>([
    [
      ["publsh"],
      "error: Cannot run `land publsh`: there is no such command\n\nhint: Did you mean `land publish`?\n",
    ],
    [
      ["pub"],
      "error: Cannot run `land pub`: there is no such command\n\nhint: Did you mean `land publish`?\n",
    ],
    [
      ["frobnicate"],
      "error: Cannot run `land frobnicate`: there is no such command\n\nhint: See the commands with `land help`\n",
    ],
    [
      ["constructor"],
      "error: Cannot run `land constructor`: there is no such command\n\nhint: See the commands with `land help`\n",
    ],
    [
      ["token"],
      "error: Cannot run `land token` alone: it needs one more word\n\nhint: Use `land token create`, `land token list`, `land token revoke`\n",
    ],
    [
      ["token", "creat"],
      "error: Cannot run `land token creat`: there is no such command\n\nhint: Did you mean `land token create`?\n",
    ],
    [
      ["version", "--forzen"],
      "error: Cannot use --forzen: there is no such flag\n\nhint: See the flags with --help\n",
    ],
    [["version", "x"], 'error: Cannot use "x": it is one argument too many\n'],
    [["--jsn"], "error: Cannot use --jsn: there is no such flag\n\nhint: Did you mean `--json`?\n"],
    [
      ["version", "--cwd", "/no/such"],
      'error: Cannot work in "/no/such": there is no such folder\n',
    ],
    [
      ["help", "frob"],
      "error: Cannot run `land frob`: there is no such command\n\nhint: See the commands with `land help`\n",
    ],
  ])("land %j", async (argv, stderr) => {
    expect(await run(argv)).toMatchObject({ exitCode: 2, stdout: "", stderr });
  });
});

describe("--json", () => {
  test("a failure is one problem on stdout and nothing on stderr", async () => {
    const ran = await run(["publsh", "--json"]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: "" });
    expect(ran.json()).toMatchObject({
      code: "usage",
      detail: "Cannot run `land publsh`: there is no such command",
      hint: "Did you mean `land publish`?",
    });
  });

  test("LAND_JSON does the same, and so does --jsonl in one line", async () => {
    expect((await run(["publsh"], { env: { LAND_JSON: "1" } })).json()).toMatchObject({
      code: "usage",
    });
    expect((await run(["publsh", "--jsonl"])).stdout.split("\n")).toHaveLength(2);
  });

  test("after -- it is no flag", async () => {
    expect(await run(["version", "--", "--json"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

test("global flags may stand before the command, with their values", async () => {
  const ran = await run(["--cwd", "/tmp", "--json", "version"]);
  expect(ran).toMatchObject({ exitCode: 0 });
  expect(ran.json()).toMatchObject({ version: expect.any(String) });
  expect((await run(["--cwd=/tmp", "version"])).exitCode).toBe(0);
});

test("--version says the version alone", async () => {
  expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await run(["-v"])).stdout).toBe((await run(["version"])).stdout);
});

test("colour only on a terminal, and not where it is unwanted", async () => {
  const colour = "\u001B[";
  expect((await run(["publsh"], { terminal: true })).stderr).toContain(colour);
  expect((await run(["publsh"])).stderr).not.toContain(colour);
  expect((await run(["publsh", "--no-color"], { terminal: true })).stderr).not.toContain(colour);
  expect((await run(["publsh"], { terminal: true, env: { NO_COLOR: "1" } })).stderr).not.toContain(
    colour,
  );
  expect((await run(["publsh"], { terminal: true, env: { TERM: "dumb" } })).stderr).not.toContain(
    colour,
  );
});

describe("a question", () => {
  test("without a terminal names the flag", async () => {
    expect(await run(["init"], { cwd: "/tmp" })).toMatchObject({ exitCode: 2, stdout: "" });
    expect((await run(["init"], { cwd: "/tmp" })).stderr).toStartWith(
      "error: Cannot ask for the name without a terminal: give --name or --yes\n",
    );
  });

  test("is not asked with --json nor in CI, though there is a terminal", async () => {
    for (const setting of [{ env: { CI: "true" } }, { env: { LAND_JSON: "1" } }])
      expect((await run(["init"], { cwd: "/tmp", terminal: true, ...setting })).exitCode).toBe(2);
  });

  test("that is cancelled by a key ends with 130", async () => {
    const running = startRun(["init"], { cwd: "/tmp", terminal: true });
    await running.shows("Name of the package");
    running.type("\u0003");
    expect(await running.done).toMatchObject({ exitCode: 130 });
  });

  test("that is cancelled by a signal ends with its exit code and shows the cursor", async () => {
    for (const [signal, exitCode] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const running = startRun(["init"], { cwd: "/tmp", terminal: true });
      await running.shows("Name of the package");
      running.send(signal);
      const ran = await running.done;
      expect(ran.exitCode).toBe(exitCode);
      expect(ran.stderr).toContain("Cancelled");
      expect(ran.stderr).toEndWith("\u001B[?25h");
    }
  });

  test("a second signal ends the process at once", async () => {
    const running = startRun(["init"], { cwd: "/tmp", terminal: true });
    await running.shows("Name of the package");
    running.send("SIGINT");
    running.send("SIGINT");
    await running.done;
    expect(running.exits).toEqual([130]);
  });
});

test("Ctrl-C ends a request that is under way, with a problem on stdout where --json asks", async () => {
  let reached = (): void => {};
  const asked = new Promise<void>((resolve) => (reached = resolve));
  await using silent = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      reached();
      return new Promise<Response>(() => {});
    },
  });
  const running = startRun(["search", "left", "--json", "--registry", silent.url.origin]);
  await asked;
  running.send("SIGINT");
  const ran = await running.done;
  expect(ran).toMatchObject({ exitCode: 130, stderr: "" });
  expect(ran.json()).toMatchObject({ code: "cancelled" });
  await silent.stop(true);
});

test("a bug ends with 70, and only --verbose shows where", async () => {
  await using root = await temporaryFolder("bug");
  const setting = {
    cwd: root.path,
    home: root.path,
    now: () => {
      throw new TypeError("oops");
    },
  };
  const ran = await run(["install"], setting);
  expect(ran).toMatchObject({ exitCode: 70, stdout: "" });
  expect(ran.stderr).toStartWith("error: Cannot finish: something broke inside land\n\nhint: ");
  expect(ran.stderr).not.toContain("oops");
  const verbose = await run(["install", "--verbose", "--json"], setting);
  expect(verbose.json()).toMatchObject({ code: "internal" });
  expect(verbose.stderr).toContain("TypeError: oops");
});
