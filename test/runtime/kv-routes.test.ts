import { afterEach, beforeEach, expect, test } from "bun:test";

import type { KvKeyInfo, KvPage } from "#runtime/model.ts";
import { problemOf } from "#test/registry/api.ts";

import { type DataWorld, openDataWorld } from "./data-world.ts";

let world: DataWorld;
beforeEach(async () => {
  world = await openDataWorld({ "functions.kvValueBytes": 200_000, "functions.kvBytes": 500_000 });
});
afterEach(() => world[Symbol.asyncDispose]());

const KV = "/sites/blog/kv";

test("a key is written, read as bytes and as JSON, listed and removed", async () => {
  const { ask, ada } = world;
  const key = encodeURIComponent("a/b ü?.");
  const bytes = Uint8Array.of(0, 255, 10, 13);
  const put = await ask(
    "PUT",
    `${KV}/${key}?ttl=60&metadata=${encodeURIComponent('{"t":"ü"}')}`,
    ada,
    { body: bytes },
  );
  expect(put.status).toBe(200);
  const info = (await put.json()) as KvKeyInfo;
  expect(info).toEqual({
    key: "a/b ü?.",
    sizeBytes: 4,
    expiresAt: new Date(world.ctx.now().getTime() + 60_000).toISOString(),
    metadata: { t: "ü" },
    versionstamp: info.versionstamp,
  });
  const got = await ask("GET", `${KV}/${key}`, ada);
  expect(await got.bytes()).toEqual(bytes);
  expect(Object.fromEntries(got.headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-disposition": "attachment",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "x-land-versionstamp": info.versionstamp,
    "x-land-metadata": '{"t":"\\u00fc"}',
    expires: new Date(world.ctx.now().getTime() + 60_000).toUTCString(),
  });
  const head = await ask("HEAD", `${KV}/${key}`, ada);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "4"]);
  const json = await ask("GET", `${KV}/${key}`, ada, { headers: { accept: "application/json" } });
  expect(await json.json()).toMatchObject({
    key: "a/b ü?.",
    value: "AP8KDQ==",
    encoding: "base64",
  });
  await ask("PUT", `${KV}/a%2Fc`, ada, { body: "text" });
  expect(
    await (
      await ask("GET", `${KV}/a%2Fc`, ada, { headers: { accept: "application/json" } })
    ).json(),
  ).toMatchObject({ value: "text", encoding: "text" });
  const page = (await (await ask("GET", `${KV}?prefix=a%2F&limit=1`, ada)).json()) as KvPage;
  expect([page.items.map((one) => one.key), page.quotaBytes]).toEqual([["a/b ü?."], 500_000]);
  const next = (await (
    await ask("GET", `${KV}?prefix=a%2F&limit=1&cursor=${page.next}`, ada)
  ).json()) as KvPage;
  expect([next.items.map((one) => one.key), next.next]).toEqual([["a/c"], null]);
  expect((await ask("DELETE", `${KV}/${key}`, ada)).status).toBe(204);
  expect(await problemOf(ask("GET", `${KV}/${key}`, ada))).toBe("404 kv_not_found");
  expect(await problemOf(ask("DELETE", `${KV}/${key}`, ada))).toBe("404 kv_not_found");
});

test("a write may say what the key must be", async () => {
  const { ask, ada } = world;
  const put = (body: string, headers: Record<string, string>) =>
    ask("PUT", `${KV}/k`, ada, { body, headers });
  const first = await put("1", { "if-none-match": "*" });
  const { versionstamp } = (await first.json()) as KvKeyInfo;
  expect(await problemOf(put("2", { "if-none-match": "*" }))).toBe("412 kv_changed");
  expect((await put("2", { "if-match": `"${versionstamp}"` })).status).toBe(200);
  expect(await problemOf(put("3", { "if-match": versionstamp }))).toBe("412 kv_changed");
  expect(await problemOf(put("3", { "if-match": "yesterday" }))).toBe("422 invalid_input");
  expect(await (await ask("GET", `${KV}/k`, ada)).text()).toBe("2");
});

test("what cannot be is refused", async () => {
  const { ask, ada } = world;
  const put = (path: string, body: string | Uint8Array = "x") =>
    problemOf(ask("PUT", `${KV}/${path}`, ada, { body }));
  expect(await put("k", new Uint8Array(200_001))).toBe("413 payload_too_large");
  expect(await put("k".repeat(513))).toBe("422 kv_invalid");
  expect(await put("k?ttl=0")).toBe("422 invalid_input");
  expect(await put("k?ttl=x")).toBe("422 invalid_input");
  expect(await put("k?metadata=%7B")).toBe("422 invalid_input");
  expect(await put(`k?metadata=%22${"x".repeat(1100)}%22`)).toBe("422 kv_invalid");
  expect(await put("%00")).toBe("400 bad_request");
  expect(await put("%ff")).toBe("400 bad_request");
  for (const n of [1, 2]) await ask("PUT", `${KV}/${n}`, ada, { body: new Uint8Array(200_000) });
  expect(await put("3", new Uint8Array(200_000))).toBe("413 kv_quota");
  const chunked = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
  });
  const endless = fetch(`${world.url}/api/v1${KV}/endless`, {
    method: "PUT",
    headers: { authorization: `Bearer ${ada.token}` },
    body: chunked,
  });
  expect((await endless).status).toBe(413);
  for (const query of ["limit=0", "limit=101", "cursor=%25", "cursor=YQ%3D%3D"])
    expect(await problemOf(ask("GET", `${KV}?${query}`, ada))).toBe("422 invalid_input");
});

test("site A never sees B's keys, whoever asks", async () => {
  const { ask, ada, bob } = world;
  await ask("PUT", `${KV}/k`, ada, { body: "of blog" });
  await ask("PUT", "/sites/shop/kv/k", bob, { body: "of shop" });
  expect(await (await ask("GET", `${KV}/k`, ada)).text()).toBe("of blog");
  expect(await (await ask("GET", "/sites/shop/kv/k", bob)).text()).toBe("of shop");
  for (const path of ["/sites/shop/kv/k", "/sites/shop/kv", "/sites/shop%2F..%2Fshop/kv/k"])
    expect(await problemOf(ask("GET", path, ada))).toBe("404 site_not_found");
});

test("no answer of the API of functions may be kept by a cache", async () => {
  for (const path of ["functions", "env", "kv", "crons", "crons/runs", "egress"]) {
    const { status, headers } = await world.ask("GET", `/sites/blog/${path}`, world.ada);
    expect([path, status, headers.get("cache-control")]).toEqual([path, 200, "no-store"]);
  }
});
