import { afterEach, beforeEach, expect, test } from "bun:test";

import { parseDeployId, parseSiteName } from "#base/names.ts";
import type { CallAnswer } from "#bridge/model.ts";
import { kvBinding } from "#runtime/kv/kv-binding.ts";
import { createKv, type Kv } from "#runtime/kv/kv.ts";
import type { Binding } from "#runtime/tenant.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf } from "#test/support/people.ts";

let ctx: TestCtx;
let kv: Kv;
let binding: Binding;
beforeEach(async () => {
  ctx = await testCtx();
  kv = createKv(ctx);
  binding = kvBinding(kv);
});
afterEach(async () => {
  await kv.stop();
  await ctx.close();
});

const tenant = (siteId: number) => ({
  siteId,
  site: parseSiteName("blog"),
  deploy: parseDeployId("aaaaaaaaaa"),
});
const call = async (name: string, params: unknown, bytes = "", siteId = 1) => {
  const handler = binding.calls?.[name];
  if (!handler) throw new Error(`no call ${name}`);
  const { value, bytes: out } = await handler(tenant(siteId), params, Buffer.from(bytes));
  return { value, text: out && Buffer.from(out).toString() };
};

test("all calls of the bridge", async () => {
  const put = await call("kv.put", { key: "a", metadata: [1] }, "hello");
  expect(put.value).toEqual({ versionstamp: "00000000000000000001" });
  expect(await call("kv.get", { key: "a" })).toEqual({
    value: { versionstamp: "00000000000000000001", expiresAt: null, metadata: [1] },
    text: "hello",
  });
  expect((await call("kv.get", { key: "none" })).value).toEqual({
    versionstamp: null,
    expiresAt: null,
    metadata: null,
  });
  expect((await call("kv.add", { key: "n", by: 2 })).value).toMatchObject({ value: 2 });
  const commit = await call(
    "kv.commit",
    {
      checks: [{ key: "b", versionstamp: null }],
      mutations: [
        { type: "set", key: "b", sizeBytes: 2 },
        { type: "set", key: "c", sizeBytes: 1 },
        { type: "delete", key: "a" },
      ],
    },
    "bbc",
  );
  expect(commit.value).toMatchObject({ ok: true });
  const many = await call("kv.getMany", { keys: ["b", "a", "c"] });
  expect(many.text).toBe("bbc");
  expect(many.value).toMatchObject({ sizes: [2, -1, 1] });
  expect((await call("kv.list", { limit: 2 })).value).toEqual({
    keys: [
      { name: "b", expiresAt: null, metadata: null },
      { name: "c", expiresAt: null, metadata: null },
    ],
    complete: false,
    cursor: "Yw",
  });
  expect((await call("kv.list", { cursor: "Yw" })).value).toMatchObject({ complete: true });
  expect((await call("kv.delete", { key: "b" })).value).toBeNull();
  expect((await call("kv.get", { key: "c" }, "", 2)).value).toMatchObject({ versionstamp: null });
});

test("hostile parameters are refused, and change nothing", async () => {
  const inherited = Object.create({ key: "inherited" }) as unknown;
  const cases: [string, unknown, string?][] = [
    ["kv.get", null],
    ["kv.get", []],
    ["kv.get", "key"],
    ["kv.get", {}],
    ["kv.get", inherited],
    ["kv.get", { key: 1 }],
    ["kv.get", { key: { toString: () => "k" } }],
    ["kv.get", { key: "a" }, "bytes"],
    ["kv.put", { key: ["a"] }, "x"],
    ["kv.put", { key: "a", expiresAt: "1" }, "x"],
    ["kv.put", { key: "a", expiresAt: -1 }, "x"],
    ["kv.add", { key: "a", by: "1" }],
    ["kv.add", { key: "a" }],
    ["kv.getMany", { keys: "ab" }],
    ["kv.getMany", { keys: { length: 1, 0: "a" } }],
    ["kv.getMany", { keys: [1] }],
    ["kv.list", { limit: -1 }],
    ["kv.list", { prefix: 5 }],
    ["kv.list", { cursor: "?" }],
    ["kv.commit", { checks: [], mutations: [{ type: "set", key: "a", sizeBytes: 5 }] }, "x"],
    ["kv.commit", { checks: [], mutations: [{ type: "set", key: "a", sizeBytes: -1 }] }, "x"],
    ["kv.commit", { checks: [], mutations: [{ type: "set", key: "a", sizeBytes: 1.5 }] }, "xx"],
    ["kv.commit", { checks: [], mutations: [] }, "x"],
    ["kv.commit", { checks: [null], mutations: [] }],
    ["kv.commit", { checks: [{ key: "a", versionstamp: "x" }], mutations: [] }],
    ["kv.commit", { checks: [], mutations: [{ type: "__proto__", key: "a" }] }],
    ["kv.commit", { checks: [], mutations: Array.from({ length: 1001 }, () => ({})) }],
  ];
  for (const [name, params, bytes] of cases)
    expect([name, params, await codeOf(() => call(name, params, bytes))]).toEqual([
      name,
      params,
      "kv_invalid",
    ]);
  expect(kv.of(1).list({}).items).toEqual([]);
  expect(Object.hasOwn(binding.calls ?? {}, "toString")).toBe(false);
});

