import { afterAll, beforeAll, expect, test } from "bun:test";

import { RAW } from "./functions-raw.ts";
import { expectWell, limitedWorld, seen } from "./functions-rows.ts";
import { type FunctionWorld, functionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
const MB = 1024 * 1024;
/** What the server may take more while it is flooded. */
const MORE = 400 * MB;

let world: FunctionWorld;
beforeAll(async () => void (world = await limitedWorld(4, 8)), TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

const hostile = (statements: string, atLoad = ""): string => `${RAW}
${atLoad}
export default {
  async fetch(request, env) {
    const id = (lastRequest += 2);
    if (new URL(request.url).pathname !== "/attack") return new Response("fine");
    ${statements}
  },
};`;

let count = 0;
/** Sets it off, looks at the server's memory meanwhile, and at whether all goes on after it. */
async function flood(program: string, visitor: RegExp, own = world): Promise<void> {
  const site = `evil-${(count += 1)}`;
  await own.deploy(own.eve, site, program);
  // It runs: on a machine that is busy with what came before, a start alone may take longer than it may.
  await expectBack(own, site);
  const before = await own.memory();
  const attack = own.ask(site, "/attack");
  const most = await mostMemory(own, attack);
  expect(seen(await attack)).toMatch(visitor);
  expect(most - before).toBeLessThan(MORE);
  await expectWell(own);
  await expectBack(own, site);
}

/** The most memory that the server took until that was over. */
async function mostMemory(own: FunctionWorld, work: Promise<unknown>): Promise<number> {
  const over = Promise.allSettled([work]);
  for (let most = 0; ;) {
    most = Math.max(most, await own.memory());
    const ended = await Promise.race([over, Bun.sleep(20)]);
    if (ended !== undefined) return most;
  }
}

/** Where a program does not react, that is known for certain after some seconds; whoever used up its time waits for the next. */
async function expectBack(own: FunctionWorld, site: string): Promise<void> {
  let last = "";
  for (const end = Date.now() + 15_000; Date.now() < end; await Bun.sleep(200)) {
    last = seen(await own.ask(site, "/"));
    if (/^200 fine$|^503 cpu_budget$/.test(last)) return;
  }
  throw new Error(`the site is not back: ${last}`);
}

const ENDED = /^50[034] (?:cpu_limit|cpu_budget|wall_limit|crashed|memory_limit)$/;
const unread = "for (let n = 0, sent = true; sent && n < 100_000; n += 1) sent =";
test.each([
  [
    "frames without end",
    "const one = Buffer.concat(Array(500).fill(frame(FRAME.note, 0, '[\"x\",1]'))); for (;;) put(LINK, one);",
    ENDED,
  ],
  [
    "lines without end",
    "const one = Buffer.concat(Array(500).fill(frame(FRAME.note, 0, JSON.stringify(['log', { level: 'info', message: 'x'.repeat(2000), requestId: '' }])))); for (;;) put(LINK, one);",
    ENDED,
  ],
  [
    "messages for sockets without end",
    "const one = frame(FRAME.note, 0, JSON.stringify(['socket.publish', { topic: '', text: true }]) + '\\0' + 'x'.repeat(1_000_000)); for (;;) put(LINK, one);",
    ENDED,
  ],
  [
    "frames that are never whole",
    "const one = frame(FRAME.note, 0, Buffer.alloc(1_000_000, 32), 1_100_000); for (;;) put(LINK, one);",
    ENDED,
  ],
  [
    "calls whose answers are not read",
    `await env.KV.put("big", "x".repeat(1_000_000)); ${unread} put(SYNC, frame(FRAME.call, n * 2 + 1, '["kv.get",{"key":"big"}]')); return new Response("stopped");`,
    /^200 stopped$|^503 (?:crashed|cpu_limit)$|^504 wall_limit$/,
  ],
  [
    "calls that announce 20 MB and send nothing",
    `const start = Buffer.alloc(5, 1); start.writeUInt32LE(20_000_000, 1); ${unread} put(SYNC, frame(FRAME.call, n * 2 + 1, start)); return new Response("stopped");`,
    /^200 stopped$|^503 (?:crashed|cpu_limit)$|^504 wall_limit$/,
  ],
  [
    "a call that announces 4 GB",
    "const start = Buffer.alloc(5, 1); start.writeUInt32LE(4_000_000_000, 1); put(SYNC, frame(FRAME.call, 1, start)); return new Response(take(SYNC).payload);",
    /^200 .*too_large/,
  ],
  [
    "fetches by hand without end",
    `${unread} put(LINK, frame(FRAME.request, 100_001 + n * 2, head("GET\\nhttp://127.0.0.1:9/\\n" + n + "\\n"))); await never();`,
    ENDED,
  ],
  [
    "more of a body than was granted",
    "put(LINK, frame(FRAME.response, id, head('200\\nOK', 2))); const one = frame(FRAME.data, id, Buffer.alloc(1_000_000)); for (let n = 0; n < 300; n += 1) if (!put(LINK, one)) break; fs.closeSync(LINK); await never();",
    /^200 (?:broke off|\0)|^503 crashed$/,
  ],
  [
    "the ring cut short under the server",
    "try { fs.ftruncateSync(RING, 0); return new Response('cut'); } catch (error) { return new Response(error.code); }",
    /^200 E(?:PERM|INVAL|ACCES|BADF)$/,
  ],
] as [string, string, RegExp][])(
  "%s",
  (_attack, statements, visitor) => flood(hostile(statements), visitor),
  TIMEOUT_MS,
);

test(
  "a ring that changes while it is sent: its bytes are the program's, their number is not",
  async () => {
    const changing = hostile(`
      put(LINK, frame(FRAME.response, id, head("200\\nOK", 2)));
      const noise = Buffer.alloc(4 * 1024 * 1024);
      for (let slot = 0; slot < 16; slot += 1) {
        fs.writeSync(RING, noise.fill(65 + slot), 0, noise.length, 0);
        put(LINK, frame(FRAME.bulk, id, u32(slot, 262144)));
        fs.writeSync(RING, noise.fill(66 + slot), 0, noise.length, 0);
      }
      put(LINK, frame(FRAME.end, id));
      for (let n = 0; n < 20; n += 1) fs.writeSync(RING, noise.fill(n + 33), 0, noise.length, 0);
      await never();`);
    await world.deploy(world.eve, "ring", changing);
    const { status, text } = await world.ask("ring", "/attack");
    expect([status, text.length]).toEqual([200, 4 * MB]);
    await expectWell(world);
  },
  TIMEOUT_MS,
);

test(
  "a program that does not read what visitors send",
  async () => {
    await using own = await functionWorld({ LAND_FUNCTIONS_WALL_SECONDS: "3" });
    await own.deploy(own.ada, "victim", "export default { fetch: () => new Response('well') };");
    const deaf = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);";
    await own.deploy(own.eve, "deaf", hostile(deaf));
    const body = new Uint8Array(20 * MB);
    const before = await own.memory();
    const asked = Promise.all(
      Array.from({ length: 8 }, () => own.ask("deaf", "/attack", { method: "POST", body })),
    );
    const most = await mostMemory(own, asked);
    for (const told of await asked) expect(told.status).toBeGreaterThanOrEqual(500);
    expect(most - before).toBeLessThan(MORE);
    await expectWell(own);
    await own.line(own.eve, "deaf", /did not begin to answer within 3 s/);
    await expectBack(own, "deaf");
  },
  TIMEOUT_MS,
);

test.each([
  [
    "handlers that are none",
    `{ kind: "loaded", shape: "module", handlers: null }`,
    /^(?:200|500|503) /,
  ],
  [
    "a shape that there is not",
    `{ kind: "loaded", shape: "__proto__", handlers: { fetch: 1, websocket: {} } }`,
    /^(?:200|500|503) /,
  ],
  ["an error that is none", `{ kind: "broken" }`, /^500 program_broken$/],
  [
    "an error of other things",
    `{ kind: "broken", error: { name: {}, message: [], stack: 1 } }`,
    /^500 program_broken$/,
  ],
  [
    "an error of a million lines",
    `{ kind: "broken", error: { name: "E", message: "m", stack: "s\\n".repeat(300_000) } }`,
    /^500 program_broken$/,
  ],
])(
  "a program says before it runs: %s",
  async (_attack, message, visitor) => {
    const site = `early-${(count += 1)}`;
    const atLoad = `put(LINK, frame(FRAME.control, 0, JSON.stringify(${message})));`;
    await world.deploy(world.eve, site, hostile("", atLoad));
    const told = await world.ask(site, "/");
    expect(seen(told)).toMatch(visitor);
    expect(told.code).not.toBe("internal");
    await shakeHands(site);
    await expectWell(world);
    const log = await world.log(world.eve, site);
    for (const { message: line } of log) expect(line.length).toBeLessThan(9000);
    expect(world.server.log()).not.toContain("program failed");
  },
  TIMEOUT_MS,
);

/** Tries to open a socket; whatever comes of it. */
async function shakeHands(site: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const host = `${site}.localhost:${world.port}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out that it takes headers
  const options = { headers: { Host: host } } as unknown as string[];
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, options);
  for (const type of ["open", "close", "error"]) socket.addEventListener(type, () => resolve());
  await promise;
  socket.close();
}
