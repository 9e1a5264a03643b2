import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { acmeAttempts } from "#tls/tables.ts";

import { acmeWorld } from "./acme-world.ts";

/** A program of an operator: runs `code` with its arguments in `args`. */
async function hook(folder: string, code: string): Promise<string> {
  const path = join(folder, "hook $(touch pwned);");
  await Bun.write(path, `#!${process.execPath}\nconst args = process.argv.slice(2);\n${code}\n`);
  await chmod(path, 0o755);
  return path;
}

test("one wildcard certificate by DNS-01 serves all sites", async () => {
  await using folder = await temporaryFolder("hook");
  const calls: string[] = [];
  let set: (act: string, record: string, value: string) => void = () => {};
  using control = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const [act = "", record = "", value = "", ...rest] = (await request.text()).split("\n");
      calls.push([act, record, value.length, ...rest].join(" "));
      set(act, record, value);
      return new Response();
    },
  });
  const program = await hook(
    folder.path,
    `await fetch("http://127.0.0.1:${control.port}", { method: "POST", body: args.join("\\n") });`,
  );
  await using world = await acmeWorld({ "acme.dnsHook": program });
  const { txt } = world.dns;
  set = (act, record, value) => {
    const before = txt.get(record);
    const others = (Array.isArray(before) ? before : []).filter(([first]) => first !== value);
    txt.set(record, act === "set" ? [...others, [value]] : others);
  };
  const source = await world.restart();
  await source.warm();
  const certificate = await source.find("blog.land.example");
  expect([...(certificate?.names ?? [])].toSorted()).toEqual(["*.land.example", "land.example"]);
  expect(await source.find("land.example")).toEqual(certificate);
  expect(await source.find("abcdefghij--blog.land.example")).toEqual(certificate);
  expect(await source.find("a.b.land.example")).toBeUndefined();
  expect(world.pebble.orders()).toBe(1);
  const record = "_acme-challenge.land.example";
  expect(calls.toSorted()).toEqual([
    `remove ${record} 43`,
    `remove ${record} 43`,
    `set ${record} 43`,
    `set ${record} 43`,
  ]);
  expect(txt.get(record)).toEqual([]);
  expect(world.visits).toEqual([]);

  await world.verified("shop.example.org");
  expect((await source.find("shop.example.org"))?.names).toEqual(["shop.example.org"]);
  expect(world.visits).not.toEqual([]);
});

test.each([
  [
    "fails",
    `console.error("first"); console.error("no\\u001b[2J such zone"); process.exit(3);`,
    "the program acme.dnsHook failed: it ended with 3: no\uFFFD[2J such zone",
  ],
  [
    "leaves a child that holds its output",
    `Bun.spawn(["sleep", "5"], { stderr: "inherit" }).unref(); console.error("left"); process.exit(1);`,
    "the program acme.dnsHook failed: it ended with 1: left",
  ],
  ["kills itself", `process.kill(process.pid, "SIGKILL");`, "it was ended by SIGKILL"],
])("a program that %s", async (_, code, problem) => {
  await using folder = await temporaryFolder("hook");
  const program = await hook(folder.path, code);
  await using world = await acmeWorld({ "acme.dnsHook": program });
  await (await world.restart()).warm();
  const [row] = await world.ctx.db.read.select().from(acmeAttempts);
  expect(row?.name).toBe("*.land.example");
  expect(row?.problem).toContain(problem);
});

test("a program that is not there", async () => {
  await using world = await acmeWorld({ "acme.dnsHook": "/nowhere/hook" });
  await (await world.restart()).warm();
  const [row] = await world.ctx.db.read.select().from(acmeAttempts);
  expect(row?.problem).toContain("the program acme.dnsHook failed: ");
  expect(row?.problem).toContain("/nowhere/hook");
});

test("a server that stops ends the program and notes no failure", async () => {
  await using folder = await temporaryFolder("hook");
  const started = Promise.withResolvers<void>();
  using control = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      started.resolve();
      return new Response();
    },
  });
  const program = await hook(
    folder.path,
    `if (args[0] === "set") { await fetch("http://127.0.0.1:${control.port}"); await new Promise(() => setInterval(() => {}, 1000)); }`,
  );
  await using world = await acmeWorld({ "acme.dnsHook": program });
  const source = await world.restart();
  const warmed = source.warm();
  await started.promise;
  await source.stop();
  await warmed;
  expect(await world.ctx.db.read.select().from(acmeAttempts)).toEqual([]);
});
