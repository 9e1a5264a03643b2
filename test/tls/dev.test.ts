import { afterEach, beforeEach, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import { createDevSource } from "#tls/dev.ts";

import { type TestCtx, testCtx } from "../support/ctx.ts";
import { handshake, httpsServer } from "./https.ts";

const DAY_MS = 86_400_000;
let ctx: TestCtx;
let told = "";
beforeEach(async () => {
  let at = Date.now();
  ctx = await testCtx({ now: () => new Date(at) });
  ctx.pass = (ms) => void (at += ms);
  told = "";
});
afterEach(() => ctx.close());

const KNOWN = ["localhost", "blog.localhost", "shop.example.com"];
const open = (knows = async (host: string) => KNOWN.includes(host), max = 1000) =>
  createDevSource(ctx, { knows, max, writeErr: (text) => void (told += text) });

test("the root is made once, with its key for this user alone, and told how to trust", async () => {
  const first = await open();
  expect(first.rootFile).toBe(join(ctx.config.data, "tls", "ca.pem"));
  expect(told).toContain(`curl --cacert ${first.rootFile}`);
  const pem = await readFile(first.rootFile, "utf8");
  const root = new X509Certificate(pem);
  expect(root.ca).toBe(true);
  expect(root.verify(root.publicKey)).toBe(true);
  expect((Date.parse(root.validTo) - Date.now()) / DAY_MS).toBeCloseTo(3650, 0);
  const keyFile = join(ctx.config.data, "tls", "ca.key");
  if (process.platform !== "win32") expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const second = await open();
  expect(await readFile(second.rootFile, "utf8")).toBe(pem);
});

test("a client that trusts the root takes the certificates", async () => {
  const source = await open();
  const ca = await readFile(source.rootFile, "utf8");
  await using server = await httpsServer({ source });
  for (const servername of KNOWN) {
    const socket = await handshake(server.port, { servername, ca });
    expect(socket.authorized).toBe(true);
    socket.destroy();
  }
  const byAddress = await fetch(`https://127.0.0.1:${server.port}/`, { tls: { ca } });
  expect(byAddress.status).toBe(200);
  await byAddress.text();
  const failed = await handshake(server.port, { servername: "evil.com", ca }).catch(
    () => "refused",
  );
  expect(failed).toBe("refused");
});

const openssl = Bun.which("openssl");
test.if(openssl !== null)("openssl finds chain and root in order", async () => {
  const source = await open();
  const leaf = await source.find("blog.localhost");
  const leafFile = join(ctx.config.data, "leaf.pem");
  await writeFile(leafFile, leaf?.chain ?? "");
  const run = async (...args: string[]) => {
    const child = Bun.spawn([openssl ?? "", ...args], { stdout: "pipe", stderr: "pipe" });
    return (await child.stdout.text()) + (await child.stderr.text());
  };
  const options = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", "blog.localhost"];
  expect(await run("verify", ...options, "-CAfile", source.rootFile, leafFile)).toBe(
    `${leafFile}: OK\n`,
  );
  const root = await run("x509", "-in", source.rootFile, "-noout", "-text");
  expect(root).toContain("CA:TRUE, pathlen:0");
  expect(root).toContain("Certificate Sign, CRL Sign");
});

test("only known hosts get one, and no longer than they are known", async () => {
  let known = true;
  const source = await open(async () => known);
  expect(await source.find("blog.localhost")).toBeDefined();
  known = false;
  expect(await source.find("blog.localhost")).toBeUndefined();
});

test("who asks at the same time gets the same certificate; it is renewed a month before its end", async () => {
  const source = await open();
  const chains = await Promise.all(
    Array.from({ length: 20 }, async () => (await source.find("blog.localhost"))?.chain),
  );
  expect(new Set(chains).size).toBe(1);
  ctx.pass(59 * DAY_MS);
  expect((await source.find("blog.localhost"))?.chain).toBe(chains[0]);
  ctx.pass(2 * DAY_MS);
  const renewed = await Promise.all(
    Array.from({ length: 20 }, async () => (await source.find("blog.localhost"))?.chain),
  );
  expect(new Set(renewed).size).toBe(1);
  expect(renewed[0]).not.toBe(chains[0]);
});

test("no more certificates are kept than said", async () => {
  const source = await open(async () => true, 2);
  const first = (await source.find("a.test"))?.chain;
  await source.find("b.test");
  expect((await source.find("a.test"))?.chain).toBe(first);
  await source.find("c.test");
  await source.find("d.test");
  expect((await source.find("a.test"))?.chain).not.toBe(first);
});

test("a root without its key is refused, one that ends soon is replaced", async () => {
  const { rootFile } = await open();
  const pem = await readFile(rootFile, "utf8");
  ctx.pass(3600 * DAY_MS);
  await open();
  expect(await readFile(rootFile, "utf8")).not.toBe(pem);
  expect(ctx.logged.some((line) => line.includes("development authority expires"))).toBe(true);
  await rm(join(ctx.config.data, "tls", "ca.key"));
  const thrown = await open().catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(LandError);
  expect((thrown as LandError).message).toContain("remove both to get a new one");
});
