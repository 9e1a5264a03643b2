import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import * as fc from "fast-check";

import { KV_LIMITS } from "#runtime/kv/kv-check.ts";
import type { SiteKv } from "#runtime/kv/kv-model.ts";
import { createKv, type Kv } from "#runtime/kv/kv.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf } from "#test/support/people.ts";

const MB = 1024 * 1024;
const QUOTA = 40 * MB;

let ctx: TestCtx;
let kv: Kv;
let site: SiteKv;
beforeEach(async () => {
  ctx = await testCtx({ config: { "functions.kvBytes": QUOTA } });
  kv = createKv(ctx);
  site = kv.of(1);
});
afterEach(async () => {
  await kv.stop();
  await ctx.close();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = async (key: string, of = site): Promise<string | undefined> => {
  const entry = await of.get(key);
  return entry && Buffer.from(entry.value).toString();
};

/** Files of values go once their rows are gone, and nobody waits for that. */
async function untilEmpty(folder: string): Promise<void> {
  while ((await readdir(folder)).length > 0) await new Promise((done) => setImmediate(done));
}

test("what is put is there, with metadata and a versionstamp that grows", async () => {
  expect(await site.get("a")).toBeUndefined();
  const first = await site.put({ key: "a", value: bytes("1"), metadata: { n: [1, "ü"] } });
  const second = await site.put({ key: "b", value: bytes("2") });
  expect(first).toMatch(/^[0-9a-f]{20}$/);
  expect(second > first).toBe(true);
  expect(await site.get("a")).toEqual({
    value: Buffer.from("1"),
    metadata: { n: [1, "ü"] },
    expiresAt: null,
    versionstamp: first,
  });
  expect(await site.delete("a")).toBe(true);
  expect(await site.delete("a")).toBe(false);
  expect(await site.get("a")).toBeUndefined();
  expect((await site.put({ key: "a", value: bytes("") })) > second).toBe(true);
  expect(await textOf("a")).toBe("");
});

test("stores go on after a restart, for their owner alone on disk", async () => {
  const stamp = await site.put({ key: "k", value: bytes("v") });
  await site.put({ key: "large", value: new Uint8Array(MB).fill(7) });
  const used = site.usedBytes();
  await kv.stop();
  kv = createKv(ctx);
  site = kv.of(1);
  expect(await textOf("k")).toBe("v");
  expect((await site.get("large"))?.value).toEqual(Buffer.alloc(MB, 7));
  expect([site.usedBytes(), kv.usedBytes(1), kv.usedBytes(9)]).toEqual([used, used, 0]);
  expect((await site.put({ key: "k", value: bytes("w") })) > stamp).toBe(true);
  const folder = join(ctx.config.data, "kv");
  for (const name of ["1.db", "1.db-wal"])
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await readdir(folder)).not.toContain("9.db");
});

test("a site sees its own keys alone", async () => {
  await site.put({ key: "k", value: bytes("mine") });
  const other = kv.of(2);
  expect(await other.get("k")).toBeUndefined();
  expect(other.list({}).items).toEqual([]);
  await other.put({ key: "k", value: bytes("theirs") });
  expect([await textOf("k"), await textOf("k", other)]).toEqual(["mine", "theirs"]);
  await kv.remove(1);
  expect(await textOf("k", other)).toBe("theirs");
});

test("a removed site gets no store again, neither by who had it before nor anew", async () => {
  await site.put({ key: "k", value: bytes("mine") });
  await kv.remove(1);
  const late = { key: "k", value: new Uint8Array(1024 * 1024) };
  for (const store of [site, kv.of(1)])
    for (const use of [async () => store.get("k"), async () => store.put(late)])
      expect(await codeOf(use)).toBe("site_not_found");
  expect(kv.usedBytes(1)).toBe(0);
  expect(await kv.listSites()).toEqual([]);
  expect(await readdir(join(ctx.config.data, "kv"))).toEqual([]);
});

test("keys come in the order of their bytes, by prefix and in parts", async () => {
  const store = kv.of(3);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 5 }), { maxLength: 30 }),
      fc.string({ unit: "binary", maxLength: 2 }),
      fc.integer({ min: 1, max: 7 }),
      async (names, prefix, limit) => {
        const left = store.list({ limit: 1000 }).items.map(({ name }) => name);
        await store.commit(
          [],
          left.map((key) => ({ type: "delete", key })),
        );
        const keys = names.filter((key) => key !== "." && key !== ".." && !key.includes("\0"));
        await store.commit(
          [],
          keys.map((key) => ({ type: "set", key, value: bytes("x") })),
        );
        if (prefix.includes("\0")) return;
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const part = store.list({ prefix, limit, cursor });
          found.push(...part.items.map(({ name }) => name));
          expect(part.items.length).toBeLessThanOrEqual(limit);
          cursor = part.cursor ?? undefined;
        } while (cursor !== undefined);
        const expected = keys
          .filter((key) => key.startsWith(prefix))
          .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(found).toEqual(expected);
      },
    ),
    { numRuns: 40 },
  );
});

