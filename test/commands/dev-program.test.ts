import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type Dev, nextOf, startDev, startDevIn } from "./dev-world.ts";

// Processes are started, and others may keep the machine busy.
setDefaultTimeout(30_000);

const HTML = { accept: "text/html" };
const textOf = async (dev: Dev, path: string, headers?: Record<string, string>): Promise<string> =>
  (await dev.get(path, headers)).text();
const plain = (stderr: string): string =>
  stderr.replaceAll(/^\d\d:\d\d:\d\d /gm, "").replaceAll(/[\d.]+ ms/g, "N ms");

test("a module answers what no file does, and what it logs stands between the requests", async () => {
  const main = `export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    console.log("asked for", pathname);
    return Response.json({ pathname, method: request.method });
  },
};`;
  await using dev = await startDev({ "main.ts": main, "index.html": "home" });
  expect(await textOf(dev, "/")).toStartWith("home");
  expect(await (await dev.get("/api/a?b=c")).json()).toEqual({ pathname: "/api/a", method: "GET" });
  expect((await dev.get("/", {}, "POST")).headers.get("x-request-id")).toMatch(/^[\w-]{12}$/);
  await dev.running.shows("asked for /\n");
  const { stderr } = await dev.stop();
  expect(stderr).not.toContain("WITHOUT");
  const lines = plain(stderr).trim().split("\n");
  expect(lines[0]).toMatch(/^main\.ts \([\d.]+ \w+\) answers what no file does$/);
  expect(lines.slice(1).toSorted()).toEqual([
    "GET  200 / 44 B N ms → index.html",
    "GET  200 /api/a?b=c 36 B N ms → main.ts",
    "POST 200 / 32 B N ms → main.ts",
    "info  asked for /",
    "info  asked for /api/a",
  ]);
  expect((await dev.running.done).exitCode).toBe(0);
});

test("a script keeps values over restarts, and git and deploys leave them out", async () => {
  const main = 'res.json({ visits: db.add("visits", 1) });';
  await using dev = await startDev({ "main.js": main });
  expect(await textOf(dev, "/")).toBe('{"visits":1}');
  expect(await textOf(dev, "/")).toBe('{"visits":2}');
  await dev.stop();
  await using again = await startDevIn(dev.dir);
  expect(await textOf(again, "/")).toBe('{"visits":3}');
  expect(await readFile(join(dev.dir, ".land/.gitignore"), "utf8")).toBe("*\n");
  expect((await again.get("/.land/.gitignore")).status).toBe(404);
  await using third = await startDevIn(dev.dir);
  expect((await third.stop()).stderr).toContain(
    "Cannot use what the program of this project keeps",
  );
});

test("links of a project lead nowhere: neither what is kept, nor variables", async () => {
  const main = 'db.set("a", 1); res.json(process.env.SECRET ?? null);';
  await using dev = await startDev({ "main.js": main });
  await dev.stop();
  const outside = `${dev.dir}.outside`;
  await mkdir(outside);
  await writeFile(join(outside, "secret"), "SECRET=hidden");
  await symlink(join(outside, "secret"), join(dev.dir, ".env"));
  await using linked = await startDevIn(dev.dir);
  expect(await textOf(linked, "/")).toBe("null");
  expect((await linked.stop()).stderr).toContain("it is not a plain file");
  await rm(join(dev.dir, ".land"), { recursive: true });
  for (const path of [".land", ".land/kv", ".land/functions"]) {
    if (path !== ".land") await mkdir(join(dev.dir, ".land"), { recursive: true });
    await symlink(outside, join(dev.dir, path));
    await using refused = await startDevIn(dev.dir);
    expect((await refused.get("/")).status).toBe(500);
    expect((await refused.stop()).stderr).toContain("it is a symbolic link");
    await rm(join(dev.dir, path));
  }
  expect(await readdir(outside)).toEqual(["secret"]);
});

test("env.DB keeps its rows over restarts", async () => {
  const main = `export default {
  async fetch(request, env) {
    await env.DB.exec("CREATE TABLE IF NOT EXISTS t (n INTEGER)");
    await env.DB.prepare("INSERT INTO t VALUES (1)").run();
    return Response.json(await env.DB.prepare("SELECT count(*) AS n FROM t").first());
  },
};`;
  await using dev = await startDev({ "main.ts": main });
  expect(await textOf(dev, "/")).toBe('{"n":1}');
  await dev.stop();
  await using again = await startDevIn(dev.dir);
  expect(await textOf(again, "/")).toBe('{"n":2}');
});

test("variables come from .env, are read again, and are never shown", async () => {
  const main = "export default { fetch: (_, env) => new Response(String(env.WORD)) };";
  await using dev = await startDev({ "main.ts": main, ".env": "WORD='hidden one'\n" });
  const events = dev.follow();
  await nextOf(events);
  expect(await textOf(dev, "/")).toBe("hidden one");
  await dev.write({ ".env": "WORD=hidden-two" });
  await nextOf(events);
  expect(await textOf(dev, "/")).toBe("hidden-two");
  await dev.write({ ".env": "KV=hidden-three" });
  await dev.running.shows(".env is not read");
  expect(await textOf(dev, "/")).toBe("hidden-two");
  await rm(join(dev.dir, ".env"));
  await dev.running.shows("program changed: .env", 3);
  expect(await textOf(dev, "/")).toBe("undefined");
  const { stderr } = await dev.stop();
  expect(stderr).toContain("program changed: .env");
  expect(stderr).not.toContain("hidden");
});

