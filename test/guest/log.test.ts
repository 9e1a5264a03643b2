import { expect, test } from "bun:test";

import { startGuest } from "#test/support/guest-host.ts";

/** A program of two files, as \`land deploy\` would make it. */
async function bundle(files: Record<string, string>, entry: string) {
  const built = await Bun.build({
    entrypoints: [entry],
    files,
    target: "bun",
    sourcemap: "external",
    minify: true,
  });
  const [code, map] = await Promise.all(built.outputs.map((output) => output.text()));
  return { code: code ?? "", map: map ?? "" };
}

test("stacks show the author's lines", async () => {
  const { code, map } = await bundle(
    {
      "/app/main.ts": `import { fail } from "./lib/fail.ts";\n\nexport default {\n  async fetch(): Promise<Response> {\n    console.log("before");\n    console.error("seen", wrapped());\n    fail(1);\n    return new Response("");\n  },\n};\nfunction wrapped(): Error {\n  return new Error("outer", { cause: new Error("inner") });\n}\n`,
      "/app/lib/fail.ts": `export function fail(n: number): never {\n  throw Object.assign(new RangeError("too many"), { code: "many", n });\n}\n`,
    },
    "/app/main.ts",
  );
  await using guest = await startGuest(code, { map });
  await expect(guest.ask("/")).rejects.toThrow("The program threw an error");
  const { message } = await guest.logged(/too many/);
  expect(message).toStartWith(
    'Uncaught RangeError: too many {\n  code: "many",\n  n: 1,\n}\n    at ',
  );
  expect(message).toContain("app/lib/fail.ts:2:");
  expect(message).toContain("app/main.ts:7:");
  expect(message).not.toContain("blob:");
  expect(message).not.toContain("src/guest");
  const seen = await guest.logged(/^seen/);
  expect(seen.message).toContain("cause: Error: inner\n");
  expect(seen.message).toContain("app/main.ts:12:");
  // The order is that of writing, although the second line waited for the map.
  expect(guest.logs.map((line) => line.message.slice(0, 6))).toEqual([
    "before",
    "seen E",
    "Uncaug",
  ]);
});

test("a hostile source map does no harm", async () => {
  const maps = [
    "",
    "null",
    "{}",
    '{"version":3,"sources":["a"],"mappings":"!!"}',
    '{"version":3,"sources":[1,{}],"mappings":"' +
      "AAAA,".repeat(1000) +
      "gggggggggggggggggggB" +
      '"}',
    '{"version":3,"sources":["\\u001b[31mx"],"mappings":"AAAA"}',
  ];
  for (const map of maps) {
    await using guest = await startGuest(`export default { fetch() { throw new Error("x") } }`, {
      map,
    });
    await expect(guest.ask("/")).rejects.toThrow();
    const { message } = await guest.logged(/Error: x/);
    expect(message).not.toContain("\u001b");
    expect(message).toMatch(/:1:\d+\)$/);
  }
});

test("every kind of console line, with its level", async () => {
  await using guest = await startGuest(`export default { fetch() {
    console.debug("d"); console.info("i %s %d %j %%", "s", 4, { a: 1 }, "rest"); console.warn("w", [1, "x"]); console.error(null, undefined, 5n);
    console.table([{ a: 1, b: 2 }]); console.dir({ deep: { er: 1 } }); console.assert(false, "assert"); console.assert(true, "no");
    console.count(); console.count(); console.group("g"); console.log("in\\nside"); console.groupEnd(); console.log("out");
    console.time("t"); console.timeEnd("t"); console.timeEnd("nope"); console.trace("here");
    process.stdout.write("part "); process.stdout.write("one\\ntwo\\n"); process.stderr.write("err\\n");
    console.log({ get a() { throw new Error("getter") } }); console.log("last");
    return new Response("");
  } }`);
  await guest.text("/", { requestId: "r1" });
  await guest.logged(/^last$/);
  expect(new Set(guest.logs.map((line) => line.requestId))).toEqual(new Set(["r1"]));
  const lines = guest.logs.map(({ level, message }) => `${level} ${message}`);
  expect(lines.slice(0, 4)).toEqual([
    "debug d",
    'info i s 4 {"a":1} % rest',
    'warn w [ 1, "x" ]',
    "error null undefined 5n",
  ]);
  expect(lines[4]).toContain("│ 0 │ 1 │ 2 │");
  expect(lines.slice(6, 12)).toEqual([
    "error Assertion failed assert",
    "info default: 1",
    "info default: 2",
    "info g",
    "info   in\n  side",
    "info out",
  ]);
  expect(lines[12]).toMatch(/^info t: [\d.]+ms$/);
  expect(lines[13]).toBe('warn Timer "nope" was not started');
  expect(lines[14]).toMatch(/^debug Trace: here\n {4}at fetch \(main\.ts:5:/);
  expect(lines.slice(15, 18)).toEqual(["info part one", "info two", "error err"]);
});

test("long lines are cut, ids belong to their request", async () => {
  await using guest = await startGuest(
    `export default { async fetch(request) {
       const id = new URL(request.url).pathname;
       await new Promise((done) => setTimeout(done, Math.random() * 10));
       console.log("é".repeat(500));
       console.log(id);
       return new Response("");
     } }`,
    { logLineBytes: 100 },
  );
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => guest.text(`/${n}`, { requestId: `r${n}` })),
  );
  await guest.logged(/^\/19$/);
  for (const { message, requestId } of guest.logs) {
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(100);
    if (message.startsWith("/")) expect(`/${requestId.slice(1)}`).toBe(message);
    else expect(message).toEndWith("é… (1000 bytes)");
  }
});

test("errors that nobody waits for are logged, and the process goes on", async () => {
  await using guest = await startGuest(`export default { fetch(request, env, ctx) {
    const path = new URL(request.url).pathname;
    if (path === "/reject") Promise.reject(new Error("left alone"));
    if (path === "/timer") setTimeout(() => { throw new Error("in a timer") });
    if (path === "/wait") ctx.waitUntil(Promise.reject(new Error("in waitUntil")));
    if (path === "/odd") throw { toString() { throw 1 }, get stack() { throw 2 } };
    if (path === "/fake") { const e = new Error("fake"); e.stack = "at x (/etc/passwd:1:1)"; throw e; }
    return new Response("ok");
  } }`);
  expect(await guest.text("/reject")).toBe("ok");
  await guest.logged(/^Uncaught Error: left alone\n {4}at fetch \(main\.ts:3:/);
  expect(await guest.text("/timer")).toBe("ok");
  await guest.logged(/in a timer/);
  expect(await guest.text("/wait", { requestId: "w1" })).toBe("ok");
  expect((await guest.logged(/in waitUntil/)).requestId).toBe("w1");
  await expect(guest.ask("/odd")).rejects.toThrow();
  await expect(guest.ask("/fake")).rejects.toThrow();
  expect((await guest.logged(/fake/)).message).toBe("Uncaught Error: fake");
  expect(await guest.text("/")).toBe("ok");
});
