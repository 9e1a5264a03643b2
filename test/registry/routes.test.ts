import { afterAll, beforeAll, expect, test } from "bun:test";

import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { digestBytes } from "#pack/digest.ts";
import { checkData } from "#registry/check.ts";
import { registryRoutes } from "#registry/routes.ts";
import { parseObject, type Person } from "#test/support/people.ts";

import { type Api, openApi, problemOf } from "./api.ts";
import { leftovers, partsOf } from "./uploads.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
  for (const version of ["1.0.0", "1.1.0"])
    await api.post({ version, manifest: { description: version } });
  await api.post({ version: "2.0.0-rc.1" });
  await api.post({ name: "@ada/greet" });
});
afterAll(async () => {
  expect(await leftovers(api.ctx)).toEqual([]);
  expect(await checkData(api.ctx)).toEqual([]);
  await api.close();
});

test("a package has an ETag that moves with every change", async () => {
  const answer = await api.get("/packages/left");
  const etag = answer.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[^"]+"$/);
  expect(answer.headers.get("cache-control")).toBe("no-cache");
  expect(answer.headers.get("content-type")).toStartWith("application/json");
  expect(parseObject(await answer.text())).toMatchObject({
    tags: { latest: "1.1.0" },
    owners: ["ada"],
  });
  expect((await api.get("/packages/left", { "if-none-match": etag })).status).toBe(304);
  const changes = [
    () =>
      api.call("PUT", "/packages/left/tags/beta", {
        as: api.ada,
        body: '{"version":"1.0.0"}',
        headers: { "content-type": "application/json" },
      }),
    () => api.call("PUT", "/packages/left/owners/bob", { as: api.ada }),
    () => api.call("DELETE", "/packages/left/1.0.0", { as: api.ada }),
    () => api.call("PUT", "/packages/left/1.0.0/unyank", { as: api.ada }),
    () =>
      api.call("PUT", "/packages/left/deprecation", {
        as: api.ada,
        body: '{"range":"1.0.0","message":"old"}',
        headers: { "content-type": "application/json" },
      }),
    () => api.call("DELETE", "/packages/left/owners/bob", { as: api.ada }),
    () => api.call("DELETE", "/packages/left/tags/beta", { as: api.ada }),
    () =>
      api.call("PUT", "/packages/left/deprecation", {
        as: api.ada,
        body: '{"range":"*","message":""}',
        headers: { "content-type": "application/json" },
      }),
  ];
  let last = etag;
  for (const change of changes) {
    expect((await change()).status).toBe(204);
    const next = (await api.get("/packages/left")).headers.get("etag") ?? "";
    expect(next).not.toBe(last);
    last = next;
  }
  await api.get("/packages/left/1.0.0/download");
  await api.counter.flush();
  expect((await api.get("/packages/left")).headers.get("etag")).not.toBe(last);
});

test("a version by number, tag or range", async () => {
  for (const [spec, version] of [
    ["1.0.0", "1.0.0"],
    ["latest", "1.1.0"],
    ["%5E1.0.0", "1.1.0"],
    ["1.0.x", "1.0.0"],
    ["%3C1.1", "1.0.0"],
  ]) {
    const answer = await api.get(`/packages/left/${spec}`);
    expect(parseObject(await answer.text())).toMatchObject({ version });
    const etag = answer.headers.get("etag") ?? "";
    expect((await api.get(`/packages/left/${spec}`, { "if-none-match": etag })).status).toBe(304);
  }
});