test("an edit of any file of the program takes its place, and pages are told", async () => {
  const files = {
    "main.ts":
      'import { word } from "./lib/word.ts";\nexport default { fetch: () => new Response(word) };',
    "lib/word.ts": 'export const word: string = "one";',
    "land.json": '{"site":{"dir":"public","main":"main.ts"}}',
    "public/index.html": "home",
  };
  await using dev = await startDev(files);
  const events = dev.follow();
  const first = await nextOf(events);
  expect(await textOf(dev, "/x")).toBe("one");
  await dev.write({ "lib/word.ts": 'export const word: string = "two";' });
  expect((await nextOf(events)).from).toBe(first.id);
  expect(await textOf(dev, "/x")).toBe("two");
  await dev.write({ "land.json": '{"site":{"dir":"public","main":"main.ts","routes":["/"]}}' });
  await nextOf(events);
  expect(await textOf(dev, "/")).toBe("two");
  await dev.write({
    "other.ts": 'res.send("three");',
    "land.json": '{"site":{"dir":"public","main":"other.ts"}}',
  });
  await nextOf(events);
  expect(await textOf(dev, "/x")).toBe("three");
  await rm(join(dev.dir, "other.ts"));
  await nextOf(events);
  expect((await dev.get("/x")).status).toBe(500);
});

test("a program that comes later is run, and one that goes is not", async () => {
  await using dev = await startDev({ "index.html": "home" });
  const events = dev.follow();
  await nextOf(events);
  expect((await dev.get("/x")).status).toBe(404);
  await dev.write({ "main.ts": 'res.send("here");' });
  await nextOf(events);
  expect(await textOf(dev, "/x")).toBe("here");
  await rm(join(dev.dir, "main.ts"));
  await nextOf(events);
  expect((await dev.get("/x")).status).toBe(404);
});

test("a broken program is told where it is, until it is mended", async () => {
  await using dev = await startDev({ "main.ts": 'import "./gone.ts";\nres.send("x");' });
  await dev.running.shows('main.ts:1:8: "./gone.ts" is not there');
  const events = dev.follow();
  await nextOf(events);
  const page = await dev.get("/", HTML);
  expect(page.status).toBe(500);
  const html = await page.text();
  expect(html).toContain("main.ts:1:8");
  expect(html).toContain('src="/.land/reload.js"');
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  expect(await (await dev.get("/")).json()).toMatchObject({ code: "program_broken", status: 500 });
  await dev.write({ "gone.ts": "export {};" });
  await nextOf(events);
  expect(await textOf(dev, "/")).toBe("x");
  await dev.write({ "main.ts": "res.send(;\n" });
  await nextOf(events);
  await dev.running.shows("main.ts:1:10");
  expect((await dev.get("/")).status).toBe(500);
  await dev.write({ "main.ts": 'res.send("mended");' });
  await nextOf(events);
  expect(await textOf(dev, "/")).toBe("mended");
});

test("an error names the author's line, and the page follows", async () => {
  const main = `type Word = { word: string };

export default {
  fetch(): Response {
    throw new TypeError("no word");
  },
};`;
  await using dev = await startDev({ "main.ts": main });
  const page = await dev.get("/", HTML);
  expect(page.status).toBe(500);
  expect((await page.text()).split("/.land/reload.js")).toHaveLength(2);
  await dev.running.shows("TypeError: no word");
  const { stderr } = await dev.stop();
  expect(stderr).toMatch(/error Uncaught TypeError: no word\n {4}.*main\.ts:5:\d+/);
});

test("what cannot be loaded is told at once", async () => {
  await using dev = await startDev({
    "main.ts": 'export default {};\nthrow new Error("at the top");',
  });
  await dev.running.shows("The program cannot be loaded: Error: at the top");
});

test("a page of the program has the script, what a page fetches has not", async () => {
  const main = `export default {
  fetch(request) {
    const headers = { "content-type": "text/html" };
    const isStream = new URL(request.url).pathname === "/stream";
    return new Response(isStream ? new Blob(["<p>a", "<p>b"]).stream() : "<p>a", { headers });
  },
};`;
  await using dev = await startDev({ "main.ts": main });
  const tag = '<script src="/.land/reload.js"></script>';
  for (const headers of [HTML, { "sec-fetch-dest": "document" }])
    expect(await textOf(dev, "/", headers)).toBe(`<p>a${tag}`);
  expect(await textOf(dev, "/stream", HTML)).toBe(`<p>a<p>b${tag}`);
  for (const headers of [{}, { ...HTML, "sec-fetch-dest": "empty" }])
    expect(await textOf(dev, "/", headers)).toBe("<p>a");
  const head = await dev.get("/", HTML, "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
});
