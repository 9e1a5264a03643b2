import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Check } from "#base/check.ts";
import { type FakeRegistry, fakeRegistry } from "#test/support/fake-registry.ts";

import { run } from "./world.ts";

let root: string;
let registry: FakeRegistry;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-doctor-"));
  registry = await fakeRegistry();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** Answers of `land doctor --json` by name. */
async function examine(env: Record<string, string> = {}, now = () => new Date()) {
  const all = { LAND_HOME: join(root, "home"), LAND_REGISTRY: registry.url, ...env };
  const ran = await run(["doctor", "--json"], { env: all, cwd: root, now });
  const { ok, checks }: { ok: boolean; checks: Check[] } = JSON.parse(ran.stdout);
  const found = Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest]));
  return { ok, exitCode: ran.exitCode, found };
}

test("doctor looks at what the client needs, and leaves nothing behind", async () => {
  registry.fail("GET /health", () => Response.json({ status: "ok" }));
  registry.fail("GET /openapi.json", () => Response.json({ info: { version: "9.9.9" } }));
  const { ok, exitCode, found } = await examine();
  expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 });
  const rows = "config home space locks links path git keychain proxy registry clock credentials";
  expect(Object.keys(found)).toEqual(rows.split(" "));
  expect(found["registry"]?.detail).toMatch(/answers in \d+ ms, land 9\.9\.9$/);
  expect(found["clock"]).toEqual({ status: "ok", detail: "fits that of the registry" });
  expect(await readdir(root)).toEqual(["home"]);
  expect((await readdir(join(root, "home"))).filter((name) => name !== "locks")).toEqual([]);
});

test("a registry that nobody serves is bad, and so is a home that is a file", async () => {
  await Bun.write(join(root, "file"), "");
  const away = { LAND_REGISTRY: "http://127.0.0.1:1", LAND_HOME: join(root, "file") };
  const { ok, exitCode, found } = await examine(away);
  expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 1 });
  expect(found["registry"]).toMatchObject({ status: "bad" });
  expect(found["home"]).toMatchObject({ status: "bad" });
  expect(found["clock"]).toBeUndefined();
});

test("a clock that is wrong is told with how much", async () => {
  registry.fail("GET /health", () => Response.json({ status: "ok" }));
  const { found } = await examine({}, () => new Date(Date.now() - 3_600_000));
  expect(found["clock"]).toMatchObject({ status: "warn" });
  expect(found["clock"]?.detail).toMatch(/^3(?:599|600|601) s behind that of the registry$/);
});

test("a proxy, a token and a source of releases are told; a password is not", async () => {
  const { found } = await examine({
    LAND_REGISTRY: "http://registry.test",
    LAND_TOKEN: "land_secret",
    HTTP_PROXY: "http://ada:secret@127.0.0.1:1",
    LAND_UPGRADE_SOURCE: "http://127.0.0.1:1/releases",
  });
  expect(found["credentials"]?.detail).toBe("a token, from LAND_TOKEN");
  expect(found["proxy"]?.detail).toContain("127.0.0.1:1");
  expect(found["upgrade"]).toMatchObject({ status: "warn" });
  expect(JSON.stringify(found)).not.toContain("secret");
});

test("for people it is a table, with what to do below", async () => {
  const env = { LAND_HOME: join(root, "home"), LAND_REGISTRY: "http://127.0.0.1:1" };
  const { stdout, exitCode } = await run(["doctor"], { env, cwd: root });
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`ok   home         ${join(root, "home")}\n`);
  expect(stdout).toMatch(/^bad  registry {5}Cannot reach/m);
  expect(stdout).toMatch(/\n\nregistry: Check the connection/);
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
