import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";

import type { LogPage } from "#sites/model.ts";

import { RAW } from "./functions-raw.ts";
import { type FunctionWorld, functionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
const SECRET = "the-secret-of-ada";
const VICTIM = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/log") console.log("a line of the victim");
    return new Response(await env.KV.get("shared"));
  },
  websocket: { open(socket) { socket.subscribe("room"); }, message() {} },
};`;

let world: FunctionWorld;
beforeAll(async () => {
  world = await functionWorld();
  const { ada, eve } = world;
  await world.deploy(ada, "victim", VICTIM);
  await world.putKey(ada, "victim", "shared", "of the victim");
  await world.call(ada, "PUT", "/sites/victim/env/SECRET", { value: SECRET });
  await world.deploy(eve, "evil", "export default { fetch: () => new Response() };");
  await world.putKey(eve, "evil", "shared", "of the attacker");
}, TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

/** What a program of eve answers. */
async function run(statements: string): Promise<string> {
  const program = `${RAW}
export default {
  websocket: { open() {}, message() {} },
  async fetch(request, env) { ${statements} },
};`;
  await world.deploy(world.eve, "evil", program);
  return (await world.ask("evil", "/")).text;
}

const victim = async (path = "/"): Promise<string> => (await world.ask("victim", path)).text;

describe("keys of another site", () => {
  const get = (params: string): string =>
    `return new Response(rawCall(${JSON.stringify(`["kv.get",${params}]`)}));`;
  const own = /of the attacker/;
  const refused = /"code":"(?:kv_invalid|too_deep)"/;
  const rows: [attack: string, statements: string, expected: RegExp][] = [
    ["the same key", get('{"key":"shared"}'), own],
    ["siteId", get('{"key":"shared","siteId":1,"site":"victim"}'), own],
    ["a tenant", get('{"key":"shared","tenant":{"siteId":1,"site":"victim"}}'), own],
    ["__proto__", get('{"key":"shared","__proto__":{"siteId":1}}'), own],
    ["a key by __proto__ alone", get('{"__proto__":{"key":"shared"}}'), refused],
    ["constructor", get('{"key":"shared","constructor":{"prototype":{"siteId":1}}}'), own],
    ["a list in place of the parameters", get('["shared",1]'), refused],
    ["a key that is an object", get('{"key":{"toString":"shared"}}'), refused],
    ["a key with a path", get('{"key":"../1/shared"}'), /"versionstamp":null/],
    ["a key with NUL", get('{"key":"shared\\\\u0000"}'), /"versionstamp":null|kv_invalid/],
    ["parameters nested deeply", get(`{"key":${"[".repeat(100)}${"]".repeat(100)}}`), refused],
    [
      "a third parameter",
      `put(SYNC, frame(FRAME.call, 1, '["kv.get",{"key":"shared"},{"siteId":1}]')); return new Response(take(SYNC).payload);`,
      /"code":"crashed"/,
    ],
    [
      "the list of all",
      `return new Response(rawCall('["kv.list",{"prefix":"","siteId":1,"cursor":null}]'));`,
      /^11 \{"keys":\[\{"name":"shared"[^\]]*\],"complete":true/,
    ],
    [
      "a cursor made up",
      `return new Response(rawCall('["kv.list",{"cursor":"../1/data"}]'));`,
      /kv_invalid|"keys":\[/,
    ],
    ["a call named __proto__", `return new Response(rawCall('["__proto__",{}]'));`, /unknown_call/],
    [
      "a call named constructor",
      `return new Response(rawCall('["constructor",{}]'));`,
      /unknown_call/,
    ],
    [
      "a call that is the host's",
      `return new Response(rawCall('["scheduled",{}]'));`,
      /unknown_call/,
    ],
  ];
  test.each(rows)(
    "%s",
    async (_attack, statements, expected) => {
      const text = await run(statements);
      expect(text).toMatch(expected);
      expect(text).not.toContain("of the victim");
      expect(await victim()).toBe("of the victim");
    },
    TIMEOUT_MS,
  );

  test(
    "writes stay in the own store",
    async () => {
      await run(`
        for (const site of ['', ',"siteId":1', ',"__proto__":{"siteId":1}'])
          rawCall('["kv.put",{"key":"shared"' + site + '}]', "taken over");
        rawCall('["kv.delete",{"key":"shared","siteId":1}]');
        return new Response(rawCall('["kv.commit",{"checks":[],"siteId":1,"mutations":[{"type":"delete","key":"shared"}]}]'));`);
      expect(await victim()).toBe("of the victim");
      await world.putKey(world.eve, "evil", "shared", "of the attacker");
    },
    TIMEOUT_MS,
  );
});

test(
  "secrets of another site: neither variables, globals, files of the process nor its memory before it hold them",
  async () => {
    const text = await run(`
      const found = [JSON.stringify(env), JSON.stringify(process.env), process.argv.join(" "), process.execArgv.join(" ")];
      for (const name of ["environ", "cmdline", "maps", "mem", "../1/environ", "../" + process.ppid + "/environ", "../" + process.ppid + "/cmdline"])
        try { found.push(fs.readFileSync("/proc/self/" + name, "latin1").slice(0, 1e6)); } catch (error) { found.push(error.code); }
      return new Response(found.join("\\n"));`);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("LAND_");
    expect(text).not.toContain(world.data);
  },
  TIMEOUT_MS,
);

describe("logs of another site", () => {
  const lines = async (token: string, site: string): Promise<string> =>
    (await world.log(token, site)).map((line) => JSON.stringify(line)).join("\n");

  test(
    "lines with its id, its name, the id of its request",
    async () => {
      await world.ask("victim", "/log");
      const { requestId } = await world.line(world.ada, "victim", /a line of the victim/);
      await run(`
        for (const more of [{ siteId: 1 }, { site: "victim" }, { tenant: { siteId: 1 } }, { kind: "request" }])
          note("log", { level: "error", message: "forged", requestId: ${JSON.stringify(requestId)}, ...more });
        return new Response("done");`);
      await world.line(world.eve, "evil", /forged/);
      expect(await lines(world.ada, "victim")).not.toContain("forged");
      const path = `/sites/victim/logs?request=${String(requestId)}`;
      const { value } = await world.call<LogPage>(world.ada, "GET", path);
      expect(value.items.map(({ message }) => message)).not.toContain("forged");
    },
    TIMEOUT_MS,
  );

  test(
    "forged lines of the server, codes of terminals, line ends, 10 MB",
    async () => {
      await run(`
        note("log", { level: "info", message: "GET /admin 200", requestId: "", kind: "request", data: { status: 200 } });
        note("log", { level: "fatal", message: "no such level", requestId: "" });
        note("log", { level: "info", message: { toString: "x" }, requestId: "" });
        note("log", { level: "info", message: "esc \\u001b[2J\\u001b]0;title\\u0007 \\u202e\\u0000end", requestId: "a\\n\\u001b[31m" });
        note("log", { level: "info", message: "one\\r\\n2026-01-01 info GET / 200", requestId: "x".repeat(1000) });
        note("log", { level: "info", message: "long " + "x".repeat(900_000), requestId: "" });
        console.log("y".repeat(10_000_000));
        return new Response("done");`);
      await world.line(world.eve, "evil", /^y+/);
      const all = await world.log(world.eve, "evil");
      const forged = all.find(({ message }) => message === "GET /admin 200");
      expect(forged).toMatchObject({ kind: "program", data: {} });
      const texts = all.map(({ message }) => message);
      expect(texts.filter((text) => text.includes("no such level"))).toEqual([]);
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(texts.filter((text) => /[\u0000-\u0008\u000b-\u001f\u007f\u202e]/.test(text))).toEqual(
        [],
      );
      expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(9000);
      for (const { requestId } of all)
        if (requestId !== null) expect(requestId).toMatch(/^[ -~\ufffd]{1,64}$/);
    },
    TIMEOUT_MS,
  );
});

test(
  "sockets of another site: ids and topics are its own",
  async () => {
    const socket = await openSocket("victim");
    await run(`
      for (const siteId of [undefined, 1]) {
        for (const topic of ["room", ""]) note("socket.publish", { topic, text: true, siteId, site: "victim" }, "forged");
        for (let n = 0; n < 50; n += 1) {
          note("socket.send", { id: String(n), text: true, siteId }, "forged");
          note("socket.close", { id: String(n), code: 1000, siteId });
        }
      }
      return new Response("done");`);
    const text = await run(
      `return new Response(rawCall('["socket.count",{"topic":"room","siteId":1}]'));`,
    );
    expect(text).toBe("11 0");
    expect(await victim()).toBe("of the victim");
    expect(socket.received()).not.toContain("forged");
    expect(socket.isOpen()).toBe(true);
    socket.end();
  },
  TIMEOUT_MS,
);

/** A WebSocket by hand: whatever comes is kept as it came. */
async function openSocket(site: string) {
  let received = "";
  let isOpen = true;
  const opened = Promise.withResolvers<void>();
  const socket = connect(world.port, "127.0.0.1", () =>
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: ${site}.localhost:${world.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
  );
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    if (received.includes("\r\n\r\n")) opened.resolve();
  });
  socket.on("close", () => {
    isOpen = false;
    opened.resolve();
  });
  socket.on("error", () => undefined);
  await opened.promise;
  expect(received).toStartWith("HTTP/1.1 101");
  return { received: () => received, isOpen: () => isOpen, end: () => socket.destroy() };
}