test("prototype tricks stay data", async () => {
  const params = JSON.parse('{"key":"__proto__","metadata":{"__proto__":{"admin":true}}}');
  await call("kv.put", params, "v");
  const { value } = await call("kv.get", { key: "__proto__" });
  expect(JSON.stringify(value)).toContain('"metadata":{"__proto__":{"admin":true}}');
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
  await call("kv.add", { key: "constructor", by: 1 });
  expect((await call("kv.get", { key: "constructor" })).text).toBe("1");
});

test("the server's own troubles are not told to programs", async () => {
  await call("kv.put", { key: "a" }, "x");
  await kv.stop();
  await Bun.write(`${ctx.config.data}/kv/1.db`, "no database at all".repeat(1000));
  await Promise.all(
    ["-wal", "-shm"].map((end) =>
      Bun.file(`${ctx.config.data}/kv/1.db${end}`)
        .delete()
        .catch(() => undefined),
    ),
  );
  const failed = await Promise.resolve()
    .then(() => call("kv.get", { key: "a" }))
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "kv_unavailable" });
  expect(String(failed)).not.toContain(ctx.config.data);
  expect(ctx.logged.join("")).toContain("key-value store failed");
});

test("large values wait until those before them are sent", async () => {
  await kv.of(1).put({ key: "big", value: new Uint8Array(200_000) });
  const get = binding.calls?.["kv.get"];
  const many = binding.calls?.["kv.getMany"];
  const nothing = new Uint8Array(0);
  const answers: CallAnswer[] = [];
  const ask = async (answer: CallAnswer | Promise<CallAnswer> | undefined): Promise<void> => {
    if (answer) answers.push(await answer);
  };
  const asked = [1, 2, 3, 4, 5].map(() => ask(get?.(tenant(1), { key: "big" }, nothing)));
  asked.push(ask(many?.(tenant(1), { keys: ["big"] }, nothing)));
  await Promise.all(asked.slice(0, 2));
  // Another site, and small values, do not wait.
  expect(await call("kv.get", { key: "big" }, "", 2)).toMatchObject({ text: undefined });
  await kv.of(1).put({ key: "small", value: Buffer.from("a") });
  expect((await call("kv.get", { key: "small" })).text).toBe("a");
  expect(answers).toHaveLength(2);
  for (let at = 0; at < asked.length; at += 1) {
    await asked[at];
    answers[at]?.done?.();
  }
  expect(answers.map(({ bytes }) => bytes?.length)).toEqual(Array(6).fill(200_000));
});

test("a list passes by any number of expired keys, some at a time", async () => {
  const site = kv.of(1);
  const soon = ctx.now().getTime() + 1000;
  const dead = (part: number): Promise<unknown> =>
    site.commit(
      [],
      Array.from({ length: 1000 }, (_, at) => ({
        type: "set" as const,
        key: `dead-${part}-${at}`,
        value: Buffer.from("1"),
        expiresAt: soon,
      })),
    );
  for (let part = 0; part < 12; part += 1) await dead(part);
  await site.put({ key: "alive", value: Buffer.from("1") });
  await site.put({ key: "end", value: Buffer.from("1") });
  ctx.pass(2000);
  const names: string[] = [];
  let parts = 0;
  let cursor: string | undefined;
  do {
    const part = site.list({ limit: 10, cursor });
    names.push(...part.items.map(({ name }) => name));
    cursor = part.cursor ?? undefined;
    parts += 1;
  } while (cursor !== undefined);
  expect(names).toEqual(["alive", "end"]);
  expect(parts).toBe(3);
});
