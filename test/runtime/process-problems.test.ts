import { afterEach, expect, test } from "bun:test";

import type { ProgramRef } from "#runtime/tenant.ts";

import { type ProcessWorld, processWorld } from "./process-world.ts";

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
