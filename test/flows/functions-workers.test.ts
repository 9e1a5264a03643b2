import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { Glob } from "bun";

import { type AppStage, appStage, until } from "../support/app-stage.ts";

/** Programs as they are written for Cloudflare Workers, of different kinds, deployed as they are (test/support/workers). */
const folder = join(import.meta.dir, "../support/workers");
const read = (path: string): Promise<string> => Bun.file(join(folder, path)).text();

let stage: AppStage;
let origin: Bun.Server<undefined>;
const asked: Headers[] = [];

beforeAll(async () => {
  origin = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answerOrigin });
  stage = await appStage("workers", {
    env: { LAND_FUNCTIONS_EGRESS_PRIVATE: `127.0.0.1:${origin.port}` },
  });
}, 120_000);
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  await origin.stop(true);
});

/** What another server says: a page that links to itself, and a file. */
function answerOrigin({ url, headers }: Request): Response {
  asked.push(headers);
  const { pathname, origin: own } = new URL(url);
  if (!["/page", "/packed"].includes(pathname)) return new Response("plain <h1>file</h1>");
  const page = `<h1>A long title</h1><a href="${own}/next">next</a><a href="https://example.com/">out</a><img src="${own}/a.png"><script>evil()</script>`;
  const head = { "content-type": "text/html; charset=utf-8", "x-powered-by": "old" };
  // It sends nothing else, whatever it is asked for.
  if (pathname === "/packed")
    return new Response(Bun.gzipSync(page), { headers: { ...head, "content-encoding": "gzip" } });
  return new Response(page.repeat(500), { headers: head });
}

const hostOf = (site: string): string => `${site}.localhost:${new URL(stage.server().url).port}`;

test("KV: create, read, list in pages, metadata, expiry, remove", async () => {
  await stage.deploy("notes", { "main.js": await read("notes-api.js") });
  const ask = (method: string, path: string, init: Parameters<AppStage["ask"]>[2] = {}) =>
    stage.ask("notes", path, { ...init, method });
  for (const name of ["a", "b", "c", "ü 1"]) {
    const headers = { "content-type": "text/markdown" };
    const path = `/notes/${encodeURIComponent(name)}?by=ada${name === "b" ? "&ttl=60" : ""}`;
    expect((await ask("PUT", path, { body: `# ${name}`, headers })).status).toBe(201);
  }
  const one = await ask("GET", `/notes/${encodeURIComponent("ü 1")}`);
  expect([one.status, one.headers.get("content-type"), one.headers.get("x-by")]).toEqual([
    200,
    "text/markdown",
    "ada",
  ]);
  expect(await one.text()).toBe("# ü 1");
  const first: unknown = await (await ask("GET", "/notes/?limit=3")).json();
  expect(first).toEqual({
    notes: [
      { name: "a", by: "ada", expires: false },
      { name: "b", by: "ada", expires: true },
      { name: "c", by: "ada", expires: false },
    ],
    complete: false,
    cursor: expect.any(String),
  });
  const { cursor } = first as { cursor: string };
  const rest = await ask("GET", `/notes/?limit=3&cursor=${encodeURIComponent(cursor)}`);
  expect(await rest.json()).toEqual({
    notes: [{ name: "ü 1", by: "ada", expires: false }],
    complete: true,
  });
  const big = new Uint8Array(3_000_000).fill(7);
  expect((await ask("PUT", "/notes/big", { body: big })).status).toBe(201);
  expect((await (await ask("GET", "/notes/big")).bytes()).length).toBe(big.length);
  expect((await ask("DELETE", "/notes/a")).status).toBe(204);
  expect((await ask("GET", "/notes/a")).status).toBe(404);
  const options = await ask("OPTIONS", "/notes/a");
  expect(options.headers.get("access-control-allow-methods")).toBe("GET, PUT, DELETE, OPTIONS");
  expect((await ask("POST", "/notes/a")).status).toBe(405);
}, 120_000);

