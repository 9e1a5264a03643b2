/**
 * The program: argv → command → run → exit code.
 * The operating system calls it. It must never import at the top what `--version` does not need: that is its start-up time.
 */
import { version } from "#base/build-info.ts";

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  await Bun.write(Bun.stdout, `${version}\n`); // process.stdout alone would take 8 ms to start
} else {
  const { runLand } = await import("#commands/run.ts");
  const { processWorld } = await import("#commands/world.ts");
  process.exit(await runLand(processWorld(argv)));
}
