import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { rotateEnvKey } from "#runtime/env/env-rotate.ts";
import { envOf, importEnv, listEnv, setEnv, unsetEnv } from "#runtime/env/env.ts";
import type { TestCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { type DataWorld, openDataWorld } from "./data-world.ts";

let world: DataWorld;
let ctx: TestCtx;
beforeEach(async () => {
  world = await openDataWorld({ "functions.env": 5 });
  ctx = world.ctx;
});
afterEach(() => world[Symbol.asyncDispose]());

const put = (key: string, value: string) =>
  setEnv(ctx, world.ada.actor, { site: "blog", key }, { value });

test("secrets are set, told by name alone, given to programs and taken away", async () => {
  const told: string[] = [];
  ctx.hooks.on("site.env", ({ site }) => void told.push(site));
  const { ada } = world;
  expect(await put("API_KEY", "s3cret")).toEqual({
    key: "API_KEY",
    kind: "secret",
    value: null,
    updatedAt: ctx.now().toISOString(),
    updatedBy: "ada",
  });
  const about = { value: "de", kind: "variable" } as const;
  await setEnv(ctx, world.dev.actor, { site: "blog", key: "LANG" }, about);
  const { items } = await listEnv(ctx, ada.actor, "blog");
  expect(items.map(({ key, value, updatedBy }) => [key, value, updatedBy])).toEqual([
    ["API_KEY", null, "ada"],
    ["LANG", "de", "dev"],
  ]);
  expect(await envOf(ctx, 1)).toEqual({ API_KEY: "s3cret", LANG: "de" });
  expect(await envOf(ctx, 2)).toEqual({});
  await unsetEnv(ctx, ada.actor, { site: "blog", key: "API_KEY" });
  expect(await codeOf(() => unsetEnv(ctx, ada.actor, { site: "blog", key: "API_KEY" }))).toBe(
    "env_not_found",
  );
  expect(await envOf(ctx, 1)).toEqual({ LANG: "de" });
  expect(told).toEqual(["blog", "blog", "blog"]);
});

test("names and values that cannot be are refused, and an import is all or none", async () => {
  for (const key of [
    "",
    "1A",
    "A-B",
    "A B",
    "Ä",
    "A".repeat(129),
    "KV",
    "DB",
    "SOCKETS",
    "LAND_X",
    "__proto__",
  ])
    expect([key, await codeOf(() => put(key, "x"))]).toEqual([key, "env_invalid"]);
  for (const value of ["x".repeat(65_537), "ü".repeat(32_769), "a\0b", "\ud800"])
    expect(await codeOf(() => put("A", value))).toBe("env_invalid");
  for (const key of ["A".repeat(128), "_", "constructor", "kv"]) await put(key, "x".repeat(65_536));
  const many = (values: Record<string, string>) =>
    codeOf(() => importEnv(ctx, world.ada.actor, "blog", { values }));
  expect(await many({ B: "1", C: "2" })).toBe("env_invalid");
  expect(await many({ B: "1", "no name": "2" })).toBe("env_invalid");
  expect(Object.keys(await envOf(ctx, 1))).toHaveLength(4);
  expect(await many({ B: "1", _: "new" })).toBe("done");
  expect(await envOf(ctx, 1)).toMatchObject({ B: "1", _: "new" });
  // One megabyte as JSON: what is written with escapes counts as such.
  const heavy = "\u0001".repeat(65_536);
  expect(await many({ _: heavy, kv: heavy, constructor: heavy })).toBe("env_invalid");
});

test("who may: developers of the site, with tokens that are for it", async () => {
  const { ada, bob, dev, vic } = world;
  const key = await makeToken(ctx, ada, "site:blog");
  const deploy = await makeToken(ctx, ada, "deploy:blog");
  const table: Record<string, string> = {};
  for (const [who, person] of Object.entries({
    ada,
    bob,
    dev,
    vic,
    key,
    deploy,
    nobody: undefined,
  }))
    table[who] = (
      await Promise.all(
        (
          [
            ["GET", "/sites/blog/env"],
            ["DELETE", "/sites/blog/env/NONE"],
            ["GET", "/sites/blog/kv"],
            ["GET", "/sites/blog/kv/none"],
            ["PUT", "/sites/blog/kv/k"],
          ] as const
        ).map(async ([method, path]) => {
          const answer = await world.ask(
            method,
            path,
            person,
            method === "PUT" ? { body: "v" } : {},
          );
          return `${answer.status}`;
        }),
      )
    ).join(" ");
  expect(table).toEqual({
    ada: "200 404 200 404 200",
    bob: "404 404 404 404 404",
    dev: "200 404 200 404 200",
    vic: "403 403 403 403 403",
    key: "200 404 200 404 200",
    deploy: "403 403 403 403 403",
    nobody: "401 401 401 401 401",
  });
});

test("values are sealed for their site and name, by a key file for its owner alone", async () => {
  await put("A", "one");
  const path = join(ctx.config.data, "env.key");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, "utf8")).toMatch(/^[0-9a-f]{8} [0-9a-f]{64}\n$/);
  await put("B", "two");
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      "UPDATE site_env SET sealed = (SELECT sealed FROM site_env WHERE key = 'A') WHERE key = 'B'",
    );
  });
  expect(await codeOf(() => envOf(ctx, 1))).toBe("sealed_unreadable");
  await put("B", "two").catch(() => undefined);
  await unsetEnv(ctx, world.ada.actor, { site: "blog", key: "B" });
  await ctx.db.transaction(async (tx) => {
    await tx.run("UPDATE site_env SET site_id = 2");
  });
  expect(await codeOf(() => envOf(ctx, 2))).toBe("sealed_unreadable");
  await Bun.write(path, "no key\n");
  expect(await codeOf(() => envOf(ctx, 2))).toBe("sealed_unreadable");
});