test.each([
  ["GET", "/packages/nope", "404 package_not_found"],
  ["GET", "/packages/NOT-A-NAME", "404 package_not_found"],
  ["GET", "/packages/..%2F..%2Fetc", "404 package_not_found"],
  ["GET", "/packages/__proto__", "404 package_not_found"],
  ["GET", "/packages/@ada%2Fnope/1.0.0", "404 package_not_found"],
  ["GET", "/packages/left/9.9.9", "404 version_not_found"],
  ["GET", "/packages/left/not%20a%20spec", "404 version_not_found"],
  ["GET", "/packages/left/9.9.9/download", "404 version_not_found"],
  ["GET", "/packages/nope/download", "404 package_not_found"],
  ["GET", "/packages/nope/dependents", "404 package_not_found"],
  ["GET", "/packages/nope/downloads", "404 package_not_found"],
  ["GET", "/packages/left/downloads?days=0", "422 invalid_input"],
  ["GET", "/packages/left/downloads?days=x", "422 invalid_input"],
  ["GET", "/packages/left/tags/nope", "404 not_found"],
  ["GET", "/packages/left/owners/bob", "404 not_found"],
  ["GET", "/packages?limit=0", "422 invalid_input"],
  ["GET", "/packages?sort=evil", "422 invalid_input"],
  ["GET", "/packages?cursor=evil", "422 invalid_input"],
  ["GET", "/index/nope", "404 package_not_found"],
  ["GET", `/blobs/sha256/${"0".repeat(64)}`, "404 not_found"],
  ["GET", "/blobs/sha256/x", "404 not_found"],
  ["DELETE", "/packages/left/1.0.0", "401 unauthenticated"],
  ["PUT", "/packages/left/1.0.0/unyank", "401 unauthenticated"],
])("%s %s → %s", async (method, path, code) => {
  expect(await problemOf(api.call(method, path))).toBe(code);
});

test("a scoped name is one name", async () => {
  expect((await api.get("/packages/@ada%2Fgreet")).status).toBe(200);
  expect((await api.get("/packages/@ada%2Fgreet/1.0.0")).status).toBe(200);
  expect((await api.get("/index/@ada%2fgreet")).status).toBe(200);
  const archive = await api.get("/packages/@ada%2Fgreet/download");
  expect(archive.headers.get("content-disposition")).toBe(
    'attachment; filename="ada-greet-1.0.0.tgz"',
  );
});

test("an archive is the bytes that were sent, cached for ever under its own address", async () => {
  const { bytes } = partsOf({ version: "1.0.0", manifest: { description: "1.0.0" } });
  const { digest } = await digestBytes(bytes);
  const hex = digest.slice("sha256:".length);
  for (const path of ["/packages/left/1.0.0/download", `/blobs/sha256/${hex}`]) {
    const answer = await api.get(path);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(Uint8Array.from(bytes));
    expect(answer.headers.get("etag")).toBe(`"${digest}"`);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const head = await api.call("HEAD", path);
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(bytes.length));
    expect(await head.text()).toBe("");
    const part = await api.get(path, { range: "bytes=10-19" });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(
      Uint8Array.from(bytes).subarray(10, 20),
    );
    expect((await api.get(path, { "if-none-match": `"${digest}"` })).status).toBe(304);
  }
  for (const path of ["/packages/left/download", "/packages/left/latest/download"])
    expect((await api.get(path)).headers.get("cache-control")).toBe("no-cache");
});

test("the index is one line a version, oldest first, in each coding", async () => {
  const plain = await api.get("/index/left");
  const text = await plain.text();
  expect(plain.headers.get("content-type")).toBe("application/x-ndjson");
  expect(plain.headers.get("vary")).toContain("accept-encoding");
  expect(text).toEndWith("\n");
  const lines = text.trimEnd().split("\n").map(parseObject);
  expect(lines.slice(0, 2).map(({ v }) => v)).toEqual(["1.0.0", "1.1.0"]);
  expect(Object.keys(lines[0] ?? {})).toEqual([
    "v",
    "deps",
    "opt",
    "engines",
    "bin",
    "digest",
    "size",
    "key",
    "sig",
    "yanked",
    "at",
  ]);
  const gzip = await api.get("/index/left", { "accept-encoding": "gzip" });
  const zstd = await api.get("/index/left", { "accept-encoding": "gzip, zstd" });
  expect([gzip, zstd].map(({ headers }) => headers.get("content-encoding"))).toEqual([
    "gzip",
    "zstd",
  ]);
  expect(new TextDecoder().decode(Bun.gunzipSync(await gzip.arrayBuffer()))).toBe(text);
  expect((await Bun.zstdDecompress(await zstd.arrayBuffer())).toString()).toBe(text);
  const etags = [plain, gzip, zstd].map(({ headers }) => headers.get("etag") ?? "");
  expect(new Set(etags).size).toBe(3);
  expect(
    (await api.get("/index/left", { "accept-encoding": "gzip", "if-none-match": etags[1] ?? "" }))
      .status,
  ).toBe(304);
});

