import { expect, test } from "bun:test";

import { writeFiles } from "#test/support/project.ts";

import { openSiteWorld } from "./site-world.ts";
import { run, startRun } from "./world.ts";

/** What somebody at a terminal sees of sites. */
const { at, settingAt } = openSiteWorld("screens");

test("without an account nothing is asked", async () => {
  await writeFiles(at("nobody"), { "index.html": "1" });
  const setting = settingAt("nobody", { terminal: true, env: { LAND_TOKEN: "" } });
  const ran = await startRun(["deploy"], setting).done;
  expect(ran).toMatchObject({ exitCode: 15, stdout: "" });
  expect(ran.stderr).toContain("land register");
});

test("who waits at a terminal is told why, once", async () => {
  let left = 2;
  using busy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      left-- > 0
        ? new Response(null, { status: 503, headers: { "retry-after": "0" } })
        : Response.json({ items: [], next: null }),
  });
  const env = { LAND_REGISTRY: busy.url.origin };
  const ran = await startRun(["sites"], settingAt("home", { terminal: true, env })).done;
  expect(ran.exitCode).toBe(0);
  expect(ran.stderr.match(/Trying again: /g)).toHaveLength(1);
});

test("the history fits the screen", async () => {
  await writeFiles(at("wide"), { "index.html": "1" });
  await run(["deploy", "--site", "wide", "-m", "long ".repeat(30)], settingAt("wide"));
  for (const columns of [60, 80, 120]) {
    const setting = settingAt("wide", { terminal: true, columns, env: { NO_COLOR: "1" } });
    const { stdout } = await startRun(["deploys", "--site", "wide"], setting).done;
    expect(stdout).toContain("long");
    expect(stdout.trimEnd().length).toBeLessThanOrEqual(columns);
  }
});
