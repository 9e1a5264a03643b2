import { expect, test } from "bun:test";

import { startGuest } from "#test/support/guest-host.ts";

/** Runs the body of a function with \`KV\` and gives back what it returned as JSON. */
async function run(body: string): Promise<unknown> {
  await using guest = await startGuest(
    `export default { async fetch(request, { KV }) {
       const failure = async (work) => { try { await work(); return "none" } catch (e) { return e.name + ": " + e.message } };
       return Response.json(await (async () => { ${body} })() ?? null);
     } }`,
  );
  return JSON.parse(await guest.text("/"));
}

test("values of every type, and what is not there", async () => {
  expect(
    await run(`
      await KV.put("text", "grüß"); await KV.put("json", JSON.stringify({ a: 1 }));
      await KV.put("bytes", new Uint8Array([1, 2, 255]).subarray(1)); await KV.put("buffer", new Uint8Array([9]).buffer);
      await KV.put("stream", new Blob(["stre", "am"]).stream()); await KV.put("empty", "");
      return [
        await KV.get("text"), await KV.get("json", "json"), await KV.get("json", { type: "json", cacheTtl: 60 }),
        [...new Uint8Array(await KV.get("bytes", "arrayBuffer"))], [...new Uint8Array(await KV.get("buffer", { type: "arrayBuffer" }))],
        await KV.get("stream"), await new Response(await KV.get("text", "stream")).text(), await KV.get("empty"),
        await KV.get("no"), await KV.get("no", "json"), (await KV.delete("text")) ?? "undefined", await KV.get("text"),
        [...(await KV.get(["json", "no", "empty"]))], [...(await KV.get(["json"], "json"))],
      ];`),
  ).toEqual([
    "grüß",
    { a: 1 },
    { a: 1 },
    [2, 255],
    [9],
    "stream",
    "grüß",
    "",
    null,
    null,
    "undefined",
    null,
    [
      ["json", '{"a":1}'],
      ["no", null],
      ["empty", ""],
    ],
    [["json", { a: 1 }]],
  ]);
});

test("an ArrayBuffer holds the bytes of the value alone, of whatever size", async () => {
  const sizes = [0, 1, 99, 100, 1000, 65_535, 65_536, 300_000, 5_000_000];
  expect(
    await run(`
      const seen = [];
      for (const size of ${JSON.stringify(sizes)}) {
        await KV.put("bytes", new Uint8Array(size).fill(7));
        const bytes = new Uint8Array(await KV.get("bytes", "arrayBuffer"));
        const streamed = await new Response(await KV.get("bytes", "stream")).bytes();
        seen.push([bytes.length, streamed.length, [...new Set([...bytes, ...streamed])].join()]);
      }
      return seen;`),
  ).toEqual(sizes.map((size) => [size, size, size > 0 ? "7" : ""]));
});

test("a value of several megabytes", async () => {
  expect(
    await run(
      `const big = "x".repeat(5_000_000); await KV.put("big", big); return (await KV.get("big")) === big;`,
    ),
  ).toBe(true);
});

test("metadata, versionstamps, expiry and lists", async () => {
  const now = Math.floor(Date.now() / 1000);
  const answer = await run(`
    await KV.put("a/1", "1", { metadata: { tag: "x" }, expiration: ${now + 1000} });
    await KV.put("a/2", "2", { expirationTtl: 60 }); await KV.put("a/3", "3", { ttl: 5 }); await KV.put("b", "4");
    const first = await KV.list({ prefix: "a/", limit: 2 });
    return [await KV.getWithMetadata("a/1"), await KV.getWithMetadata("no"), [...(await KV.getWithMetadata(["b"]))], first,
      await KV.list({ prefix: "a/", cursor: first.cursor }), (await KV.list()).keys.length];`);
  expect(answer).toEqual([
    { value: "1", metadata: { tag: "x" }, versionstamp: expect.any(String), cacheStatus: null },
    { value: null, metadata: null, versionstamp: null, cacheStatus: null },
    [["b", { value: "4", metadata: null, versionstamp: expect.any(String), cacheStatus: null }]],
    {
      keys: [
        { name: "a/1", expiration: now + 1000, metadata: { tag: "x" } },
        { name: "a/2", expiration: expect.any(Number) },
      ],
      list_complete: false,
      cursor: "a/2",
      cacheStatus: null,
    },
    {
      keys: [{ name: "a/3", expiration: expect.any(Number) }],
      list_complete: true,
      cacheStatus: null,
    },
    4,
  ]);
});