test("an expired key is never seen, and swept", async () => {
  const now = ctx.now().getTime();
  await site.put({ key: "short", value: bytes("1"), expiresAt: now + 1000 });
  await site.put({ key: "long", value: bytes("1"), expiresAt: now + 9000 });
  await site.put({ key: "large", value: new Uint8Array(MB), expiresAt: now + 1000 });
  expect((await site.get("short"))?.expiresAt).toBe(now + 1000);
  ctx.pass(1000);
  expect([await site.get("short"), await site.get("large")]).toEqual([undefined, undefined]);
  expect(site.list({}).items.map(({ name }) => name)).toEqual(["long"]);
  expect(await site.delete("short")).toBe(false);
  // A check sees it as gone; a number begins anew and stays.
  expect(await site.commit([{ key: "large", versionstamp: null }], [])).toMatchObject({ ok: true });
  const used = site.usedBytes();
  expect(used).toBeGreaterThan(MB);
  await kv.sweep();
  expect(site.usedBytes()).toBeLessThan(1000);
  await untilEmpty(join(ctx.config.data, "kv", "1.values"));
  await site.put({ key: "n", value: bytes("5"), expiresAt: ctx.now().getTime() + 10 });
  expect((await site.add("n", 2)).value).toBe(7);
  expect((await site.get("n"))?.expiresAt).toBe(ctx.now().getTime() + 10);
  ctx.pass(10);
  expect((await site.add("n", 2)).value).toBe(2);
  expect((await site.get("n"))?.expiresAt).toBeNull();
  expect(await codeOf(() => site.put({ key: "x", value: bytes(""), expiresAt: 1 }))).toBe(
    "kv_invalid",
  );
});

test("10,000 concurrent adds count exactly", async () => {
  const sums = await Promise.all(Array.from({ length: 10_000 }, () => site.add("n", 1)));
  expect(new Set(sums.map(({ value }) => value)).size).toBe(10_000);
  expect(await textOf("n")).toBe("10000");
  expect((await site.add("n", 0.5)).value).toBe(10_000.5);
  await site.put({ key: "text", value: bytes("ten") });
  expect(await codeOf(() => site.add("text", 1))).toBe("kv_invalid");
  expect(await codeOf(() => site.add("n", Number.NaN))).toBe("kv_invalid");
  await site.put({ key: "huge", value: bytes("1e308") });
  expect(await codeOf(() => site.add("huge", 1e308))).toBe("kv_invalid");
  expect(await textOf("huge")).toBe("1e308");
});

test("a commit happens whole or not at all", async () => {
  const stamp = await site.put({ key: "a", value: bytes("1") });
  const set = (key: string, value: string) => ({ type: "set", key, value: bytes(value) }) as const;
  const done = await site.commit(
    [
      { key: "a", versionstamp: stamp },
      { key: "b", versionstamp: null },
    ],
    [
      set("b", "5"),
      { type: "max", key: "b", by: 9 },
      { type: "min", key: "c", by: 3 },
      { type: "delete", key: "a" },
    ],
  );
  if (!done.ok) throw new Error("not done");
  expect([await textOf("a"), await textOf("b"), await textOf("c")]).toEqual([undefined, "9", "3"]);
  expect((await site.get("b"))?.versionstamp).toBe(done.versionstamp);
  expect(await site.commit([{ key: "b", versionstamp: stamp }], [set("b", "x")])).toEqual({
    ok: false,
  });
  expect(
    await codeOf(() => site.commit([], [set("d", "1"), { type: "sum", key: "b", by: Infinity }])),
  ).toBe("kv_invalid");
  await site.put({ key: "word", value: bytes("w") });
  expect(
    await codeOf(() => site.commit([], [set("d", "1"), { type: "sum", key: "word", by: 1 }])),
  ).toBe("kv_invalid");
  expect(await site.get("d")).toBeUndefined();
  // Of those who saw the same, one wins.
  const wins = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      site.commit([{ key: "b", versionstamp: done.versionstamp }], [set("b", String(n))]),
    ),
  );
  expect(wins.filter(({ ok }) => ok)).toHaveLength(1);
  const many = Array.from({ length: KV_LIMITS.mutations + 1 }, (_, n) => set(`k${n}`, ""));
  expect(await codeOf(() => site.commit([], many))).toBe("invalid_input");
  expect((await site.commit([], many.slice(1))).ok).toBe(true);
  const checks = Array.from({ length: 101 }, () => ({ key: "b", versionstamp: null }));
  expect(await codeOf(() => site.commit(checks, []))).toBe("invalid_input");
});

