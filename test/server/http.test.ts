import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { watch } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { goodArchive } from "#fixtures/archives.ts";

import { sendRaw, statusOf } from "../attacks/wire.ts";
import { temporaryFolder } from "../support/land.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test("it says once where it listens", () => {
  expect(server.out()).toBe(`land is listening on ${server.url}\n`);
});

test("health, with base headers and a request id in the answer and in one log line", async () => {
  const answer = await fetch(`${server.url}/health`);
  expect(await answer.json()).toEqual({ status: "ok" });
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  const requestId = answer.headers.get("x-request-id") ?? "";
  expect(requestId).toMatch(/^[\w-]{12}$/);
  const lines = server
    .log()
    .split("\n")
    .filter((line) => line.includes(requestId));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ event: "request", method: "GET", path: "/health", status: 200 }),
  ]);
});

test.each([
  ["DELETE", "/api/v1/packages", 405, "GET, HEAD, OPTIONS, POST"],
  ["POST", "/health", 405, "GET, HEAD, OPTIONS"],
  ["PUT", "/packages", 405, "GET, HEAD, OPTIONS"],
  ["OPTIONS", "/api/v1/packages", 204, "GET, HEAD, OPTIONS, POST"],
  ["GET", "/api/v1/nothing", 404, null],
  ["HEAD", "/health", 200, null],
  ["HEAD", "/packages", 200, null],
  ["GET", "/%E0%A4%A", 400, null],
  ["GET", "/packages/%00", 400, null],
])("%s %s is %d", async (method, path, status, allow) => {
  const answer = await fetch(server.url + path, { method });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("allow")).toBe(allow);
  if (method === "HEAD") expect(await answer.text()).toBe("");
  if (status >= 400 && method !== "HEAD") {
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({
      status,
      code: expect.any(String),
      requestId: expect.any(String),
    });
  }
});

test("a browser gets a page for an error, and the API a problem all the same", async () => {
  const headers = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  const page = await fetch(`${server.url}/packages/nothing-here`, { headers });
  expect(page.status).toBe(404);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const api = await fetch(`${server.url}/api/v1/packages/nothing-here`, { headers });
  expect(api.headers.get("content-type")).toBe("application/problem+json");
});

test.each([
  ["a Host of two", "GET /health HTTP/1.1\r\nHost: a.com, b.com\r\nConnection: close\r\n\r\n", 400],
  [
    "a foreign Host",
    "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    404,
  ],
  ["a site nobody has", "GET / HTTP/1.1\r\nHost: blog.localhost\r\nConnection: close\r\n\r\n", 404],
  ["no Host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
])("%s", async (_, request, status) => {
  expect(statusOf(await sendRaw(server, request))).toBe(status);
});

const big = 3 * 1024 * 1024;

test("a body over the limit is refused by what it declares, before it is sent", async () => {
  const answer = await sendRaw(
    server,
    `POST /api/v1/users/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${big}\r\nConnection: close\r\n\r\n{`,
  );
  expect(statusOf(answer)).toBe(413);
  expect(answer).toContain('"code":"payload_too_large"');
});

test("a body that declares nothing is refused when it passes the limit", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < big; sent += 65_536) yield new Uint8Array(65_536).fill(32);
  }
  const answer = await fetch(`${server.url}/api/v1/users/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: endless(),
  });
  expect(answer.status).toBe(413);
});

test.each([
  ["a list of files", "/api/v1/sites/blog/deploys"],
  ["a sign-in", "/api/v1/users/login"],
])("of a visitor no more than a form is read: %s", async (_, path) => {
  const answer = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ files: {}, more: "x".repeat(70_000) }),
  });
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({ data: { limitBytes: 65_536 } });
});

test("malformed JSON is told as such, and its text is not repeated", async () => {
  const answer = await fetch(`${server.url}/api/v1/users/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"username": "ada", "password": "hunter2secret"',
  });
  expect(answer.status).toBe(400);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ code: "bad_request" });
  expect(text + server.log()).not.toContain("hunter2secret");
});

test("a scoped name with a plain slash is one name", async () => {
  const { value } = await server.call("GET", "/packages/@ada/nothing");
  expect(value).toMatchObject({ code: "package_not_found", data: { name: "@ada/nothing" } });
});

