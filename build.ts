/**
 * Makes `dist/land`; with `--release` also what `land upgrade` takes: a binary named by its target, `latest.json` and
 * `SHA256SUMS`; with `--all` that for every target. `--release-key` makes a key to sign releases with, and nothing else.
 * The scripts of package.json and the tests call it. It must never name a registry, nor embed what is not meant for the target.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

import { type BunPlugin, Glob } from "bun";

import { parseVersion } from "#base/names.ts";
import {
  generateKeyPair,
  parsePrivateKey,
  parsePublicKey,
  type PrivateKey,
  publicKeyOf,
} from "#pack/sign.ts";
import { RELEASE_FILE, type ReleaseFile, writeRelease } from "#remote/release.ts";

import manifest from "./package.json";

const root = import.meta.dir;
const dist = join(root, "dist");

/** Per target: the npm package `@oven/…` with Bun's runtime, and the suffix of the packages with native addons. */
export const targets = {
  "linux-x64": { runtime: "bun-linux-x64", addon: "linux-x64-gnu" },
  "linux-x64-musl": { runtime: "bun-linux-x64-musl", addon: "linux-x64-musl" },
  "linux-arm64": { runtime: "bun-linux-aarch64", addon: "linux-arm64-gnu" },
  "linux-arm64-musl": { runtime: "bun-linux-aarch64-musl", addon: "linux-arm64-musl" },
  "darwin-x64": { runtime: "bun-darwin-x64", addon: "darwin-x64" },
  "darwin-arm64": { runtime: "bun-darwin-aarch64", addon: "darwin-arm64" },
  "windows-x64": { runtime: "bun-windows-x64", addon: "win32-x64-msvc" },
  "windows-arm64": { runtime: "bun-windows-aarch64", addon: "win32-arm64-msvc" },
} as const;

/** A platform that `land` is built for. */
export type Target = keyof typeof targets;

/** The program, and what it starts as Workers: each is an entrypoint, reached as `./src/…` from the root. */
const ENTRYPOINTS = ["src/main.ts", "src/**/*-worker.ts", "src/pack/second-opinion.ts"];

/** What one binary is made of. */
export type Job = {
  target: Target;
  outfile: string;
  /** The folder whose `node_modules` holds the addons of the target. */
  packages: string;
  /** Bun for the target; the running one where undefined. */
  runtime?: string;
  /** Paths from the root, the program first. */
  entrypoints: string[];
  /** What it says that it is; that of package.json where undefined. */
  version?: string;
};

/**
 * Environment variables; the build reads `SOURCE_DATE_EPOCH`, `LAND_RELEASE_KEY` (private: signs the release, and its public half
 * goes into the binary) and `LAND_RELEASE_PUBLIC_KEYS` (further ones that go in, separated by commas).
 */
type Env = Record<string, string | undefined>;

/** The target of this machine. */
export function hostTarget(): Target {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const musl = system === "linux" && isMusl();
  const name = `${system}-${process.arch}${musl ? "-musl" : ""}`;
  const found = allTargets().find((target) => target === name);
  if (found === undefined) throw new Error(`Cannot build for ${name}: it is no target of land`);
  return found;
}

/** Whether the running Bun is its build for musl: then its loader is mapped into this process. */
function isMusl(): boolean {
  return readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-");
}

/** How programs end there. */
function suffixOf(target: Target): string {
  return target.startsWith("windows") ? ".exe" : "";
}

/** Every target, in the order of the table. */
export function allTargets(): Target[] {
  return Object.keys(targets).filter((name): name is Target => name in targets);
}

/** Paths of all entrypoints from the root, the program first, then the Workers in order. */
export function findEntrypoints(): string[] {
  return ENTRYPOINTS.flatMap((pattern) =>
    [...new Glob(pattern).scanSync({ cwd: root })]
      .map((path) => path.replaceAll(sep, "/"))
      .toSorted(),
  );
}

/** Commit of this checkout; "unknown" outside git, and where an outer repository merely contains this folder. */
function readCommit(): string {
  try {
    const command = ["git", "rev-parse", "HEAD", "--show-prefix"];
    const { success, stdout } = Bun.spawnSync(command, { cwd: root, stderr: "ignore" });
    const [commit, prefix] = stdout.toString().trim().split("\n");
    return success && commit !== undefined && prefix === undefined ? commit : "unknown";
  } catch {
    return "unknown"; // git is not installed
  }
}

