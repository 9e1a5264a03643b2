import { expect, test } from "bun:test";

import { loadConfig, type ServerConfig } from "#base/config.ts";
import {
  chooseTlsPort,
  hstsHeader,
  isSecureBehindProxy,
  redirectToHttps,
  startTls,
} from "#server/tls.ts";

import { testCtx } from "../support/ctx.ts";
import { authority, httpsServer, listSource } from "../tls/https.ts";

const config = (changes: Partial<ServerConfig> = {}): ServerConfig => ({
  ...loadConfig({ data: "/data", env: {}, flags: {} }),
  tls: "files",
  domain: "example.com",
  ...changes,
});

const redirect = (
  address: string,
  changes: Partial<ServerConfig> = {},
  headers: Record<string, string> = {},
  port = 443,
) => {
  const { host } = new URL(address);
  const request = new Request(address, { headers: { host, ...headers } });
  return redirectToHttps(request, config(changes), port, "::ffff:10.0.0.9")?.headers.get(
    "location",
  );
};

test("http is sent to https, with path, query and port", () => {
  expect(redirect("http://Blog.example.com:80/a%20b/?q=1")).toBe(
    "https://blog.example.com/a%20b/?q=1",
  );
  expect(redirect("http://example.com//evil.com/x", {}, {}, 8443)).toBe(
    "https://example.com:8443//evil.com/x",
  );
  const request = new Request("http://example.com/", {
    method: "POST",
    headers: { host: "example.com" },
  });
  expect(redirectToHttps(request, config(), 443, "")?.status).toBe(308);
});

test("http stays where https would not work or is not wanted", () => {
  expect(redirect("http://example.com/", { tls: "off" })).toBeUndefined();
  expect(redirect("http://example.com/", { "tls.redirect": "off" })).toBeUndefined();
  expect(redirect("http://example.com/.well-known/acme-challenge/abc")).toBeUndefined();
  expect(redirect("http://10.0.0.1/")).toBeUndefined();
  expect(redirect("http://[::1]:80/")).toBeUndefined();
  expect(redirect("http://localhost/")).toBeUndefined();
  expect(redirect("http://blog.localhost/")).toBeUndefined();
  expect(redirect("http://blog.localhost/", { tls: "dev" })).toBe("https://blog.localhost/");
  expect(redirect("http://example.com/", {}, { host: "a, b" })).toBeUndefined();
});

test("a trusted proxy that speaks https is believed, others are not", () => {
  const proto = { "x-forwarded-proto": "https" };
  expect(redirect("http://example.com/", { trustedProxies: ["10.0.0.9"] }, proto)).toBeUndefined();
  expect(redirect("http://example.com/", { trustedProxies: ["10.0.0.8"] }, proto)).toBeDefined();
  const twice = { "x-forwarded-proto": "https, http" };
  expect(redirect("http://example.com/", { trustedProxies: ["10.0.0.9"] }, twice)).toBeDefined();
  const request = new Request("http://example.com/");
  expect(isSecureBehindProxy(request, config({ trustedProxies: ["10.0.0.9"] }), "10.0.0.9")).toBe(
    false,
  );
});

test("Strict-Transport-Security is sent where https is meant to last", () => {
  expect(hstsHeader(config())).toBe("max-age=15552000");
  expect(hstsHeader(config({ "tls.hstsSeconds": 60 }))).toBe("max-age=60");
  const off: Partial<ServerConfig>[] = [
    { "tls.hstsSeconds": 0 },
    { tls: "dev" },
    { tls: "off" },
    { domain: "localhost" },
    { domain: "land.localhost" },
  ];
  for (const without of off) expect(hstsHeader(config(without))).toBeUndefined();
});

test("the port for https follows from that for http", () => {
  expect(chooseTlsPort(config({ port: 80 }))).toBe(443);
  expect(chooseTlsPort(config({ port: 0 }))).toBe(0);
  expect(chooseTlsPort(config({ port: 5263 }))).toBe(5264);
  expect(chooseTlsPort(config({ port: 80, "tls.port": 8443 }))).toBe(8443);
  expect(() => chooseTlsPort(config({ port: 65_535 }))).toThrow("there is no port after 65535");
});

test("a port that is taken is told", async () => {
  await using server = await httpsServer({ source: listSource([]) });
  const ctx = await testCtx();
  const again = startTls(ctx, {
    source: listSource([]),
    host: "127.0.0.1",
    port: server.port,
    idleSeconds: 5,
    answer: () => new Response(),
  });
  const thrown = await again.catch((error: unknown) => String(error));
  expect(thrown).toContain("another program has it");
  await ctx.close();
});

test("whether a host has a certificate is told without waiting for one", async () => {
  const { sign } = await authority();
  const certificate = await sign(["a.test"]);
  const list = listSource([certificate]);
  const find = (name: string) => {
    if (name === "slow.test") return new Promise<never>(() => undefined);
    return name === "broken.test" ? Promise.reject(new Error("no")) : list.find(name);
  };
  await using server = await httpsServer({ source: { find, stop: list.stop } });
  expect(await server.isReady("a.test")).toBe(true);
  for (const host of ["b.test", "slow.test", "broken.test", "10.0.0.1"])
    expect(await server.isReady(host)).toBe(false);
});
