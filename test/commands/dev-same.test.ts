import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";

import { serveSites } from "#test/sites/served.ts";

import { startDev } from "./dev-world.ts";

const SCRIPT = '<script src="/.land/reload.js"></script>';

const FILES = {
  "index.html": "<!doctype html><title>Home</title><body><h1>Home</h1></body>",
  "about.html": "<h1>About</h1>",
  "docs/index.html": `<h1>Docs</h1>${"long ".repeat(200)}`,
  "docs/404.html": "<h1>No such page of the docs</h1>",
  "404.html": "<h1>Nothing</h1>",
  "style.css": "body { color: red }\n".repeat(50),
  "app.3f8a9c2b1d.js": "export const a = 1;\n".repeat(50),
  "data.json": "{}",
  both: "plain",
  "ä ö.txt": "umlauts",
  ".well-known/security.txt": "Contact: mailto:a@example.com",
  "large.bin": randomBytes(5 * 1024 * 1024),
  _redirects: [
    "/old /about 301",
    "/away https://example.com/:splat",
    "/blog/* /docs/:splat 302",
    "/style.css /never 301",
    "/forced /about 301!",
    "/app/* /index.html 200",
    "/de / 302 Language=de",
    "this line is wrong",
  ].join("\n"),
  _headers: [
    "/*",
    "  X-Everywhere: yes",
    "/docs/*",
    "  Cache-Control: public, max-age=60",
    "  ! X-Content-Type-Options",
    "/data.json",
    "  Content-Type: application/vnd.api+json",
  ].join("\n"),
};

/** Never sent, so never served. */
const LEFT_OUT = {
  ".env": "SECRET=1",
  "land.json": "{}",
  ".landignore": "drafts",
  "drafts/a.html": "draft",
  "node_modules/a/index.js": "1",
  "key.pem": "x",
};

const PATHS = [
  "/",
  "/?a=b",
  "/index",
  "/index.html",
  "/about",
  "/about/",
  "/about.html",
  "/ABOUT",
  "/docs",
  "/docs/",
  "/docs/index",
  "/docs/nothing",
  "/nothing",
  "/nothing.html",
  "//docs//",
  "/style.css",
  "/app.3f8a9c2b1d.js",
  "/data.json",
  "/both",
  "/both/",
  "/%C3%A4%20%C3%B6.txt",
  "/a%CC%88%20o%CC%88.txt",
  "/.well-known/security.txt",
  "/large.bin",
  "/old",
  "/old?a=b",
  "/away",
  "/blog/intro",
  "/forced",
  "/app/deep/link",
  "/de",
  "/_redirects",
  "/_headers",
  "/.land/nothing",
  ...Object.keys(LEFT_OUT).map((path) => `/${path}`),
  "/%zz",
  "/%00",
  "/..%2f..%2fetc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/..%5c..%5cetc/passwd",
  "/%252e%252e/etc/passwd",
  "/%c0%ae%c0%ae/etc/passwd",
  "/docs/..%2f.env",
];

const ASKED: [method: string, headers: Record<string, string>][] = [
  ["GET", {}],
  ["HEAD", {}],
  ["POST", {}],
  ["OPTIONS", {}],
  ["GET", { "accept-encoding": "br, gzip", "accept-language": "de" }],
  ["GET", { "accept-encoding": "gzip" }],
  ["GET", { range: "bytes=2-4" }],
  ["GET", { range: "bytes=2-4,6-8" }],
  ["GET", { range: "bytes=99999999-" }],
  ["GET", { "if-none-match": "*" }],
];

const HEADERS =
  "location content-type cache-control content-encoding vary allow accept-ranges x-everywhere x-content-type-options content-disposition".split(
    " ",
  );

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("the same folder gets the same answers as it does deployed", async () => {
  await using dev = await startDev({ ...FILES, ...LEFT_OUT });
  await using served = await serveSites();
  await served.site("blog");
  await served.deploy("blog", FILES);
  await served.sites.settled();
  for (const path of PATHS) {
    const plain = await served.get("blog", path);
    const isPage = plain.headers.get("content-type")?.startsWith("text/html") === true;
    for (const [method, headers] of ASKED) {
      const ours = await dev.get(path, headers, method);
      const theirs = await served.get("blog", path, headers, method);
      const about = `${method} ${path} ${JSON.stringify(headers)}`;
      const shape = (of: Response): unknown => [
        about,
        of.status,
        ...HEADERS.map((name) => of.headers.get(name)?.replace(/boundary=.*/, "")),
      ];
      expect(shape(ours)).toEqual(shape(theirs));
      const isHtml = ours.headers.get("content-type")?.startsWith("text/html") === true;
      const bytes = await ours.bytes();
      const length = ours.headers.get("content-length");
      if (method === "GET" && length !== null && ours.status !== 304)
        expect([about, bytes.length]).toEqual([about, Number(length)]);
      if (isHtml && Object.keys(headers).length === 0)
        expect(textOf(bytes).replace(SCRIPT, "")).toBe(await theirs.text());
      if (isPage || isHtml) continue;
      if (!headers["accept-encoding"])
        expect(ours.headers.get("etag")).toBe(theirs.headers.get("etag"));
      if (!headers["accept-encoding"] && !headers["range"]?.includes(","))
        expect(Buffer.compare(bytes, await theirs.bytes())).toBe(0);
    }
  }
}, 60_000);

test("a page is the deployed one and the script, whole and in parts", async () => {
  await using dev = await startDev(FILES);
  const whole = FILES["index.html"].replace("</body>", `${SCRIPT}</body>`);
  const response = await dev.get("/");
  expect(await response.text()).toBe(whole);
  expect(await (await dev.get("/about")).text()).toBe(`${FILES["about.html"]}${SCRIPT}`);
  expect(await (await dev.get("/nothing")).text()).toBe(`${FILES["404.html"]}${SCRIPT}`);
  const head = await dev.get("/", {}, "HEAD");
  expect(head.headers.get("content-length")).toBe(String(whole.length));
  const tag = response.headers.get("etag") ?? "";
  expect((await dev.get("/", { "if-none-match": tag })).status).toBe(304);
  const part = await dev.get("/", { range: "bytes=50-70", "if-range": tag });
  expect([part.status, await part.text()]).toEqual([206, whole.slice(50, 71)]);
  const packed = await dev.get("/docs/", { "accept-encoding": "gzip" });
  const text = Buffer.from(Bun.gunzipSync(await packed.arrayBuffer())).toString();
  expect(text).toBe(`${FILES["docs/index.html"]}${SCRIPT}`);
});

test("the page of the server itself has the script, and a policy that lets it run", async () => {
  await using dev = await startDev({ "index.html": "x" });
  const response = await dev.get("/nothing");
  expect(response.status).toBe(404);
  const text = await response.text();
  expect(text).toContain(`${SCRIPT}</body>`);
  expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
  expect(response.headers.get("content-security-policy")).toEndWith(
    "; script-src 'self'; connect-src 'self'",
  );
  const head = await dev.get("/nothing", {}, "HEAD");
  expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
});
