import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { Elysia } from "elysia";

import { accountRoutes } from "#accounts/routes.ts";
import { csrfToken, startSession } from "#accounts/session.ts";
import { problems } from "#http/problems.ts";
import { generateKeyPair } from "#pack/sign.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { makeToken, parseObject, PASSWORD, signUp } from "#test/support/people.ts";

const HOME = "http://127.0.0.1:5263";
type Answer = { status: number; headers: Headers; json: Record<string, unknown> };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let fetchApp: (request: Request) => Response | Promise<Response>;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx }))
    .group("/api/v1", (api) => api.use(accountRoutes(ctx)));
  fetchApp = (request) => app.fetch(request);
});
afterEach(() => ctx.close());

const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

test("register, sign in, who am I, sign out", async () => {
  const made = await call("POST", "/users/register", { body: ADA });
  expect(made.status).toBe(201);
  expect(made.headers.get("cache-control")).toBe("no-store");
  expect(made.json).toEqual({
    user: {
      name: "ada",
      email: "ada@example.com",
      admin: true,
      createdAt: "2026-03-01T12:00:00.000Z",
    },
    token: expect.stringMatching(/^land_[0-9A-Za-z]{49}$/),
  });
  const again = await call("POST", "/users/login", {
    body: { username: "ada", password: PASSWORD },
  });
  expect(again.status).toBe(200);
  const token = String(again.json["token"]);
  const me = await call("GET", "/users/me", { token });
  expect(me.json).toEqual({
    user: made.json["user"],
    token: { name: "login 2026-03-01 from land/9.9.9", scopes: ["account"] },
  });
  expect((await call("POST", "/users/logout", { token })).status).toBe(204);
  expect((await call("GET", "/users/me", { token })).status).toBe(401);
  expect((await call("GET", "/users/me", { token: String(made.json["token"]) })).status).toBe(200);
});