/** ISO time of the build: `SOURCE_DATE_EPOCH` (seconds) where it is set, so that two builds can be the same bytes. */
function readBuildTime(env: Env): string {
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (epoch === undefined || epoch === "") return new Date().toISOString();
  if (!/^\d{1,11}$/.test(epoch)) throw new Error(`Cannot read SOURCE_DATE_EPOCH "${epoch}"`);
  return new Date(Number(epoch) * 1000).toISOString();
}

/**
 * Loads the target's addon of `@napi-rs/tar` in place of the package's own search for it. That search ends in nothing,
 * silently, where the package of the target was not installed; this throws.
 */
function embedAddon(job: Job, embedded: Set<string>): BunPlugin {
  const { addon } = targets[job.target];
  const file = join(job.packages, `node_modules/@napi-rs/tar-${addon}/tar.${addon}.node`);
  return {
    name: "addon",
    setup(build) {
      build.onLoad({ filter: /@napi-rs[\\/]tar[\\/]index\.js$/ }, async ({ path }) => {
        if (!(await Bun.file(file).exists()))
          throw new Error(`Cannot build for ${job.target}: no addon at ${relative(root, file)}`);
        const [, exported] = (await Bun.file(path).text()).split(/^(?=module\.exports = )/m);
        if (exported === undefined) throw new Error(`Cannot find the exports of ${path}`);
        embedded.add(file);
        const load = `const nativeBinding = require(${JSON.stringify(file)});`;
        return { contents: `${load}\n${exported}`, loader: "js" };
      });
    },
  };
}

/** Looks into the finished binary: an addon that the bundler left out shows only on the user's machine. */
async function checkEmbedded(job: Job, binary: string, addons: Set<string>): Promise<void> {
  const bytes = Buffer.from(await Bun.file(binary).arrayBuffer());
  for (const file of addons) {
    if (!bytes.includes(Buffer.from(await Bun.file(file).arrayBuffer())))
      throw new Error(`Cannot build for ${job.target}: ${relative(root, file)} is not inside`);
  }
}

/** Bundles and compiles into `outfile`; answers the addons that went in. */
async function compile(job: Job, outfile: string, env: Env): Promise<Set<string>> {
  const addons = new Set<string>();
  const result = await Bun.build({
    entrypoints: job.entrypoints.map((path) => join(root, path)),
    root,
    format: "esm",
    splitting: true,
    minify: true,
    bytecode: true,
    sourcemap: "linked",
    metafile: true,
    env: "disable",
    throw: false,
    define: {
      LAND_VERSION: JSON.stringify(job.version ?? manifest.version),
      LAND_COMMIT: JSON.stringify(readCommit()),
      LAND_FAULTS: "false",
      LAND_BUILT_AT: JSON.stringify(readBuildTime(env)),
      LAND_TARGET: JSON.stringify(job.target),
      LAND_RELEASE_KEYS: JSON.stringify((await readReleaseKeys(env)).join(",")),
      "process.env.NODE_ENV": '"production"',
    },
    plugins: [embedAddon(job, addons)],
    compile: {
      target: `bun-${job.target}`,
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
      ...(job.runtime === undefined ? {} : { executablePath: job.runtime }),
    },
  });
  if (!result.success) throw new Error(result.logs.map((log) => Bun.inspect(log)).join("\n"));
  const inputs = Object.keys(result.metafile?.inputs ?? {});
  const stray = inputs.find((path) => path.endsWith(".node") && !addons.has(join(root, path)));
  if (stray !== undefined)
    throw new Error(`Cannot build for ${job.target}: ${stray} is not known to be for it`);
  return addons;
}