test("the first two uses at once make one key", async () => {
  await Promise.all([put("A", "1"), put("B", "2"), put("C", "3")]);
  expect(await envOf(ctx, 1)).toEqual({ A: "1", B: "2", C: "3" });
});

test("after a rotation all is sealed with the new key, and old rows can still be opened", async () => {
  await put("A", "1");
  await setEnv(ctx, world.bob.actor, { site: "shop", key: "B" }, { value: "2" });
  const path = join(ctx.config.data, "env.key");
  const before = await readFile(path, "utf8");
  const { key, sealed } = await rotateEnvKey(ctx);
  expect(sealed).toBe(2);
  const after = await readFile(path, "utf8");
  expect(after.startsWith(`${key} `) && after.endsWith(before)).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect([await envOf(ctx, 1), await envOf(ctx, 2)]).toEqual([{ A: "1" }, { B: "2" }]);
  // The new key alone is enough.
  await Bun.write(path, after.split("\n")[0] ?? "");
  expect(await envOf(ctx, 1)).toEqual({ A: "1" });
});

test("canary: a secret is in no file, log, answer, error, page, argument or environment", async () => {
  const canary = `canary${crypto.randomUUID().replaceAll("-", "")}`;
  const seen: string[] = [];
  const json = { "content-type": "application/json" };
  const ask = async (method: string, path: string, body?: unknown, headers = json) => {
    const answer = await world.ask(method, path, world.ada, {
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers,
    });
    seen.push(await answer.text(), JSON.stringify([...answer.headers]));
    return answer.status;
  };
  expect(await ask("PUT", "/sites/blog/env/KEY", { value: canary })).toBe(200);
  expect(await ask("POST", "/sites/blog/env", { values: { A: canary, B: canary } })).toBe(200);
  expect(await ask("PUT", "/sites/blog/env/KEY", { value: [canary] })).toBe(422);
  expect(await ask("PUT", "/sites/blog/env/KEY", { value: canary, kind: canary })).toBe(422);
  expect(await ask("PUT", "/sites/blog/env/KEY", { value: `${canary}\0` })).toBe(422);
  expect(await ask("PUT", "/sites/blog/env/KV", { value: canary })).toBe(422);
  expect(await ask("POST", "/sites/blog/env", { values: { C: `${canary}\0` } })).toBe(422);
  expect(await ask("PUT", "/sites/blog/env/KEY", `{"value":"${canary}"`)).toBe(400);
  expect(await ask("PUT", "/sites/none/env/KEY", { value: canary })).toBe(404);
  expect(await ask("GET", "/sites/blog/env")).toBe(200);
  const page = await fetch(`${world.url}/sites/blog/env`, {
    headers: { authorization: `Bearer ${world.ada.token}`, accept: "text/html" },
  });
  expect(page.status).toBe(200);
  seen.push(await page.text());
  for (const [path, fields] of [
    ["/sites/blog/env", { key: "no name", value: canary, kind: "secret" }],
    ["/sites/blog/env/import", { text: `A=1\n${canary}` }],
    ["/sites/blog/env/import", { text: `KV=${canary}` }],
  ] as const) {
    const back = await fetch(world.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${world.ada.token}`, accept: "text/html" },
      body: new URLSearchParams(fields),
    });
    expect(back.status).toBe(422);
    seen.push(await back.text());
  }
  expect((await envOf(ctx, 1))["KEY"]).toBe(canary);
  for (const name of await readdir(ctx.config.data))
    if ((await stat(join(ctx.config.data, name))).isFile())
      seen.push((await readFile(join(ctx.config.data, name))).toString("latin1"));
  seen.push(ctx.logged.join("\n"));
  if (process.platform === "linux")
    for (const file of ["cmdline", "environ"])
      seen.push(await readFile(`/proc/self/${file}`, "utf8"));
  for (const text of seen) expect(text.includes(canary) ? text.slice(0, 300) : "").toBe("");
});
