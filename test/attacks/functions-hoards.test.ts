import { afterAll, beforeAll, expect, test } from "bun:test";

import {
  atRequest,
  expectLimited,
  expectWell,
  limitedWorld,
  type Row,
  seen,
} from "./functions-rows.ts";
import type { FunctionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
const MB = 1024 * 1024;
const HOARD = "const all = []; for (;;) all.push(";
const worker = (statements: string): string =>
  `new Worker(URL.createObjectURL(new Blob([${JSON.stringify(statements)}])))`;

let world: FunctionWorld;
beforeAll(async () => void (world = await limitedWorld(19, 8)), TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

const rows: Row[] = [
  ...[
    ["bytes", "new Uint8Array(1e6).fill(1));"],
    [
      "texts",
      "String.fromCharCode(...Array.from({ length: 1000 }, (_, n) => all.length + n)).repeat(500).split('').join(''));",
    ],
    ["objects", "{ a: all.length, b: [all.length] });"],
    [
      "memory of WebAssembly",
      "new Uint8Array(new WebAssembly.Memory({ initial: 64 }).buffer).fill(1));",
    ],
    ["bodies", "await new Response('x'.repeat(1e6)).arrayBuffer());"],
  ].map(([what = "", add = ""]): Row => ({
    attack: `a storm of ${what}`,
    program: atRequest(`${HOARD}${add}`),
    visitor: /^503 (?:memory_limit|cpu_limit|crashed)$|^504 wall_limit$/,
    owner:
      /took \d+ MB of memory, the limit is 160 MB|computed for \d+ ms without a pause|ended by itself|did not begin/,
  })),
  {
    attack: "threads that hoard",
    program: atRequest(
      `for (let n = 0; n < 8; n += 1) ${worker("const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1));")}; await new Promise(() => {});`,
    ),
    visitor: /^503 (?:memory_limit|cpu_limit|crashed)$|^504 wall_limit$/,
    owner: /took \d+ MB of memory|ended by itself|did not begin/,
  },
  {
    attack: "threads without end",
    program: atRequest(
      `for (let n = 0; n < 5000; n += 1) { ${worker("setInterval(() => {}, 1000)")}; await new Promise((go) => setTimeout(go, 1)); }`,
    ),
    visitor: /^50[034] (?:thread_limit|memory_limit|cpu_limit|crashed|wall_limit|exception)$/,
    owner: /threads, the limit is|took \d+ MB of memory|ended by itself|did not begin|Uncaught/,
  },

  {
    attack: "files without end",
    program: atRequest(
      'const fs = require("node:fs"); const all = []; try { for (;;) all.push(fs.openSync("/dev/null")); } catch (error) { for (const fd of all) fs.closeSync(fd); return new Response(error.code + " " + (all.length < 5000)); }',
    ),
    visitor: /^200 EMFILE true$/,
    owner: /./,
  },
  {
    attack: "databases without end",
    program: atRequest(
      'const { Database } = require("bun:sqlite"); const all = []; try { for (let n = 0; n < 1e5; n += 1) { const db = new Database("many" + (n % 10) + " " + typeof env.DB); db.run("pragma user_version"); all.push(db); } } catch (error) { for (const db of all) db.close(); return new Response("refused " + (all.length < 5000)); }',
    ),
    visitor: /^200 refused true$|^503 memory_limit$/,
    owner: /./,
  },
  {
    attack: "a flood of lines",
    program: atRequest('for (let n = 0; n < 50_000; n += 1) console.log("line " + n);'),
    visitor: /^200 fine$|^503 cpu_limit$/,
    owner: /\d+ more lines were not kept: the limit is 100 per second/,
  },
  {
    attack: "a flood of keys",
    program: atRequest(
      'try { for (let n = 0; n < 100; n += 1) await env.KV.put("key" + n, new Uint8Array(200_000)); } catch (error) { return new Response(error.code); } ',
    ),
    visitor: /^200 kv_quota$/,
    owner: /./,
  },
];
test.each(rows.map((row) => [row.attack, row] as const))(
  "%s",
  (_attack, row) => expectLimited(world, row),
  TIMEOUT_MS,
);

test(
  "a full disk: the database may only be read until there is less",
  async () => {
    const program = `export default { async fetch(request, env) {
      const { pathname } = new URL(request.url);
      try {
        await env.DB.exec("create table if not exists t (b blob)");
        if (pathname === "/attack") for (let n = 0; n < 3; n += 1)
          await env.DB.prepare("insert into t values (zeroblob(1000000))").run();
        if (pathname === "/burst") for (;;)
          await env.DB.prepare("insert into t values (zeroblob(1000000))").run();
      } catch (error) { return new Response("failed " + error.message); }
      return new Response("fine");
    } };`;
    await world.deploy(world.eve, "disk", program);
    expect(seen(await world.ask("disk", "/attack"))).toBe("200 fine");
    expect(seen(await world.ask("disk", "/burst"))).toMatch(
      /^503 disk_limit$|^200 failed .*(?:full|too large|I\/O)/i,
    );
    await world.line(
      world.eve,
      "disk",
      /its folder held \d+ MB, the limit is 4 MB; until there is less/,
    );
    expect(seen(await world.ask("disk", "/attack"))).toMatch(/^200 failed .*(?:read-?only|open)/i);
    await expectWell(world);
  },
  TIMEOUT_MS,
);

test(
  "an endless answer: a slow visitor costs the server no memory, a fast one the others no time",
  async () => {
    const endless =
      "return new Response(new ReadableStream({ pull(to) { to.enqueue(new Uint8Array(65536)); } }));";
    await world.deploy(world.eve, "endless", atRequest(endless));
    const before = await world.memory();
    const leave = new AbortController();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${world.server.url}/attack`, {
          headers: { host: `endless.localhost:${world.port}` },
          signal: leave.signal,
        }),
      ),
    );
    // Seven are not read at all, one as fast as it comes.
    const reader = answers[0]?.body?.getReader();
    let bytes = 0;
    for (const end = Date.now() + 1500; Date.now() < end;) {
      const part = await reader?.read().catch(() => undefined);
      if (!part || part.done) break;
      bytes += part.value.length;
    }
    expect(bytes).toBeGreaterThan(MB);
    await expectWell(world);
    expect((await world.memory()) - before).toBeLessThan(150 * MB);
    leave.abort();
    expect(seen(await world.ask("endless", "/"))).toBe("200 fine");
  },
  TIMEOUT_MS,
);
