import { expect, test } from "bun:test";

import { run } from "./world.ts";

test("doctor alone lists what can be checked", async () => {
  expect(await run(["doctor"])).toMatchObject({
    exitCode: 0,
    stdout:
      "land doctor sandbox  whether the kernel keeps programs of sites away from everything else\n",
  });
  expect(JSON.parse((await run(["doctor", "--json"])).stdout)).toEqual({ checks: ["sandbox"] });
});

test("doctor sandbox prints a row per probe, and says how it went", async () => {
  const { exitCode, stdout, stderr } = await run(["doctor", "sandbox"]);
  const rows = stdout.trimEnd().split("\n");
  expect(rows.length).toBeGreaterThan(100);
  expect(rows[0]).toMatch(/^ok {2}start a confined process +started$/);
  expect(rows.filter((row) => !row.startsWith("ok  "))).toEqual([]);
  expect(stderr).toContain(`Nothing came through: ${rows.length} probes as expected`);
  expect(exitCode).toBe(0);
});
