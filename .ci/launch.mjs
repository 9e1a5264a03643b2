// Runs the scripts of package.json with the Bun that package.json pins, on a machine that has only Node and npm.
// Called by `npm run …` and `bun run …` alike; plain Node, because it runs before anything is installed.
// It must never write outside node_modules and npm's own cache, and never name a registry.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const pinned = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun;
const suffix = process.platform === "win32" ? ".exe" : "";

/** What each script does; the arguments of the user go to the last step. */
const scripts = {
  build: (bun) => [[bun, "build.ts"]],
  check: (bun) => [[bun, ".ci/check.ts"]],
  docs: (bun) => [[bun, "docs/generate.ts"]],
  test: (bun) => [[bun, ".ci/test.ts"]],
  start: (bun) => [
    [bun, "build.ts"],
    [join(root, "dist", `land${suffix}`), "serve"],
  ],
};

function isPinned(path) {
  return spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.trim() === pinned;
}

/** The Bun that runs us, the one in node_modules (with its install script run or not), or the one on PATH. */
function findBun() {
  const caller = process.env.npm_execpath ?? "";
  const oven = join(root, "node_modules", "@oven");
  const installed = existsSync(oven) ? readdirSync(oven) : [];
  const candidates = [
    process.versions.bun === undefined ? "" : process.execPath,
    basename(caller).startsWith("bun") ? caller : "",
    join(root, "node_modules", "bun", "bin", "bun.exe"),
    ...installed.map((name) => join(oven, name, "bin", `bun${suffix}`)),
  ];
  const found = candidates.find((path) => existsSync(path) && isPinned(path));
  return found ?? (isPinned("bun") ? "bun" : undefined);
}

/**
 * Asks npm for the pinned Bun and answers where it lies, or undefined. The two flags mend `ignore-scripts` and `strict-allow-scripts`
 * of a user's settings; the other folder keeps npm from taking a half-installed copy in node_modules.
 */
function fetchBun() {
  const npm = process.env.npm_execpath ?? "";
  const viaNode = npm.endsWith("npm-cli.js");
  const flags = ["exec", "--yes", "--ignore-scripts=false", "--allow-scripts=bun"];
  const program = [`--package=bun@${pinned}`, "--", "bun", "--print", "process.execPath"];
  const { status, stdout } = spawnSync(
    viaNode ? process.execPath : "npm",
    [...(viaNode ? [npm] : []), ...flags, ...program],
    {
      cwd: tmpdir(),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      shell: !viaNode && process.platform === "win32",
    },
  );
  const path = stdout?.trim().split("\n").at(-1) ?? "";
  return status === 0 && existsSync(path) ? path : undefined;
}

/**
 * Runs one step to its end and answers its exit code. SIGTERM and SIGHUP are passed on. So is Ctrl-C, but not at a
 * terminal, which gives it to every process by itself; and npm repeats it, so a repetition within a second is dropped.
 */
function run([command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" });
    const last = new Map();
    const forward = (signal) => {
      const now = Date.now();
      const repeated = now - (last.get(signal) ?? 0) < 1000;
      last.set(signal, now);
      if (repeated || (signal === "SIGINT" && process.stdin.isTTY)) return;
      child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, forward);
    const settle = (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.on("error", (error) => {
      console.error(`error: Cannot run ${command}: ${error.message}`);
      settle(1);
    });
    child.on("exit", (code, signal) => {
      const numbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
      settle(code ?? 128 + (numbers[signal] ?? 0));
    });
  });
}

const [name, ...args] = process.argv.slice(2);
const steps = scripts[name];
if (steps === undefined) {
  console.error(`error: Cannot run "${name}": it is none of ${Object.keys(scripts).join(", ")}`);
  process.exit(2);
}
const bun = findBun() ?? fetchBun();
if (bun === undefined) {
  console.error(`error: Cannot get bun@${pinned} from the npm registry\n`);
  console.error("hint: Check the connection and `npm config get registry`");
  process.exit(1);
}
const all = [[bun, "install", "--frozen-lockfile"], ...steps(bun)];
all.at(-1).push(...args);
for (const step of all) {
  const code = await run(step);
  if (code !== 0) process.exit(code);
}
