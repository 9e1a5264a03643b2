/**
 * The program: argv → command → run → exit code.
 * The operating system calls it. It must never import at the top what `--version` does not need: that is its start-up time.
 */
import { commit, version } from "#base/build-info.ts";

const argv = process.argv.slice(2);
if (argv[0] === "serve") {
  const { boundHeap } = await import("#base/heap-bound.ts");
  const { env, execPath: binary } = process;
  const isBinary = import.meta.path.startsWith("/$bunfs");
  boundHeap({ binary, argv, env, become: isBinary ? process.execve?.bind(process) : undefined });
}
if (argv[0] === "__sandbox") {
  const { launch } = await import("#runtime/sandbox/launch.ts");
  launch(argv[1] ?? "");
} else if (argv[0] === "__guest") {
  const { seal } = await import("#runtime/sandbox/seal.ts");
  if (seal(argv[1] ?? "") === "probes") {
    const { runProbes } = await import("#runtime/sandbox/probes.ts");
    await runProbes(argv[1] ?? "");
  } else {
    const { runGuest } = await import("#guest/main.ts");
    await runGuest();
  }
} else if (argv[0] === "__complete") {
  const { complete } = await import("#commands/complete.ts");
  const { processWorld } = await import("#commands/world.ts");
  process.exit(await complete(processWorld(argv)));
} else if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  await Bun.write(Bun.stdout, `${version}\n`); // process.stdout alone would take 8 ms to start
} else if (!(argv[0] === "install" && (await isIdle()))) {
  const { runLand } = await import("#commands/run.ts");
  const { processWorld } = await import("#commands/world.ts");
  process.exit(await runLand(processWorld(argv)));
}

/** Whether there is nothing to install, which then was told. What runs from source may be another at any time. */
async function isIdle(): Promise<boolean> {
  const { env } = process;
  const home = env["LAND_HOME"] || (env["HOME"] && `${env["HOME"]}/.land`);
  if (commit === "source" || !home?.startsWith("/")) return false;
  const { fstatSync, writeSync } = await import("node:fs");
  const { idleLines, isQuiet, readIdle } = await import("#install/idle.ts");
  const about = {
    argv,
    env,
    cwd: process.cwd(),
    landHome: home,
    program: process.execPath,
    version: `${version} ${commit}`,
    uid: process.getuid?.(),
    atTerminal: fstatSync(2).isCharacterDevice(),
  };
  const idle = readIdle(about, new Date());
  if (!idle) return false;
  if (isQuiet(argv)) return true;
  const lines = idleLines(idle, performance.now());
  try {
    writeSync(2, lines);
  } catch {
    await Bun.write(Bun.stderr, lines); // It is full for the moment, and this one waits.
  }
  return true;
}
