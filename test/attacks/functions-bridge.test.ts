import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { RAW } from "./functions-raw.ts";
import { type FunctionWorld, functionWorld, type Told } from "./functions-world.ts";

const MB = 1024 * 1024;
const TIMEOUT_MS = 60_000;
const VICTIM = `export default { async fetch(request, env) {
  return new Response("victim " + await env.KV.get("mine")); } };`;

let world: FunctionWorld;
beforeAll(async () => {
  world = await functionWorld({ LAND_FUNCTIONS_CPU_MS: "5000", LAND_SITES_PER_ACCOUNT: "100" });
  await world.deploy(world.ada, "victim", VICTIM);
  await world.putKey(world.ada, "victim", "mine", "value");
  await world.ask("victim", "/");
}, TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

/** Answers "fine", but for `/attack`: then a program that speaks the bridge itself does this; `id` is that of the request. */
const hostile = (statements: string, atLoad = ""): string => `${RAW}
${atLoad}
export default { async fetch(request, env) {
  const id = (lastRequest += 2);
  if (new URL(request.url).pathname !== "/attack") return new Response("fine");
  ${statements}
} };`;

const seen = ({ status, code, text }: Told): string => `${status} ${code ?? text.slice(0, 40)}`;

/** A visitor must learn nothing of the inside. */
function expectNoInside({ text }: Told): void {
  expect(text).not.toMatch(/\bat .+:\d+:\d+|bunfs|src\/|node_modules|\/tmp\/|Error:/);
}

async function expectAllIsWell(site: string): Promise<void> {
  expect(seen(await world.ask("victim", "/"))).toBe("200 victim value");
  expect(seen(await world.ask(site, "/"))).toBe("200 fine");
}

let count = 0;
/** Deploys it to a site of its own and lets a visitor set it off. */
async function attack(program: string, init: { method?: string; body?: string } = {}) {
  const site = `evil-${(count += 1)}`;
  await world.deploy(world.eve, site, program);
  const told = await world.ask(site, "/attack", init);
  expectNoInside(told);
  return { site, told };
}

describe("what breaks the protocol ends that process alone", () => {
  const start = "put(LINK, frame(FRAME.response, id, head('200\\nOK', 2)));";
  const rows: [attack: string, statements: string, problem: RegExp, init?: { body: string }][] = [
    ["a length of 4 GB", "put(LINK, frame(FRAME.note, 0, 'x', 0xffffffff))", /too long/],
    ["a type that there is not", "put(LINK, frame(200, 0, 'x'))", /no known type/],
    ["an id of the host's", "put(LINK, frame(FRAME.call, 9000, '[\"kv.get\",{}]'))", /not its own/],
    ["the id 0", "put(LINK, frame(FRAME.call, 0, '[\"kv.get\",{}]'))", /not its own/],
    [
      "one id for two calls",
      "for (const n of [9001, 9001]) put(LINK, frame(FRAME.call, n, '[\"socket.count\",{}]'))",
      /not its own/,
    ],
    ["an answer to nothing", "put(LINK, frame(FRAME.response, 9000, head('200\\nOK')))", /nothing/],
    ["a result of nothing", "put(LINK, frame(FRAME.result, 9000, 'null'))", /nothing/],
    ["two heads for one request", `${start} ${start}`, /an answer to nothing/],
    ["bytes before the head", "put(LINK, frame(FRAME.data, id, 'x'))", /not granted|nothing/],
    ["an end before the head", "put(LINK, frame(FRAME.end, id))", /the end of nothing/],
    ["a head that is longer than its frame", "put(LINK, frame(2, 9001, u32(0, 99)))", /none/],
    ["a slot beyond the ring", `${start} put(LINK, frame(FRAME.bulk, id, u32(16, 9)))`, /slot/],
    ["a slot far beyond", `${start} put(LINK, frame(FRAME.bulk, id, u32(2**32-1, 9)))`, /slot/],
    ["more than a slot", `${start} put(LINK, frame(FRAME.bulk, id, u32(0, 262145)))`, /slot/],
    [
      "a slot twice",
      `${start} const one = frame(FRAME.bulk, id, u32(3, 99)); put(LINK, Buffer.concat([one, one]))`,
      /slot/,
    ],
    ["a slot given back by the guest", "put(LINK, frame(FRAME.release, 0, u32(1)))", /slot/],
    ["a credit of three bytes", "put(LINK, frame(FRAME.credit, id, 'abc'))", /credit/],
    [
      "credit beyond 4 GB",
      "for (const n of [1, 2, 3]) put(LINK, frame(FRAME.credit, id, u32(2 ** 32 - 1)))",
      /credit/,
      { body: "x".repeat(5_000_000) },
    ],
    ["what is no JSON", "put(LINK, frame(FRAME.note, 0, '{'))", /not JSON/],
    ["a call without a name", "put(LINK, frame(FRAME.call, 9001, '[]'))", /without a name/],
    ["a word of the host's", 'put(LINK, frame(FRAME.control, 0, \'{"kind":"stop"}\'))', /stop/],
    [
      "an answer to a ping to come",
      'put(LINK, frame(FRAME.control, 0, \'{"kind":"pong","n":1000000}\'))',
      /pong/,
    ],
    [
      "-1 promises",
      'put(LINK, frame(FRAME.control, 0, \'{"kind":"waiting","count":-1}\'))',
      /waiting/,
    ],
    [
      "a note over the descriptor for calls",
      "put(SYNC, frame(FRAME.note, 0, '[\"log\",{}]'))",
      /only calls/i,
    ],
    ["the link closed", "fs.closeSync(LINK)", /./],
    ["the descriptor for calls closed", "fs.closeSync(SYNC)", /./],
  ];
  test.concurrent.each(rows)(
    "%s",
    async (_attack, statements, problem, ...[sent]) => {
      const init = sent && { method: "POST", ...sent };
      const { site, told } = await attack(hostile(`${statements}; await never();`), init);
      // Where the answer had begun it breaks off.
      expect(seen(told)).toMatch(/^503 crashed$|^200 broke off$/);
      const line = await world.line(world.eve, site, /process ended by itself/);
      expect(line.message).toMatch(problem);
      expect(line.data).toMatchObject({ code: "crashed" });
      await expectAllIsWell(site);
    },
    TIMEOUT_MS,
  );
});

describe("what is wrong with one answer fails that answer alone", () => {
  const answer = (text: string): string =>
    `put(LINK, frame(FRAME.response, id, head(${JSON.stringify(text)}))); await never();`;
  const bad = "502 bad_head";
  const rows: [attack: string, statements: string, expected: string][] = [
    ["100,000 headers", answer(`200\nOK${"\na\nb".repeat(100_000)}`), bad],
    ["257 headers", answer(`200\nOK${"\na\nb".repeat(257)}`), bad],
    ["a value of 1 MB", answer(`200\nOK\na\n${"b".repeat(MB)}`), bad],
    ["a name without a value", answer("200\nOK\na"), bad],
    ["CR in a value", answer("200\nOK\na\nb\rset-cookie: c=d"), bad],
    ["NUL in a value", answer("200\nOK\na\nb\0c"), bad],
    ["CR in a name", answer("200\nOK\na\rb\nc"), bad],
    ["a colon in a name", answer("200\nOK\nset-cookie: a\nb"), bad],
    ["CR in the words of the status", answer("200\nOK\rset-cookie: c=d"), bad],
    ...["", "0", "99", "600", "1000", "-1", "2e2", "0x200"].map(
      (status): [string, string, string] => [`status "${status}"`, answer(`${status}\nOK`), bad],
    ),
    ...[100, 101, 103].map((status): [string, string, string] => [
      `status ${status}`,
      answer(`${status}\nOK\nupgrade\nwebsocket\nconnection\nupgrade`),
      "502 bad_response",
    ]),
    [
      "a word that the server says of itself",
      'put(LINK, frame(FRAME.failure, id, \'{"code":"__proto__","message":"Error: /tmp/x"}\')); await never();',
      "500 exception",
    ],
    [
      "its own request cancelled",
      "put(LINK, frame(FRAME.cancel, id)); await never();",
      "503 cancelled",
    ],
    [
      "bytes after the end",
      "put(LINK, Buffer.concat([frame(FRAME.response, id, head('200\\nOK', 2)), frame(FRAME.data, id, 'abc'), frame(FRAME.end, id), frame(FRAME.data, id, 'def'), frame(FRAME.end, id)])); await never();",
      "200 abc",
    ],
    [
      "JSON half a million deep",
      "put(LINK, frame(FRAME.note, 0, '['.repeat(500_000) + ']'.repeat(500_000))); return new Response('dropped')",
      "200 dropped",
    ],
    [
      "a request over the descriptor for calls",
      "put(SYNC, frame(FRAME.request, 1, head('GET\\nhttp://127.0.0.1/\\n\\n'))); return new Response(take(SYNC).payload)",
      '200 {"code":"protocol","message":"Only calls',
    ],
    [
      "headers by the API: 1,000",
      "return new Response('', { headers: Array.from({ length: 1000 }, (_, n) => ['a' + n, 'b']) });",
      "502 bad_head",
    ],
    [
      "headers by the API: a value of 1 MB",
      `return new Response("", { headers: { a: "b".repeat(${MB}) } });`,
      "502 bad_head",
    ],
  ];
  test.concurrent.each(rows)(
    "%s",
    async (_attack, statements, expected) => {
      const { site, told } = await attack(hostile(statements));
      expect(seen(told)).toBe(expected);
      if (expected.startsWith("502"))
        expect((await world.line(world.eve, site, /cannot be sent/)).data).toMatchObject({
          code: told.code,
        });
      await expectAllIsWell(site);
    },
    TIMEOUT_MS,
  );
});