test("fetch, HTMLRewriter and streams that are turned over while they come", async () => {
  await stage.deploy("mirror", { "main.js": await read("rewriter.js") });
  const own = `http://127.0.0.1:${origin.port}`;
  await stage.run(["env", "set", "--plain", `ORIGIN=${own}`, "--site", "mirror"]);
  const page = await stage.ask("mirror", "/page");
  const text = await page.text();
  expect([page.status, page.headers.get("x-rewritten"), page.headers.get("x-powered-by")]).toEqual([
    200,
    "yes",
    null,
  ]);
  expect(text).toStartWith(
    `<h1>A LONG TITLE</h1><a href="http://${hostOf("mirror")}/next">next</a><a href="https://example.com/">out</a><img src="http://${hostOf("mirror")}/a.png"><h1>`,
  );
  expect(text).toEndWith('a.png"><!-- rewritten -->');
  expect(text).not.toContain("evil");
  expect(asked.at(-1)?.get("x-forwarded-by")).toBe("rewriter");
  const unpacked = await stage.ask("mirror", "/packed");
  expect(await unpacked.text()).toStartWith("<h1>A LONG TITLE</h1><a");
  expect(await (await stage.ask("mirror", "/file")).text()).toBe("plain <h1>file</h1>");

  const body = new Uint8Array(5_000_000).map((_, index) => (index * 7919) % 251);
  const packed = await stage.ask("mirror", "/gzip", { method: "POST", body });
  expect(gunzipSync(await packed.bytes()).equals(body)).toBe(true);
  const counted = await stage.ask("mirror", "/count", { method: "POST", body });
  expect(await counted.json()).toEqual({
    bytes: body.length,
    hex: new Bun.CryptoHasher("sha256").update(body).digest("hex"),
  });
  expect(await talk("mirror", "/upper", ["one ", "twö ", "three"])).toEqual([
    "ONE ",
    "TWÖ ",
    "THREE",
  ]);
}, 120_000);

test("signed links, Basic authentication and tokens by WebCrypto, with a secret", async () => {
  await stage.deploy("signed", { "main.ts": await read("signed-links.ts") });
  await stage.run(["env", "set", "SECRET_DATA", "--site", "signed"], { input: "s3cret\n" });
  const link = await (await stage.ask("signed", "/generate/report.pdf")).text();
  expect(link).toStartWith("/files/report.pdf?verify=");
  const file = await stage.ask("signed", link);
  expect([file.status, await file.text()]).toEqual([200, "the file report.pdf"]);
  expect((await stage.ask("signed", link.replace("report", "secret"))).status).toBe(403);
  expect((await stage.ask("signed", "/files/report.pdf")).status).toBe(403);
  const authorize = (pair: string) => ({ headers: { authorization: `Basic ${btoa(pair)}` } });
  const shut = await stage.ask("signed", "/");
  expect([shut.status, shut.headers.get("www-authenticate")]).toEqual([
    401,
    'Basic realm="files", charset="UTF-8"',
  ]);
  expect((await stage.ask("signed", "/", authorize("owner:S3cret"))).status).toBe(401);
  expect(await (await stage.ask("signed", "/", authorize("owner:s3cret"))).text()).toBe(
    "hello, owner",
  );
  expect(await (await stage.ask("signed", "/tokens")).json()).toEqual({
    ES256: [true, false],
    RS256: [true, false],
    EdDSA: [true, false],
  });
}, 120_000);