test("the index tells a yank at once", async () => {
  await api.post({ name: "yanked" });
  const read = async () => parseObject((await (await api.get("/index/yanked")).text()).trimEnd());
  expect(await read()).toMatchObject({ yanked: false });
  await api.call("DELETE", "/packages/yanked/1.0.0", { as: api.ada });
  expect(await read()).toMatchObject({ yanked: true });
  expect((await api.get("/packages/yanked/1.0.0/download")).status).toBe(200);
  expect(await problemOf(api.get("/packages/yanked/download"))).toBe("404 version_not_found");
});

test("downloads are counted per day, reads of parts and copies are not", async () => {
  await api.post({ name: "counted" });
  const path = "/packages/counted/1.0.0/download";
  await api.get(path);
  await api.get(path);
  await api.get(path, { range: "bytes=0-5" });
  await api.get(path, { range: "bytes=6-9" });
  await api.call("HEAD", path);
  await api.get(path, {
    "if-none-match": (await api.call("HEAD", path)).headers.get("etag") ?? "",
  });
  await api.counter.flush();
  const answer = await api.get("/packages/counted/downloads?days=2");
  expect(parseObject(await answer.text())).toEqual({
    total: 3,
    days: [
      { day: "2026-02-28", count: 0 },
      { day: "2026-03-01", count: 3 },
    ],
  });
});

test("lists of tags and owners", async () => {
  expect(parseObject(await (await api.get("/packages/left/tags")).text())).toEqual({
    items: [{ tag: "latest", version: "1.1.0" }],
    next: null,
  });
  expect(parseObject(await (await api.get("/packages/left/owners")).text())).toEqual({
    items: [{ user: "ada" }],
    next: null,
  });
  expect(await problemOf(api.call("DELETE", "/packages/left/tags/latest", { as: api.ada }))).toBe(
    "409 tag_fixed",
  );
  expect(await problemOf(api.call("DELETE", "/packages/left/owners/ada", { as: api.ada }))).toBe(
    "409 last_owner",
  );
  expect(await problemOf(api.call("PUT", "/packages/left/owners/bob", { as: api.bob }))).toBe(
    "403 not_owner",
  );
});

test("search over HTTP takes any text", async () => {
  for (const q of ['"', "%00", "a".repeat(9000), "%22AND%22", "NEAR("])
    expect((await api.get(`/packages?q=${q}`)).status).toBe(200);
  expect(parseObject(await (await api.get("/packages?q=left&limit=1")).text())).toMatchObject({
    items: [{ name: "left" }],
    next: null,
  });
});

test("where reading needs an account, others find nothing and no cache is shared", async () => {
  const closed = { ...api.ctx, config: { ...api.ctx.config, access: "members" as const } };
  const app = new Elysia().use(problems({ ctx: closed })).use(registryRoutes(closed));
  const read = (path: string, as?: Person) =>
    app.handle(
      new Request(`http://127.0.0.1:5263${path}`, {
        headers: as ? { authorization: `Bearer ${as.token}` } : {},
      }),
    );
  const { digest } = await digestBytes(partsOf({ name: "@ada/greet" }).bytes);
  const paths = [
    "/packages/left",
    "/packages/left/1.0.0",
    "/packages/left/1.0.0/download",
    "/index/left",
    "/packages/left/dependents",
    "/packages/left/downloads",
    "/packages/left/tags",
    "/packages/left/owners",
    `/blobs/sha256/${digest.slice(7)}`,
  ];
  for (const path of paths) {
    expect(await problemOf(read(path))).toStartWith("404 ");
    const answer = await read(path, api.bob);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control") ?? "private").toContain("private");
  }
  expect(await problemOf(read("/packages"))).toBe("401 unauthenticated");
});
