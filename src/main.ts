/**
 * The program: argv → command → run → exit code.
 * The operating system calls it. It must never import at the top what `--version` does not need: that is its start-up time.
 */
import { version } from "#base/build-info.ts";

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
  process.stdout.write(`${version}\n`);
}
