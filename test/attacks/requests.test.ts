import { afterAll, beforeAll, expect, test } from "bun:test";

import { type TestServer, testServer } from "../support/server.ts";
import { codeOf, sendRaw, statusOf } from "./wire.ts";

let server: TestServer;
let token = "";
beforeAll(async () => {
  const env = { LAND_RATE_LOGIN_PER_MINUTE: "1", LAND_TRUSTED_PROXIES: "127.0.0.1" };
  server = await testServer({ ...env, LAND_RATE_API_PER_MINUTE: "30" });
  token = await server.register("deep");
});
afterAll(() => server[Symbol.asyncDispose]());

const body = '{"username":"ada","password":"wrong password"}';
const signIn = (target: string, address: string): Promise<string> =>
  sendRaw(
    server,
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );

test("no spelling of an address gets around its limit", async () => {
  const address = "203.0.113.7";
  expect(codeOf(await signIn("/api/v1/users/login", address))).toBe("bad_credentials");
  for (const target of [
    "/api/v1/users/login",
    "/api/v1/users/login/",
    "/api/v1/users/login//",
    "/api/v1/users/login/.",
    "/api/v1/users/login/?x",
    "/api/v1/users/login#x",
    "/api/v1/users/%6cogin",
    "/api/v1/users/x/../login",
    "/api/v1/users/x/%2e%2e/login/",
    "//api/v1/users/login",
    "/api//v1/users/login",
    "/API/v1/users/login",
    "/api\\v1\\users\\login\\",
    "/api/v1/users/login;x",
    "http://localhost/api/v1/users/login/",
    "http://evil.example/api/v1/users/login",
  ]) {
    const status = statusOf(await signIn(target, address));
    expect([target, status === 429 || status === 404]).toEqual([target, true]);
  }
});

test("guesses of tokens count for the address they come from", async () => {
  const statuses = new Set<number>();
  for (let at = 0; at < 35; at++) {
    const headers = { "x-forwarded-for": "203.0.113.8", authorization: `Bearer land_${at}` };
    statuses.add((await server.call("GET", "/users/me", { headers })).status);
  }
  expect([...statuses]).toEqual([401, 429]);
});

test.each([
  ["a b", 400],
  ["a/b", 400],
  ["", 400],
  ["a,b", 400],
  ["a\r\nHost: b", 400],
  ["localhost@evil.example", 400],
  ["evil.example", 404],
])("under the Host %p even a scoped name gets our own answer, %d", async (host, status) => {
  const request = `GET /packages/@a/b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const answer = await sendRaw(server, request);
  expect(statusOf(answer)).toBe(status);
  expect(answer).toMatch(/x-request-id: [\w-]{12}\r\n/i);
  expect(codeOf(answer)).toBe(status === 400 ? "bad_request" : "not_found");
});

const post = "POST /api/v1/users/login HTTP/1.1\r\nHost: localhost\r\n";
test.each([
  [
    "two framings",
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  ],
  [
    "two framings, turned",
    `${post}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG`,
  ],
  ["an unknown coding", `${post}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
  [
    "two codings",
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  ],
  ["two lengths", `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`],
  ["a signed length", `${post}Content-Length: +2\r\n\r\n{}`],
  ["a length past all numbers", `${post}Content-Length: 99999999999999999999999\r\n\r\n{}`],
  ["a space before the colon", "GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n"],
  ["a folded header", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n"],
  ["NUL in a header", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n"],
])("framing that two readers may take differently is refused: %s", async (_, request) => {
  const answer = await sendRaw(server, request);
  expect(statusOf(answer)).toBe(400);
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
});

const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
test.each([
  ["open only", "[".repeat(900_000)],
  ["whole", deep(450_000)],
  ["objects", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
  ["in a field", `{"username":${deep(400_000)},"password":"x"}`],
  ["in a field nobody asked for", `{"username":"ada","password":"x","z":${deep(400_000)}}`],
  ["in a field, not very", `{"username":${deep(5000)},"password":"x"}`],
])("deep JSON is refused: %s", async (_, text) => {
  // Of who has no account only a short body is read.
  const short = text.length < 65_536;
  const target = `${server.url}/api/v1/${short ? "users/register" : "tokens"}`;
  const headers = short ? undefined : { authorization: `Bearer ${token}` };
  const answer = await fetch(target, { method: "POST", body: text, ...(headers && { headers }) });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "bad_request" });
});

test.each([
  ["__proto__", '{"__proto__":{"username":"x","password":"y"}}', 400],
  ["a key twice", '{"username":"a","username":"b","password":"x"}', 400],
  ["half a character", String.raw`{"username":"\ud800","password":"x"}`, 400],
  ["nothing", "", 400],
  ["no object", "[1]", 422],
  ["null", "null", 422],
])("JSON that may be read in two ways is refused: %s", async (_, text, status) => {
  const answer = await fetch(`${server.url}/api/v1/users/register`, { method: "POST", body: text });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
});

test("twice the same query, and what is no text, breaks no page", async () => {
  for (const query of [
    "/packages?q=a&q=b",
    "/packages?sort=name&sort=name",
    "/packages?q=%E0%A4%A&cursor=",
    "/packages?q=%00&sort=relevance",
    "/packages?__proto__[q]=x&constructor=1",
    "/login?next=/a&next=/b",
    "/?done=__proto__",
    "/errors/__proto__",
    "/assets/constructor",
    "/api/v1/packages?q=a&q=b&limit=1&limit=2",
    "/api/v1/packages?cursor=WzFd",
    "/api/v1/users/__proto__/keys",
    `/?${"a=1&".repeat(3000)}`,
  ]) {
    const answer = await fetch(server.url + query, { headers: { accept: "text/html" } });
    await answer.arrayBuffer();
    expect([query, answer.status < 500]).toEqual([query, true]);
  }
  expect(server.log()).not.toContain('"event":"bug"');
});