test("a router and a framework from node_modules, bundled by land deploy", async () => {
  const packages = ["quick-paths", "onion"].flatMap((name) =>
    [...new Glob("**/*.*").scanSync({ cwd: join(folder, name) })].map((path) => `${name}/${path}`),
  );
  const files = await Promise.all(
    packages.map(async (path) => [`node_modules/${path}`, await read(path)] as const),
  );
  await stage.deploy("routed", {
    "main.js": await read("routed.js"),
    ...Object.fromEntries(files),
  });
  await stage.run(["env", "set", "TOKEN", "--site", "routed"], { input: "t\n" });
  const json = async (path: string, init?: Parameters<AppStage["ask"]>[2]) => {
    const answer = await stage.ask("routed", path, init);
    return [answer.status, await answer.json()];
  };
  const post = (type: string) => ({
    method: "POST",
    body: '{"a":1}',
    headers: { "content-type": type },
  });
  expect(await json("/")).toEqual([200, { hello: "world" }]);
  expect(await json("/todos/7?x=1")).toEqual([200, { id: "7", x: "1" }]);
  expect(await json("/todos", post("application/json"))).toEqual([201, { a: 1 }]);
  expect(await json("/todos", post("text/plain"))).toEqual([415, { error: "JSON only" }]);
  expect((await stage.ask("routed", "/nothing", { method: "DELETE" })).status).toBe(404);
  const hello = await stage.ask("routed", "/app/hello/Ada?how=fine");
  expect([await hello.text(), hello.headers.get("x-layers")]).toEqual(["Hello Ada, fine?", "1"]);
  expect(await json("/app/admin/me")).toEqual([401, { ok: false }]);
  const headers = { authorization: "Bearer t" };
  expect(await json("/app/admin/me", { headers })).toEqual([200, { user: "admin" }]);
  const page = await stage.ask("routed", "/app/page");
  expect(page.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  expect(await json("/app/boom")).toEqual([500, { error: "boom" }]);
  await stage.ask("routed", "/app/later");
  await until("what was put after the answer is there", async () => {
    const got = await stage.tryRun(["kv", "get", "later", "--site", "routed"]);
    return got.stdout === "done";
  });
  // What it was bundled from is nobody's to read.
  expect((await stage.ask("routed", "/node_modules/onion/package.json")).status).toBe(404);
}, 120_000);

test("a service worker: listeners, bindings as globals, forms with files, the clock", async () => {
  await stage.deploy("listener", {
    "main.js": await read("listener.js"),
    "land.json": JSON.stringify({ private: true, site: { crons: ["0 4 * * *"] } }),
  });
  await stage.run(["env", "set", "PRESHARED", "--site", "listener"], { input: "key\n" });
  const moved = await stage.ask("listener", "/bulk1");
  expect([moved.status, moved.headers.get("location")]).toEqual([
    301,
    `http://${hostOf("listener")}/target`,
  ]);
  const thrown = await stage.ask("listener", "/throw");
  expect([thrown.status, await thrown.text()]).toEqual([500, "on purpose"]);
  expect((await stage.ask("listener", "/")).status).toBe(403);
  const headers = { "x-custom-psk": "key" };
  const body = new FormData();
  body.set("title", "A file");
  body.set("file", new File([new Uint8Array(100_000)], "zeros.bin"));
  const sent = await stage.ask("listener", "/", { method: "POST", body, headers });
  expect(await sent.json()).toEqual({
    name: "zeros.bin",
    size: 100_000,
    fields: ["title", "file"],
  });
  await until("the file is kept", async () => {
    const listed = await stage.ask("listener", "/", { headers: { ...headers, cookie: "a=1" } });
    const { cookie, uploads } = (await listed.json()) as { cookie: string; uploads: string[] };
    expect(cookie).toBe("a=1");
    return uploads.includes("upload:zeros.bin");
  });
  expect(await (await stage.ask("listener", "/last")).text()).toBe("never");
  await stage.run(["crons", "run", "0 4 * * *", "--site", "listener"]);
  await until("it ran by the clock", async () => {
    const last = await (await stage.ask("listener", "/last")).text();
    return /^\d{4}-\d\d-\d\dT/.test(last);
  });
}, 120_000);

/** Sends a body word by word, each after the answer to the one before came; the pieces of the answer. */
async function talk(site: string, path: string, words: readonly string[]): Promise<string[]> {
  const socket = connect(Number(new URL(stage.server().url).port), "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
  const send = (word: string): boolean =>
    socket.write(`${Buffer.byteLength(word).toString(16)}\r\n${word}\r\n`);
  /** The pieces of the answer so far. */
  const pieces = (): string[] => {
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    return [...body.matchAll(/[0-9a-f]+\r\n([^\r]+)\r\n/g)].map(([, piece]) => piece ?? "");
  };
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostOf(site)}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  try {
    for (const [index, word] of words.entries()) {
      send(word);
      await until(`an answer to "${word}"`, () => pieces().length > index);
    }
    send("");
    return pieces();
  } finally {
    socket.destroy();
  }
}