/** Builds one binary and puts it at `outfile` in one step. Throws where an addon for the target is missing. */
export async function buildBinary(job: Job, env: Env = process.env): Promise<void> {
  const scratch = join(dirname(job.outfile), `.build-${process.pid}-${job.target}`);
  const made = join(scratch, `land${suffixOf(job.target)}`);
  try {
    const addons = await compile(job, made, env);
    await checkEmbedded(job, made, addons);
    await chmod(made, 0o755);
    await rename(made, job.outfile);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Installs Bun's runtimes and the addons of every target beside the own packages, and answers that folder. Versions and
 * checksums are those of bun.lock; where they come from is the user's own npm settings.
 */
async function installTargets(): Promise<string> {
  const folder = join(root, "node_modules", ".targets");
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, "bun.lock"), Bun.file(join(root, "bun.lock")));
  const dependencies = {
    bun: manifest.devDependencies.bun,
    "@napi-rs/tar": manifest.dependencies["@napi-rs/tar"],
  };
  await Bun.write(
    join(folder, "package.json"),
    JSON.stringify({ name: "targets", private: true, dependencies }),
  );
  const systems = ["--os=linux", "--os=darwin", "--os=win32"];
  const machines = ["--cpu=x64", "--cpu=arm64", "--libc=glibc", "--libc=musl"];
  const { exitCode } = Bun.spawnSync(
    [process.execPath, "install", "--ignore-scripts", ...systems, ...machines],
    { cwd: folder, stdio: ["ignore", "inherit", "inherit"] },
  );
  if (exitCode !== 0) throw new Error("Cannot install what the other targets need");
  return folder;
}

/** The key that signs releases, where one is given. */
function readSigningKey(env: Env): PrivateKey | undefined {
  const text = env["LAND_RELEASE_KEY"];
  return text === undefined || text === "" ? undefined : parsePrivateKey(text);
}

/** The keys whose releases the binary will take: several while one follows another. */
async function readReleaseKeys(env: Env): Promise<string[]> {
  const own = readSigningKey(env);
  const more = (env["LAND_RELEASE_PUBLIC_KEYS"] ?? "").split(",").filter((text) => text !== "");
  const keys = [...(own ? [await publicKeyOf(own)] : []), ...more.map(parsePublicKey)];
  return [...new Set(keys)];
}

/** Builds these targets into `folder` and writes `SHA256SUMS` as `sha256sum --check` reads it, and `latest.json`. */
export async function buildRelease(
  jobs: readonly Job[],
  folder: string,
  env: Env = process.env,
): Promise<void> {
  const sums: string[] = [];
  const files: Record<string, ReleaseFile> = {};
  for (const job of jobs) {
    await buildBinary(job, env);
    const file = basename(job.outfile);
    const bytes = await Bun.file(job.outfile).arrayBuffer();
    const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    files[job.target] = { file, sha256, size: bytes.byteLength };
    sums.push(`${sha256}  ${file}\n`);
    console.log(`built ${relative(root, job.outfile)}`);
  }
  const release = { version: parseVersion(manifest.version), files };
  const key = readSigningKey(env);
  if (!key) console.log("not signed: without LAND_RELEASE_KEY no land will upgrade to this");
  await Bun.write(join(folder, "SHA256SUMS"), sums.join(""));
  await Bun.write(join(folder, RELEASE_FILE), await writeRelease(release, key));
}

/** What builds each target for a release, or this machine's alone. */
async function releaseJobs(all: boolean): Promise<Job[]> {
  const packages = all ? await installTargets() : root;
  return (all ? allTargets() : [hostTarget()]).map((target): Job => {
    const suffix = suffixOf(target);
    const outfile = join(dist, `land-${target}${suffix}`);
    const job: Job = { target, outfile, packages, entrypoints: findEntrypoints() };
    if (all)
      job.runtime = join(
        packages,
        "node_modules/@oven",
        targets[target].runtime,
        `bin/bun${suffix}`,
      );
    return job;
  });
}

async function main(args: string[]): Promise<void> {
  const known = new Set(["--all", "--release", "--release-key"]);
  const unknown = args.find((arg) => !known.has(arg));
  if (unknown !== undefined) throw new Error(`Cannot build: unknown argument "${unknown}"`);
  if (args.includes("--release-key")) {
    const { privateKey, publicKey } = await generateKeyPair((size) => randomBytes(size));
    console.log(`LAND_RELEASE_KEY=${privateKey}\nLAND_RELEASE_PUBLIC_KEYS=${publicKey}`);
    return;
  }
  await mkdir(dist, { recursive: true });
  const target = hostTarget();
  const name = `land${suffixOf(target)}`;
  const outfile = join(dist, name);
  await buildBinary({ target, outfile, packages: root, entrypoints: findEntrypoints() });
  console.log(`built dist/${name}`);
  const all = args.includes("--all");
  if (all || args.includes("--release")) await buildRelease(await releaseJobs(all), dist);
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? `error: ${error.message}` : error);
    process.exit(1);
  }
}