test("the API describes itself, to programs and to people", async () => {
  const document = await (await fetch(`${server.url}/openapi.json`)).json();
  expect(document).toMatchObject({
    openapi: "3.1.0",
    servers: [{ url: `${server.url}/api/v1` }],
    paths: { "/packages/{name}/{version}": { get: { summary: "Read a version" } } },
  });
  // `void` is no type of JSON Schema.
  expect(JSON.stringify(document)).not.toContain('"type":"void"');
  const page = await (await fetch(`${server.url}/docs/api`)).text();
  expect(page).toContain("POST /users/register");
  const schema = await (await fetch(`${server.url}/schema/land.json`)).json();
  expect(schema).toMatchObject({ title: "land.json", properties: { name: { type: "string" } } });
});

test("limits per token are told and kept", async () => {
  await using limited = await testServer({ LAND_RATE_API_PER_MINUTE: "3" });
  const token = await limited.register("ada");
  const first = await limited.call("GET", "/users/me", { token });
  expect(first.headers.get("ratelimit-limit")).toBe("3");
  expect(first.headers.get("ratelimit-remaining")).toBe("2");
  await limited.call("GET", "/users/me", { token });
  await limited.call("GET", "/users/me", { token });
  const refused = await limited.call("GET", "/users/me", { token });
  expect(refused).toMatchObject({ status: 429, value: { code: "rate_limited" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("limits per address follow what a trusted proxy says, and nobody else", async () => {
  const env = { LAND_RATE_LOGIN_PER_MINUTE: "1" };
  const login = (to: TestServer, address: string) =>
    to.call("POST", "/users/login", {
      body: { username: "ada", password: "wrong password" },
      headers: { "x-forwarded-for": address },
    });
  await using behind = await testServer({ ...env, LAND_TRUSTED_PROXIES: "127.0.0.1" });
  expect((await login(behind, "203.0.113.1")).status).toBe(401);
  expect((await login(behind, "203.0.113.1")).status).toBe(429);
  expect((await login(behind, "203.0.113.2")).status).toBe(401);
  await using open = await testServer(env);
  expect((await login(open, "203.0.113.1")).status).toBe(401);
  expect((await login(open, "203.0.113.1")).status).toBe(401);
});

test("a second server on one data folder ends with 14 and names the first", async () => {
  const second = await testServer({}, server.data).catch((error: unknown) => error);
  expect(second).toMatchObject({
    code: "lock_busy",
    exitCode: 14,
    message: expect.stringContaining(`pid ${process.pid}`),
  });
});

test("a port that is taken is told, and the data folder is free again", async () => {
  await using folder = await temporaryFolder("port");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = String(typeof address === "object" ? address?.port : undefined);
  const refused = await testServer({}, folder.path, { port }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "address_in_use", exitCode: 1 });
  const ours = { port: new URL(server.url).port };
  const beside = await testServer({}, folder.path, ours).catch((error: unknown) => error);
  expect(beside).toMatchObject({ code: "address_in_use" });
  other.close();
  await using _free = await testServer({}, folder.path, { port });
});

test("stop lets an upload in flight finish, and then nobody is answered", async () => {
  await using draining = await testServer();
  const token = await draining.register("ada");
  const archive = goodArchive({ name: "late", version: "1.0.0" });
  const { promise: proceed, resolve: letProceed } = Promise.withResolvers<void>();
  const boundary = "----land";
  const part = (name: string, more = ""): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  async function* slow(): AsyncGenerator<Uint8Array | string> {
    yield `${part("manifest")}{"name":"late","version":"1.0.0"}\r\n${part("tarball", '; filename="late.tgz"')}`;
    yield archive.subarray(0, 100);
    await proceed;
    yield archive.subarray(100);
    yield `\r\n--${boundary}--\r\n`;
  }
  // The server has the request once it stages the archive.
  const staging = watch(join(draining.data, "blobs/staging"));
  const inFlight = fetch(`${draining.url}/api/v1/packages`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": `multipart/form-data; boundary=${boundary}`,
    },
    body: slow(),
  });
  await once(staging, "change");
  staging.close();
  const stopped = draining.stop();
  expect(await fetch(draining.url).catch((error: unknown) => error)).toBeInstanceOf(Error);
  letProceed();
  const answer = await inFlight;
  expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('"late"')]);
  await stopped;
});

test("the first account's code is told to the operator where registration is by invitation", async () => {
  await using invited = await testServer({ LAND_REGISTRATION: "invite" });
  const code = /needs this code, and becomes admin: (\S+)/.exec(invited.log())?.[1];
  const body = { username: "ada", email: "ada@example.com", password: "correct horse battery" };
  expect(await invited.call("POST", "/users/register", { body })).toMatchObject({
    status: 403,
    value: { code: "invite_required" },
  });
  expect(await invited.call("POST", "/users/register", { body: { ...body, code } })).toMatchObject({
    status: 201,
    value: { user: { name: "ada", admin: true } },
  });
});
