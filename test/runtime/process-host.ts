/** A server of its own that runs a program, tells the pids of what it started, and then waits for its end. */
import { answering, processWorld } from "./process-world.ts";

const world = await processWorld({ "functions.pool": 1 });
const [first, second] = [
  world.program(answering("process.pid")),
  world.program("export default { fetch() { while (true); } }"),
];
const told = await world.ask(first);
void world.ask(second);
while (world.pidOf(second.siteId) === 0) await Bun.sleep(5);
await Bun.write(Bun.stdout, `${told.text} ${world.pidOf(second.siteId)}\n`);