test("large values are files, removed with their keys, also what a crash left", async () => {
  const folder = join(ctx.config.data, "kv", "1.values");
  const large = crypto.getRandomValues(new Uint8Array(60_000));
  const value = Buffer.concat(Array.from({ length: 100 }, () => large));
  await site.put({ key: "a", value });
  await site.put({ key: "b", value });
  expect((await site.get("a"))?.value).toEqual(value);
  expect(await readdir(folder)).toHaveLength(2);
  // What is being read stays whole while it is removed.
  const reading = site.get("a");
  await Promise.all([site.put({ key: "a", value: bytes("small") }), site.delete("b")]);
  expect((await reading)?.value).toEqual(value);
  expect(
    await site.commit([{ key: "a", versionstamp: null }], [{ type: "set", key: "a", value }]),
  ).toEqual({ ok: false });
  await kv.stop();
  await Bun.write(join(folder, "0".repeat(32)), "an orphan");
  kv = createKv(ctx);
  expect(await textOf("a", kv.of(1))).toBe("small");
  await untilEmpty(folder);
  const two = [await kv.of(1).getMany(["a", "none", "a"])].flat();
  expect(two.map((one) => one && Buffer.from(one.value).toString())).toEqual([
    "small",
    undefined,
    "small",
  ]);
});

test("a site keeps no more than its quota; what frees room is never refused", async () => {
  const value = new Uint8Array(15 * MB);
  await site.put({ key: "a", value });
  await site.put({ key: "b", value });
  expect(await codeOf(() => site.put({ key: "c", value }))).toBe("kv_quota");
  // What is under way counts.
  await site.delete("b");
  const codes = await Promise.all(
    ["x", "y", "z"].map((key) => codeOf(() => site.put({ key, value }))),
  );
  expect(codes.toSorted()).toEqual(["done", "kv_quota", "kv_quota"]);
  expect(site.usedBytes()).toBeLessThan(QUOTA);
  await site.put({ key: "a", value: bytes("") });
  expect(await codeOf(() => site.put({ key: "huge", value: new Uint8Array(25 * MB + 1) }))).toBe(
    "kv_invalid",
  );
  // What is expired makes room by itself.
  await site.put({ key: "old", value, expiresAt: ctx.now().getTime() + 5 });
  ctx.pass(5);
  await site.put({ key: "new", value });
  const part = new Uint8Array(100_000);
  let room = 0;
  while ((await codeOf(() => site.put({ key: `p${room}`, value: part }))) === "done") room += 1;
  expect(site.usedBytes()).toBeLessThanOrEqual(QUOTA);
  expect(QUOTA - site.usedBytes()).toBeLessThan(101_000);
  expect(await codeOf(() => site.delete("p0"))).toBe("done");
});

test("keys, metadata, cursors and limits that cannot be are refused", async () => {
  const put = (key: string, metadata?: unknown) =>
    codeOf(() => site.put({ key, value: bytes(""), metadata }));
  for (const key of ["", ".", "..", "k".repeat(513), "é".repeat(257), "\ud800", "a\0b"])
    expect([key, await put(key)]).toEqual([key, "kv_invalid"]);
  for (const key of [
    "k".repeat(512),
    "é".repeat(256),
    "__proto__",
    "a/../b",
    " ",
    "\n",
    "constructor",
  ])
    expect([key, await put(key)]).toEqual([key, "done"]);
  expect(await put("m", "x".repeat(1022))).toBe("done");
  expect(await put("m", "x".repeat(1023))).toBe("kv_invalid");
  expect(await put("m", () => 1)).toBe("kv_invalid");
  expect(await put("m", JSON.parse('{"__proto__":{"x":1}}'))).toBe("done");
  expect(({} as { x?: number }).x).toBeUndefined();
  for (const about of [
    { limit: 0 },
    { limit: 1001 },
    { limit: 1.5 },
    { cursor: "%%" },
    { cursor: "" },
  ])
    expect(await codeOf(() => site.list(about))).toBe("invalid_input");
  expect(await codeOf(() => site.getMany(Array.from({ length: 101 }, () => "k")))).toBe(
    "invalid_input",
  );
});

test("more stores than may be open are closed and opened as needed", async () => {
  for (let id = 1; id <= 140; id += 1) await kv.of(id).put({ key: "id", value: bytes(String(id)) });
  for (let id = 140; id >= 1; id -= 1) expect(await textOf("id", kv.of(id))).toBe(String(id));
  expect((await kv.listSites()).length).toBe(140);
  ctx.pass(6 * 60_000);
  await kv.sweep();
  expect(await textOf("id", kv.of(7))).toBe("7");
}, 60_000);

test("the log does not grow without end", async () => {
  const value = new Uint8Array(100_000);
  for (let n = 0; n < 1500; n += 1) await site.put({ key: `k${n % 50}`, value });
  expect((await stat(join(ctx.config.data, "kv", "1.db-wal"))).size).toBeLessThan(100 * MB);
});
