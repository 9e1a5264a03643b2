import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { generateKeyPair } from "#pack/sign.ts";
import { readRelease } from "#remote/release.ts";
import { landBinary } from "#test/support/binary.ts";

import {
  allTargets,
  buildBinary,
  buildRelease,
  findEntrypoints,
  hostTarget,
  targets,
} from "../build.ts";
import manifest from "../package.json";

const root = join(import.meta.dir, "..");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "land-build-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program in the temporary folder with nothing but PATH in its environment. */
async function run(command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const child = Bun.spawn(command, { cwd: folder, env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

/** A program that uses the addon and tells what it finds in its environment. */
function probe(packages: string) {
  const entrypoints = ["fixtures/build-probe.ts"];
  return { target: hostTarget(), outfile: join(folder, "probe"), packages, entrypoints };
}

test("the binary knows its version", async () => {
  const { code, stdout, stderr } = await run([await landBinary(), "--version"]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: "",
  });
});

/** Builds the program as of one moment and answers the SHA-256 of the binary. */
async function hashOfBuild(name: string): Promise<string> {
  const outfile = join(folder, name);
  const job = { target: hostTarget(), outfile, packages: root, entrypoints: findEntrypoints() };
  await buildBinary(job, { SOURCE_DATE_EPOCH: "1700000000" });
  const bytes = await Bun.file(outfile).arrayBuffer();
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

test("two builds with SOURCE_DATE_EPOCH are the same bytes", async () => {
  expect(await hashOfBuild("one")).toBe(await hashOfBuild("two"));
}, 60_000);

test("an addon works from inside the binary, and no file of the current folder is loaded", async () => {
  const job = probe(root);
  await buildBinary(job);
  await Bun.write(join(folder, ".env"), "LAND_TRAP=trapped");
  await Bun.write(join(folder, "trap.ts"), 'console.log("trapped");');
  await Bun.write(join(folder, "bunfig.toml"), 'preload = ["./trap.ts"]');
  await Bun.write(join(folder, "tsconfig.json"), "{ trapped");
  await Bun.write(join(folder, "package.json"), "{ trapped");
  const expected = { code: 0, stdout: "function undefined\n", stderr: "" };
  expect(await run([job.outfile])).toEqual(expected);
}, 60_000);

test("a release is signed by the key whose public half is in the binary", async () => {
  const { privateKey, publicKey } = await generateKeyPair((size) => randomBytes(size));
  const env = { LAND_RELEASE_KEY: privateKey, LAND_RELEASE_PUBLIC_KEYS: publicKey };
  await buildRelease([probe(root)], folder, env);
  const text = await Bun.file(join(folder, "latest.json")).text();
  const { version, files } = await readRelease(text, "latest.json", [publicKey]);
  expect(String(version)).toBe(manifest.version);
  const file = files[hostTarget()];
  const bytes = await Bun.file(join(folder, "probe")).bytes();
  const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  expect(file).toEqual({ file: "probe", sha256, size: bytes.length });
  expect(await Bun.file(join(folder, "SHA256SUMS")).text()).toBe(`${sha256}  probe\n`);
  expect(text).not.toContain(privateKey);
  expect(Buffer.from(bytes).includes(privateKey)).toBe(false);
  await buildRelease([probe(root)], folder, {});
  const unsigned = await Bun.file(join(folder, "latest.json")).text();
  const refused = await readRelease(unsigned, "latest.json", [publicKey]).catch(String);
  expect(refused).toContain("the release is not signed");
}, 60_000);

test("the build fails where the target's addon is missing", async () => {
  const job = probe(folder);
  await rm(job.outfile, { force: true });
  const failure = await buildBinary(job).catch((error: unknown) => String(error));
  expect(failure).toContain(`no addon at`);
  expect(failure).toContain(`tar-${targets[job.target].addon}`);
  expect(await Bun.file(job.outfile).exists()).toBe(false);
}, 60_000);

test("there are eight targets, and this machine is one", () => {
  expect(allTargets()).toHaveLength(8);
  expect(allTargets()).toContain(hostTarget());
});

test("every runtime and addon that a target needs is in bun.lock, which names no registry", async () => {
  const lock = await Bun.file(join(root, "bun.lock")).text();
  for (const { runtime, addon } of Object.values(targets)) {
    expect(lock).toContain(`"@oven/${runtime}@${manifest.devDependencies.bun}"`);
    expect(lock).toContain(`"@napi-rs/tar-${addon}@${manifest.dependencies["@napi-rs/tar"]}"`);
  }
  expect(lock).not.toContain("://");
});
