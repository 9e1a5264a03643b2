/**
 * `npm test`: build, check, then the tests in parallel; ends with the line `N passed, N failed`.
 * package.json calls it. It must never report a run as passed that did not end by itself with exit code 0.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { browserHint, findChromium } from "../test/support/browser.ts";

/** Runs Bun with these arguments to its end and answers the exit code. */
async function bun(...args: string[]): Promise<number> {
  const child = Bun.spawn([process.execPath, ...args], { stdio: ["ignore", "inherit", "inherit"] });
  return child.exited;
}

/** One of the counts in the first element of a JUnit report. */
function count(report: string, name: string): number {
  const found = /<testsuites\b[^>]*>/.exec(report)?.[0].match(new RegExp(`\\b${name}="(\\d+)"`));
  return Number(found?.[1] ?? 0);
}

/** Runs every test, or those that the arguments of the user choose. */
async function runTests(args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), "land-report-"));
  try {
    const report = join(folder, "report.xml");
    const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
    // Long enough for any test on a machine that does something else besides; a hang still ends.
    const code = await bun("test", "--parallel", "--timeout=60000", ...reporter, ...args);
    const file = Bun.file(report);
    const xml = (await file.exists()) ? await file.text() : "";
    const failures = count(xml, "failures");
    const skipped = count(xml, "skipped");
    // A file that cannot be loaded is no test that failed, but the run did.
    const failed = code === 0 ? failures : Math.max(1, failures);
    return { code, failed, skipped, passed: count(xml, "tests") - failures - skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const built = await bun("build.ts");
if (built !== 0) process.exit(built);
const checked = await bun(".ci/check.ts");
const tests = await runTests(process.argv.slice(2));

if (findChromium() === undefined) console.log(`\nBrowser tests were skipped: ${browserHint}`);
if (checked !== 0) console.log("\nThe check failed, see above; it counts as one failure");
const failed = tests.failed + (checked === 0 ? 0 : 1);
const skipped = tests.skipped === 0 ? "" : `, ${tests.skipped} skipped`;
console.log(`\n${tests.passed} passed, ${failed} failed${skipped}`);
process.exit(tests.code || checked);
