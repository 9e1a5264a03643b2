import { expect, test } from "bun:test";

/** Runs the other test file of this folder on a machine without a browser. */
async function runWithout(require: string): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, "test", "./test/browser/open.test.ts"], {
    env: { ...process.env, LAND_TEST_CHROMIUM: "", LAND_TEST_REQUIRE: require },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, output: stdout + stderr };
}

test("without a browser its tests are skipped, and the Debian package is named", async () => {
  const { code, output } = await runWithout("");
  expect(code).toBe(0);
  expect(output).toContain("1 skip");
  expect(output).toContain("install the Debian package `chromium`");
});

test("where a browser is required, its absence is a failure", async () => {
  const { code, output } = await runWithout("browser");
  expect(code).toBe(1);
  expect(output).toContain("install the Debian package `chromium`");
});
