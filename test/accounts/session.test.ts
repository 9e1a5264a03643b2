import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { type Actor, identify } from "#accounts/actor.ts";
import { identifyWriter, requireWrite } from "#accounts/guard.ts";
import { flushUse } from "#accounts/last-used.ts";
import { csrfToken, endSession, startSession } from "#accounts/session.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { bearing, codeOf, type Person, signUp } from "#test/support/people.ts";

const DAY_MS = 86_400_000;
const HOME = "http://127.0.0.1:5263";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let ada: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open", "session.days": 30 } });
  ada = await signUp(ctx, "ada");
});
afterEach(() => ctx.close());

test("a session is one random cookie for this host, of which only the hash is kept", async () => {
  const { cookie } = await startSession(ctx, ada.actor.userId, visit());
  expect(cookie).toMatch(
    /^land_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=34560000$/,
  );
  const actor = await identify(ctx, visit(valueOf(cookie)));
  expect(actor).toMatchObject({ name: "ada", via: { kind: "session" } });
  expect(JSON.stringify(actor)).not.toContain(valueOf(cookie).split("=")[1] ?? "");
});

test("on https the cookie is Secure and __Host-, and a plain one counts for nothing", async () => {
  const secure: TestCtx = { ...ctx, publicUrl: () => "https://land.example.com" };
  const { cookie } = await startSession(secure, ada.actor.userId, proxied());
  expect(cookie).toMatch(
    /^__Host-land_session=.*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=34560000; Secure$/,
  );
  expect(await identify(secure, proxied(valueOf(cookie)))).toBeDefined();
  expect(await identify(secure, proxied(valueOf(cookie).replace("__Host-", "")))).toBeUndefined();
});

test("signing in ends the session the browser came with: a planted one never becomes signed in", async () => {
  const planted = await startSession(ctx, ada.actor.userId, visit());
  const { cookie } = await startSession(ctx, ada.actor.userId, visit(valueOf(planted.cookie)));
  expect(valueOf(cookie)).not.toBe(valueOf(planted.cookie));
  expect(await identify(ctx, visit(valueOf(planted.cookie)))).toBeUndefined();
  const made = await startSession(
    ctx,
    ada.actor.userId,
    visit("land_session=chosen-by-somebody-else"),
  );
  expect(valueOf(made.cookie)).not.toContain("chosen");
});

test("two different session cookies count as none", async () => {
  const own = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  const other = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  expect(await identify(ctx, visit(`${own}; ${other}`))).toBeUndefined();
  expect(await identify(ctx, visit(`a=b; ${own}; ${own}`))).toBeDefined();
});

test("a session ends when it is not used for its days, and moves with its use", async () => {
  const cookie = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  ctx.pass(29 * DAY_MS);
  expect(await identify(ctx, visit(cookie))).toBeDefined();
  await flushUse(ctx);
  ctx.pass(29 * DAY_MS);
  expect(await identify(ctx, visit(cookie))).toBeDefined();
  ctx.pass(DAY_MS);
  expect(await identify(ctx, visit(cookie))).toBeUndefined();
});

test("signing out ends the session on the server", async () => {
  const cookie = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  const request = visit(cookie);
  await identify(ctx, request);
  expect((await endSession(ctx, request)).cookie).toBe(
    "land_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
  );
  expect(await identify(ctx, request)).toBeUndefined();
  expect(await identify(ctx, visit(cookie))).toBeUndefined();
});

test("a bad token is not replaced by a good cookie", async () => {
  const cookie = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  const request = visit(cookie, { authorization: "Bearer land_wrong" });
  expect(await codeOf(() => identify(ctx, request))).toBe("unauthenticated");
});

test("a write by session needs our Origin and the token of that very session", async () => {
  const cookie = valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie);
  const other = await signIn(valueOf((await startSession(ctx, ada.actor.userId, visit())).cookie));
  const actor = await signIn(cookie);
  const token = csrfToken(ctx, visit(cookie), actor);
  const foreign = csrfToken(ctx, visit(), other);
  const anonymous = csrfToken(ctx, visit(), undefined);
  const table: [Record<string, string>, unknown, string][] = [
    [{ origin: HOME, "x-csrf-token": token }, undefined, "done"],
    [{ origin: HOME }, { _csrf: token }, "done"],
    [{ origin: HOME }, form(token), "done"],
    [{ origin: HOME }, undefined, "csrf_failed"],
    [{ origin: HOME }, { _csrf: [token] }, "csrf_failed"],
    [{ origin: HOME, "x-csrf-token": "" }, { _csrf: token }, "csrf_failed"],
    [{ origin: HOME, "x-csrf-token": foreign }, undefined, "csrf_failed"],
    [{ origin: HOME, "x-csrf-token": anonymous }, undefined, "csrf_failed"],
    [{ origin: HOME, "x-csrf-token": token.slice(1) }, undefined, "csrf_failed"],
    [{ "x-csrf-token": token }, undefined, "csrf_failed"],
    [{ origin: "null", "x-csrf-token": token }, undefined, "csrf_failed"],
    [
      { referer: `${HOME}/`, "sec-fetch-site": "same-origin", "x-csrf-token": token },
      undefined,
      "csrf_failed",
    ],
    [{ origin: "http://blog.localhost:5263", "x-csrf-token": token }, undefined, "csrf_failed"],
    [{ origin: "http://127.0.0.1:5264", "x-csrf-token": token }, undefined, "csrf_failed"],
    [{ origin: "https://127.0.0.1:5263", "x-csrf-token": token }, undefined, "csrf_failed"],
    [{ origin: `${HOME}.evil.example`, "x-csrf-token": token }, undefined, "csrf_failed"],
    [{ origin: `${HOME}/`, "x-csrf-token": token }, undefined, "csrf_failed"],
  ];
  for (const [headers, body, code] of table)
    expect([
      headers,
      body,
      await codeOf(() => requireWrite(ctx, visit(cookie, headers), actor, body)),
    ]).toEqual([headers, body, code]);
});

test("a write by token needs neither, one by nobody is refused", async () => {
  expect(await codeOf(() => identifyWriter(ctx, bearing(ada.token)))).toBe("done");
  expect(await codeOf(() => identifyWriter(ctx, visit()))).toBe("unauthenticated");
});

async function signIn(cookie: string): Promise<Actor> {
  const actor = await identify(ctx, visit(cookie));
  if (!actor) throw new Error("nobody");
  return actor;
}

function visit(cookie?: string, headers: Record<string, string> = {}, base = HOME): Request {
  return new Request(`${base}/settings`, {
    method: "POST",
    headers: { host: "127.0.0.1:5263", ...(cookie && { cookie }), ...headers },
  });
}

function valueOf(setCookie: string): string {
  return setCookie.split(";", 1)[0] ?? "";
}

function form(token: string): FormData {
  const data = new FormData();
  data.set("_csrf", token);
  return data;
}

/** A request as a proxy that ends TLS hands it on. */
function proxied(cookie?: string): Request {
  return visit(cookie, { host: "land.example.com" }, "http://land.example.com");
}