test("refusals are problems with their code", async () => {
  await call("POST", "/users/register", { body: ADA });
  const refusals: [string, string, Ask, number, string][] = [
    ["POST", "/users/register", { body: ADA }, 409, "user_exists"],
    ["POST", "/users/register", { body: {} }, 422, "invalid_input"],
    [
      "POST",
      "/users/login",
      { body: { username: "ada", password: "wrong" } },
      401,
      "bad_credentials",
    ],
    ["GET", "/users/me", {}, 401, "unauthenticated"],
    ["GET", "/tokens", {}, 401, "unauthenticated"],
    ["POST", "/tokens", { body: { name: "x", scopes: ["read"] } }, 401, "unauthenticated"],
    ["DELETE", "/tokens/x", {}, 401, "unauthenticated"],
    ["GET", "/keys", {}, 401, "unauthenticated"],
    ["POST", "/keys", { body: { key: "x" } }, 401, "unauthenticated"],
    ["DELETE", "/keys/x", {}, 401, "unauthenticated"],
    ["GET", "/invites", {}, 401, "unauthenticated"],
    ["POST", "/invites", { body: {} }, 401, "unauthenticated"],
    ["DELETE", "/invites/x", {}, 401, "unauthenticated"],
    ["POST", "/users/logout", {}, 401, "unauthenticated"],
    ["GET", "/users/nobody/keys", {}, 404, "not_found"],
  ];
  for (const [method, path, ask, status, code] of refusals) {
    const answer = await call(method, path, ask);
    expect([method, path, answer.status, answer.json["code"]]).toEqual([
      method,
      path,
      status,
      code,
    ]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  }
});

test("tokens are made, listed without their secret, and revoked", async () => {
  const { token } = await signUp(ctx, "ada");
  const made = await call("POST", "/tokens", {
    token,
    body: { name: "ci", scopes: ["publish:@ada/*"], expiresInDays: 7 },
  });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({
    name: "ci",
    scopes: ["publish:@ada/*"],
    expiresAt: "2026-03-08T12:00:00.000Z",
  });
  for (const scopes of [
    ["root"],
    ["publish:"],
    ["publish:@ada"],
    ["deploy:Blog"],
    [],
    ["read "],
    "read",
  ])
    expect((await call("POST", "/tokens", { token, body: { name: "x", scopes } })).status).toBe(
      422,
    );
  const page = await call("GET", "/tokens?limit=1", { token });
  expect(page.json["items"]).toHaveLength(1);
  expect(JSON.stringify(page.json)).not.toContain(String(made.json["token"]));
  const next = await call("GET", `/tokens?limit=1&cursor=${String(page.json["next"])}`, { token });
  expect(next.json["next"]).toBeNull();
  expect((await call("GET", "/tokens?limit=101", { token })).json["code"]).toBe("invalid_input");
  expect((await call("DELETE", `/tokens/${String(made.json["id"])}`, { token })).status).toBe(204);
  expect((await call("GET", "/users/me", { token: String(made.json["token"]) })).status).toBe(401);
});

test("keys are added, shown to everyone and revoked by their encoded form", async () => {
  const { token } = await signUp(ctx, "ada");
  const { publicKey: key } = await generateKeyPair(ctx.random);
  const added = await call("POST", "/keys", { token, body: { key, name: "laptop" } });
  expect([added.status, added.json["key"]]).toEqual([201, key]);
  expect((await call("GET", "/users/ada/keys")).json).toEqual({ items: [added.json], next: null });
  expect((await call("GET", "/keys", { token })).json).toEqual({ items: [added.json], next: null });
  expect((await call("DELETE", `/keys/${encodeURIComponent(key)}`, { token })).status).toBe(204);
  expect((await call("GET", "/users/ada/keys")).json).toEqual({ items: [], next: null });
});

test("on a server of members strangers see no keys and no names", async () => {
  const { token } = await signUp(ctx, "ada");
  const config = { ...ctx.config, access: "members" as const };
  const app = new Elysia()
    .use(problems({ ctx }))
    .group("/api/v1", (api) => api.use(accountRoutes({ ...ctx, config })));
  fetchApp = (request) => app.fetch(request);
  const stranger = await call("GET", "/users/ada/keys");
  expect(stranger.status).toBe(404);
  expect(stranger.json["code"]).toBe((await call("GET", "/users/nobody/keys")).json["code"]);
  expect((await call("GET", "/users/ada/keys", { token })).status).toBe(200);
});

test("only an admin invites", async () => {
  const admin = await signUp(ctx, "ada");
  const bob = await signUp(ctx, "bob");
  const weak = await makeToken(ctx, admin, "publish");
  const narrow = await makeToken(ctx, admin, "admin");
  expect((await call("POST", "/invites", { token: bob.token, body: {} })).json["code"]).toBe(
    "forbidden",
  );
  expect((await call("POST", "/invites", { token: weak.token, body: {} })).json["code"]).toBe(
    "scope_missing",
  );
  const made = await call("POST", "/invites", { token: narrow.token, body: { note: "Carol" } });
  expect(made.status).toBe(201);
  const { code, ...listed } = made.json;
  expect(typeof code).toBe("string");
  expect((await call("GET", "/invites", { token: admin.token })).json).toEqual({
    items: [listed],
    next: null,
  });
  expect(
    (await call("DELETE", `/invites/${String(listed["id"])}`, { token: admin.token })).status,
  ).toBe(204);
});

test("every change by cookie needs Origin and token; then it works, and signing out takes the cookie", async () => {
  const { actor } = await signUp(ctx, "ada");
  const { cookie: setCookie } = await startSession(ctx, actor.userId, new Request(HOME));
  const cookie = setCookie.split(";", 1)[0] ?? "";
  const me = await call("GET", "/users/me", { headers: { cookie } });
  expect(me.json["token"]).toBeNull();
  const { publicKey: key } = await generateKeyPair(ctx.random);
  const changes: [string, string, Ask][] = [
    ["POST", "/tokens", { body: { name: "x", scopes: ["read"] } }],
    ["DELETE", "/tokens/x", {}],
    ["POST", "/keys", { body: { key } }],
    ["DELETE", "/keys/x", {}],
    ["POST", "/invites", { body: {} }],
    ["DELETE", "/invites/x", {}],
    ["POST", "/users/logout", {}],
  ];
  const request = new Request(HOME, { headers: { cookie } });
  const csrf = csrfToken(ctx, request, {
    ...actor,
    via: { kind: "session", hash: hashOf(cookie) },
  });
  for (const [method, path, ask] of changes) {
    const bare = await call(method, path, { ...ask, headers: { cookie } });
    expect([path, bare.json["code"]]).toEqual([path, "csrf_failed"]);
    const foreign = await call(method, path, {
      ...ask,
      headers: { cookie, origin: "http://evil.example", "x-csrf-token": csrf },
    });
    expect([path, foreign.json["code"]]).toEqual([path, "csrf_failed"]);
    const own = await call(method, path, {
      ...ask,
      headers: { cookie, origin: HOME, "x-csrf-token": csrf },
    });
    expect([path, own.status]).toEqual([
      path,
      path.endsWith("/x") ? 404 : method === "POST" && ask.body ? 201 : 204,
    ]);
    if (path === "/users/logout") expect(own.headers.get("set-cookie")).toContain("Max-Age=0");
  }
  expect((await call("GET", "/users/me", { headers: { cookie } })).status).toBe(401);
});

type Ask = { body?: unknown; token?: string; headers?: Record<string, string> };

async function call(
  method: string,
  path: string,
  { body, token, headers }: Ask = {},
): Promise<Answer> {
  const response = await fetchApp(
    new Request(`${HOME}/api/v1${path}`, {
      method,
      headers: {
        host: "127.0.0.1:5263",
        "user-agent": "land/9.9.9 (linux)",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: parseObject(text === "" ? "{}" : text),
  };
}

function hashOf(cookie: string): string {
  return new Bun.CryptoHasher("sha256").update(cookie.split("=")[1] ?? "").digest("hex");
}
