import { expect } from "bun:test";

import { type FunctionWorld, functionWorld } from "./functions-world.ts";

/** A program that takes too much, and what comes of it. */
export type Row = {
  attack: string;
  program: string;
  /** Status, and code or text, of what the visitor gets who set it off. */
  visitor: RegExp;
  /** What the owner reads. */
  owner: RegExp;
  /** What the next visitor gets; `200 fine` by default. */
  again?: RegExp;
};

const MB = 1024 * 1024;

/**
 * A world with small limits; `wallSeconds`: in which a program must begin to answer, `startSeconds`: in which it must be loaded. What only
 * computes may take long on a busy machine.
 */
export async function limitedWorld(
  wallSeconds: number,
  startSeconds: number,
): Promise<FunctionWorld> {
  const world = await functionWorld({
    LAND_SITES_PER_ACCOUNT: "100",
    LAND_FUNCTIONS_CPU_MS: "300",
    LAND_FUNCTIONS_CPU_SECONDS_PER_MINUTE: "60",
    LAND_FUNCTIONS_MEMORY_BYTES: String(160 * MB),
    LAND_FUNCTIONS_DISK_BYTES: String(4 * MB),
    LAND_FUNCTIONS_KV_BYTES: String(2 * MB),
    LAND_FUNCTIONS_WALL_SECONDS: String(wallSeconds),
    LAND_FUNCTIONS_START_SECONDS: String(startSeconds),
    LAND_FUNCTIONS_SUBREQUESTS: "20",
    LAND_FUNCTIONS_BODY_BYTES: String(2 * MB),
  });
  const victim = "export default { fetch: () => new Response('well') };";
  await world.deploy(world.ada, "victim", victim);
  await expectWell(world);
  return world;
}

/** The victim is answered. */
export async function expectWell(world: FunctionWorld): Promise<void> {
  expect(seen(await world.ask("victim", "/"))).toBe("200 well");
}

/** What a visitor got, in short. */
export function seen({ status, code, text }: Awaited<ReturnType<FunctionWorld["ask"]>>): string {
  return `${status} ${code ?? text}`;
}

/** Attacks at the request `/attack`; all others are answered, so that the next one shows whether the site works again. */
export const atRequest = (statements: string): string =>
  `export default { async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/attack") { ${statements} }
    return new Response("fine");
  } };`;

let count = 0;
/** Deploys it to a site of its own, lets a visitor set it off, and looks at all that matters then. */
export async function expectLimited(
  world: FunctionWorld,
  { program, visitor, owner, again = /^200 fine$/ }: Row,
): Promise<void> {
  const site = `evil-${(count += 1)}`;
  await world.deploy(world.eve, site, program);
  const told = await world.ask(site, "/attack");
  expect(seen(told)).toMatch(visitor);
  expect(told.text).not.toMatch(/\bat .+:\d+|\d MB|the limit is|Error/);
  await expectWell(world);
  await world.line(world.eve, site, owner);
  expect(seen(await world.ask(site, "/"))).toMatch(again);
}
