/**
 * `bun run check`: format, lint, types, layers and docs, dead code, all at once. Exit code 1 when one of them objects.
 * package.json and test.ts call it. It must never change a file.
 */
const bin = (path: string): string[] => [process.execPath, `node_modules/${path}`];

const checks: Record<string, string[]> = {
  format: [process.execPath, "fmt", "--check", "."],
  lint: [...bin("oxlint/bin/oxlint"), "--type-aware"],
  types: [...bin("typescript/bin/tsc"), "--noEmit"],
  house: [process.execPath, "test", "./test/layers.test.ts", "./test/docs.test.ts"],
  "dead code": bin("knip/bin/knip.js"),
};

const results = await Promise.all(
  Object.entries(checks).map(async ([name, command]) => {
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { name, failed: (await child.exited) !== 0, output: `${stdout}${stderr}`.trim() };
  }),
);

for (const { name, failed, output } of results) {
  if (failed) console.log(`\n── ${name} ──\n${output}\n`);
  console.log(`${failed ? "failed" : "ok"}  ${name}`);
}
process.exit(results.some(({ failed }) => failed) ? 1 : 0);
