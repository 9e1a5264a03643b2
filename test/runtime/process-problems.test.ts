import { afterEach, expect, test } from "bun:test";

import type { ProgramRef } from "#runtime/tenant.ts";

import { answering, type ProcessWorld, processWorld } from "./process-world.ts";

const open: ProcessWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});

test("why a start came to nothing is remembered in one line, until one comes to something", async () => {
  const world = await processWorld();
  open.push(world);
  const [good, thrown, parsed] = [
    world.program("export default { fetch: () => new Response() };"),
    world.program(
      `\nconst read = () => { throw new RangeError("no \\u001b[2J\\nin two lines") };\nread();\nexport default {};`,
    ),
    world.program("export default {"),
  ];
  const startOf = (ref: ProgramRef) => world.supervisor.start(ref).catch(({ code }) => code);
  expect(world.supervisor.problemOf(thrown)).toBeUndefined();
  expect(await Promise.all([good, thrown, parsed].map(startOf))).toEqual([
    undefined,
    "program_broken",
    "program_broken",
  ]);
  expect(world.supervisor.problemOf(good)).toBeUndefined();
  expect(world.supervisor.problemOf(thrown)).toMatch(
    /^RangeError: no \uFFFD\[2J at read \(\w+\.[jt]s:2:\d+\)$/,
  );
  expect(world.supervisor.problemOf(parsed)).toMatch(/^SyntaxError: /);
  expect(await startOf(good)).toBeUndefined();
  expect(world.supervisor.processesOf(good.siteId)).toHaveLength(1);
});

test("a site whose processes end again and again is started less often, and its owner told", async () => {
  const world = await processWorld();
  open.push(world);
  const ref = world.program(answering("url.pathname === '/exit' ? process.exit(3) : 'fine'"));
  const other = world.program(answering("'fine'"), { siteId: ref.siteId });
  const told = [];
  do told.push(await world.ask(ref, "/exit", { body: Buffer.from("once") }));
  while (told.at(-1)?.retryAfterSeconds === undefined && told.length < 30);
  expect(new Set(told.map(({ code }) => code))).toEqual(new Set(["crashed"]));
  expect(told.at(-1)?.retryAfterSeconds).toBeGreaterThan(0);
  // Seven ends at least came before it.
  expect(told.length).toBeGreaterThan(7);
  // Another deploy of the site waits as well.
  expect(await world.ask(other)).toMatchObject({ code: "crashed" });
  expect(world.lines.at(-1)?.message).toMatch(
    /^The program's process ended by itself: exit code 3; as that was so too often, it starts again in \d s at the earliest$/,
  );
  for (let answer = await world.ask(other); answer.status !== 200; answer = await world.ask(other))
    await Bun.sleep(50);
});
