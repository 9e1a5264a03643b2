import { describe, expect, test } from "bun:test";

import { HOOK_NAMES, type HookName } from "#base/client-hooks.ts";
import { emptyLists } from "#plugin/collect.ts";
import { createHooks, type HooksOptions } from "#plugin/hooks.ts";
import type { Handlers } from "#plugin/load.ts";
import { runShellHook } from "#plugin/shell.ts";
import { temporaryFolder } from "#test/support/land.ts";

const NONE: Handlers = emptyLists();
const EVENT = { dir: "/p", packages: [{ name: "left", version: "1.0.0" }] };

function hooks(handlers: Record<string, Partial<Handlers>>, more: Partial<HooksOptions> = {}) {
  const warnings: string[] = [];
  const made = createHooks({
    plugins: Object.entries(handlers).map(([name, own]) => ({
      name,
      path: undefined,
      handlers: { ...NONE, ...own },
    })),
    shellOf: () => "",
    runShell: async () => undefined,
    limitMs: 5000,
    signal: new AbortController().signal,
    warn: (line) => void warnings.push(line),
    ...more,
  });
  return { ...made, warnings };
}

describe("handlers", () => {
  test("are told one after the other, each with a copy of its own, the shell last", async () => {
    const order: string[] = [];
    const { emit } = hooks(
      {
        a: {
          postInstall: [
            async (event) => {
              await Bun.sleep(5);
              order.push(`a ${event.packages.length}`);
              event.packages.length = 0;
            },
          ],
        },
        b: { postInstall: [(event) => void order.push(`b ${event.packages.length}`)] },
      },
      {
        shellOf: (name) => (name === "postInstall" ? "echo" : ""),
        runShell: async (command) => void order.push(command),
      },
    );
    await emit("postInstall", EVENT);
    expect(order).toEqual(["a 1", "b 1", "echo"]);
    expect(EVENT.packages).toHaveLength(1);
  });

  test("of a pre event refuse by throwing; what comes after is not told", async () => {
    const order: string[] = [];
    const { emit } = hooks({
      a: { preInstall: [() => Promise.reject(new Error("not on Fridays"))] },
      b: { preInstall: [() => void order.push("b")] },
    });
    expect(await emit("preInstall", EVENT).catch((error: unknown) => error)).toMatchObject({
      code: "hook_refused",
      message: 'Cannot go on: the plugin "a" refuses preInstall: not on Fridays',
    });
    expect(order).toEqual([]);
  });

  test("of other events are warned of", async () => {
    const { emit, warnings } = hooks({
      a: { postInstall: [() => Promise.reject(new Error("oh"))] },
    });
    await emit("postInstall", EVENT);
    expect(warnings).toEqual(['The plugin "a" failed at postInstall: oh']);
  });

  test("that take too long refuse, or are warned of", async () => {
    const never = () => new Promise<void>(() => {});
    const { emit, warnings } = hooks(
      { a: { preInstall: [never], postInstall: [never] } },
      { limitMs: 20 },
    );
    await emit("postInstall", EVENT);
    expect(warnings[0]).toContain("it did not end within 0.02 s");
    expect(await emit("preInstall", EVENT).catch((error: unknown) => error)).toMatchObject({
      code: "hook_refused",
    });
  });

  test("end with Ctrl-C, and that is no refusal", async () => {
    const stop = new AbortController();
    const { emit } = hooks(
      { a: { preInstall: [() => new Promise<void>(() => {})] } },
      { signal: stop.signal },
    );
    const running = emit("preInstall", EVENT).catch((error: unknown) => error);
    stop.abort(new Error("cancelled"));
    expect(await running).toMatchObject({ message: "cancelled" });
  });
});

describe("a shell command", () => {
  const run = async (
    command: string,
    more: {
      name?: HookName;
      limitMs?: number;
      env?: Record<string, string>;
      signal?: AbortSignal;
    } = {},
  ) => {
    await using root = await temporaryFolder("hook");
    let output = "";
    const outcome = await runShellHook(command, "preInstall", EVENT, {
      cwd: root.path,
      env: { PATH: process.env["PATH"] ?? "", ...more.env },
      limitMs: more.limitMs ?? 10_000,
      signal: more.signal ?? new AbortController().signal,
      onOutput: (piece) => void (output += new TextDecoder().decode(piece)),
    }).then(
      () => "ok",
      (error: unknown) => (error instanceof Error ? error.message : ""),
    );
    return { output, outcome };
  };

  test("reads the event as JSON, and in variables", async () => {
    const { output, outcome } = await run(
      "cat; echo $LAND_EVENT $LAND_PROJECT_DIR $LAND_PACKAGES >&2",
    );
    expect(outcome).toBe("ok");
    const [json = "", words] = output.split("\n").toSorted((a, b) => (a < b ? 1 : -1));
    expect(JSON.parse(json)).toEqual({ event: "preInstall", ...EVENT });
    expect(words).toBe("preInstall /p left@1.0.0");
  });

  test("sees no secret of land, and a land that it starts has no hooks", async () => {
    const env = {
      LAND_TOKEN: "s1",
      LAND_SIGNING_KEY: "s2",
      LAND_CODE: "s3",
      BUN_BE_BUN: "s4",
      BUN_OPTIONS: "s5",
      LAND_REGISTRY: "http://r",
      OWN: "o",
    };
    const { output } = await run("env", { env });
    expect(output).not.toMatch(/=s\d/);
    expect(output).toContain("LAND_REGISTRY=http://r");
    expect(output).toContain("OWN=o");
    expect(output).toContain("LAND_NO_PLUGINS=1");
  });

  test("refuses by its exit code; one that reads nothing is fine", async () => {
    expect((await run("exit 3")).outcome).toBe("it ended with 3");
    expect((await run("true")).outcome).toBe("ok");
    expect((await run("kill -TERM $$")).outcome).toMatch(/it ended with (SIGTERM|143)/);
  });

  test("is ended with all that it started once its time is up, and by Ctrl-C", async () => {
    expect((await run("sleep 600; true", { limitMs: 100 })).outcome).toBe(
      "it did not end within 0.1 s",
    );
    const stop = new AbortController();
    const running = run("sleep 600; true", { signal: stop.signal });
    stop.abort(new Error("cancelled"));
    expect((await running).outcome).toBe("cancelled");
  });

  test("does not wait for what it left behind", async () => {
    const { outcome, output } = await run("sleep 600 & echo $!");
    expect(outcome).toBe("ok");
    process.kill(Number(output));
  });
});

test("every event has a list of handlers", () => {
  expect(Object.keys(NONE)).toEqual([...HOOK_NAMES]);
});
