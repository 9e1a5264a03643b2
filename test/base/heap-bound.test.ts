import { expect, test } from "bun:test";

import { boundHeap } from "#base/heap-bound.ts";

const NAME = "BUN_JSC_forceRAMSize";

type Call = { binary: string; argv: string[]; env: Record<string, string> };

/** Starts as `env` says and tells what was put in place of the program. */
function start(env: Record<string, string | undefined>): Call[] {
  const calls: Call[] = [];
  const become = (binary: string, argv: string[], given: Record<string, string>): never => {
    calls.push({ binary, argv, env: given });
    throw new Error("not there");
  };
  boundHeap({ binary: "/bin/land", argv: ["serve", "--port", "0"], env, become });
  return calls;
}

test("the program is started anew once, with its arguments and its environment", () => {
  const [first, ...more] = start({ HOME: "/home/ada", LAND_PORT: undefined });
  expect(more).toEqual([]);
  expect(first?.binary).toBe("/bin/land");
  expect(first?.argv).toEqual(["/bin/land", "serve", "--port", "0"]);
  expect(first?.env).toEqual({ HOME: "/home/ada", [NAME]: expect.stringMatching(/^\d+$/) });
  const env: Record<string, string | undefined> = { ...first?.env };
  expect(start(env)).toEqual([]);
  expect(env).toEqual({ HOME: "/home/ada" });
});

test("what the operator said stays", () => {
  const env = { [NAME]: "1000000000" };
  expect(start(env)).toEqual([]);
  expect(env).toEqual({ [NAME]: "1000000000" });
});

test("from source nothing is started anew", () => {
  const env = { HOME: "/home/ada" };
  boundHeap({ binary: "/bin/bun", argv: ["serve"], env, become: undefined });
  expect(env).toEqual({ HOME: "/home/ada" });
});