test("atomic commits", async () => {
  expect(
    await run(`
      const none = await KV.atomic().check({ key: "n", versionstamp: null }).set("n", "1").sum("count", 5).max("high", 3).commit();
      const { versionstamp } = await KV.getWithMetadata("n");
      const stale = await KV.atomic().check({ key: "n", versionstamp: null }).set("n", "2").commit();
      const right = await KV.atomic().check({ key: "n", versionstamp }).set("n", "3", { metadata: 1 }).set("m", "4").delete("x").min("high", 1).sum("count", -1).commit();
      return [none.ok, none.versionstamp === versionstamp, stale, right.ok, await KV.get("n"), await KV.get("m"), await KV.get("count", "json"), await KV.get("high", "json")];`),
  ).toEqual([true, true, { ok: false }, true, "3", "4", 4, 1]);
});

test("what it refuses is worded as Workers does", async () => {
  expect(
    await run(`return [
      await failure(() => KV.get("")), await failure(() => KV.put(".", "x")), await failure(() => KV.put("é".repeat(300), "x")),
      await failure(() => KV.get("a", "xml")), await failure(() => KV.put("a", 5)), await failure(() => KV.put("a", { b: 1 })),
      await failure(() => KV.put("a", "x", { expirationTtl: 30 })), await failure(() => KV.put("a", "x", { expirationTtl: -1 })),
      await failure(() => KV.put("a", "x", { expiration: 5 })), await failure(() => KV.put("a", "x", { ttl: 0 })),
      await failure(() => KV.put("a", "x", { metadata: "y".repeat(1100) })), await failure(() => KV.list({ limit: 0 })),
      await failure(() => KV.list({ limit: 1001 })), await failure(() => KV.get(Array(101).fill("a"))),
      await failure(() => KV.get(["a"], "stream")), await failure(() => KV.atomic().check({ key: "a", versionstamp: 5 })),
      await failure(() => KV.atomic().sum("a", "x")), await failure(() => KV.get("broken", "json")),
    ];`),
  ).toEqual([
    "TypeError: Key name cannot be empty.",
    'TypeError: "." is not allowed as a key name.',
    "Error: KV PUT failed: 414 UTF-8 encoded length of 600 exceeds key length limit of 512.",
    'TypeError: Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".',
    "TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
    "TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
    "Error: KV PUT failed: 400 Invalid expiration_ttl of 30. Expiration TTL must be at least 60.",
    "Error: KV PUT failed: 400 Invalid expiration_ttl of -1. Please specify integer greater than 0.",
    "Error: KV PUT failed: 400 Invalid expiration of 5. Please specify integer greater than the current number of seconds since the UNIX epoch.",
    "Error: KV PUT failed: 400 Invalid ttl of 0. Please specify seconds, at least 1.",
    "Error: KV PUT failed: 413 Metadata length of 1102 exceeds limit of 1024.",
    "Error: KV GET failed: 400 Invalid key_count_limit of 0. Please specify an integer greater than 0.",
    "Error: KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.",
    "Error: KV GET_BULK failed: 400 You can request a maximum of 100 keys",
    'TypeError: "stream" is not a valid type. Use "json" or "text"',
    "TypeError: KV check() takes { key, versionstamp }, a text or null.",
    "TypeError: KV sum() takes a finite number.",
    "none",
  ]);
});
