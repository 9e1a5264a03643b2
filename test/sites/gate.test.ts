import { afterEach, beforeEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";

import type { Peer } from "#http/peer.ts";
import { hasPass, passCookie } from "#sites/gate/gate-pass.ts";
import { gateAnswer } from "#sites/gate/gate.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

import { cookieOf, gated } from "./gated.ts";

const DAY_MS = 86_400_000;
const HTTPS: Peer = { address: () => "192.0.2.1", secure: true };
const HTTP: Peer = { address: () => "192.0.2.1", secure: false };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let ada: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  for (const name of ["blog", "shop"]) {
    await createSite(ctx, ada.actor, { name });
    await updateSite(ctx, ada.actor, name, { password: "open sesame" });
  }
});
afterEach(() => ctx.close());

type More = { headers?: Record<string, string>; method?: string; body?: string; peer?: Peer };

/** Asks a site at its own address, as the database knows it now. */
async function ask(path: string, more: More = {}, host = "blog.localhost:5263") {
  const { headers = {}, method = "GET", body, peer = HTTPS } = more;
  const request = new Request(`http://${host}${path}`, {
    method,
    headers: { host, ...headers },
    ...(body !== undefined && { body }),
  });
  const name = host.split(".", 1)[0]?.replace(/^.*--/, "") ?? "";
  return gateAnswer(ctx, await gated(ctx, name), request, peer);
}

const send = (fields: Record<string, string>, more: More = {}) =>
  ask("/.land/enter", {
    method: "POST",
    body: new URLSearchParams(fields).toString(),
    ...more,
    headers: { ...FORM, ...more.headers },
  });

/** The cookie that the right password earns. */
async function enter(peer = HTTPS): Promise<string> {
  return cookieOf(await send({ password: "open sesame" }, { peer }));
}

test("a site for everybody is in nobody's way", async () => {
  await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  expect(await ask("/")).toBeUndefined();
  expect(await ask("/x/.land/enter")).toBeUndefined();
  expect((await ask("/.land/enter?ticket=x"))?.headers.get("location")).toBe("/");
});

test("without a pass there is the form and nothing else", async () => {
  for (const method of ["GET", "HEAD", "POST", "DELETE"]) {
    const answer = await ask("/secret.html?a=1&b=<x>", { method });
    expect([method, answer?.status]).toEqual([method, 401]);
    expect(Object.fromEntries(answer?.headers ?? [])).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-robots-tag": "noindex",
      "x-content-type-options": "nosniff",
      "www-authenticate": "Land-Password",
    });
    expect(answer?.headers.get("set-cookie")).toBeNull();
    const page = (await answer?.text()) ?? "";
    if (method === "HEAD") expect(page).toBe("");
    else expect(page).toContain('name="to" value="/secret.html?a=1&amp;b=%3Cx%3E"');
  }
});

test("the form works without scripts and loads nothing", async () => {
  const answer = await ask("/");
  const page = (await answer?.text()) ?? "";
  const policy = answer?.headers.get("content-security-policy") ?? "";
  const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? "";
  expect(style).toContain("prefers-color-scheme:dark");
  const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
  expect(policy).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(page).not.toMatch(/<script|src=|url\(|https?:/);
  expect(page).toContain('<form method="post" action="/.land/enter">');
  expect(page).toContain('<label for="password">');
});

test("the right password leads to where the visitor wanted", async () => {
  const answer = await send({ password: "open sesame", to: "/a/b?c=d" });
  expect([answer?.status, answer?.headers.get("location")]).toEqual([303, "/a/b?c=d"]);
  expect(answer?.headers.get("cache-control")).toBe("no-store");
  expect(answer?.headers.get("set-cookie")).toMatch(
    /^__Host-land-pass=\d+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure$/,
  );
  const cookie = cookieOf(answer);
  expect(await ask("/a/b?c=d", { headers: { cookie } })).toBeUndefined();
  expect((await ask("/.land/enter", { headers: { cookie } }))?.headers.get("location")).toBe("/");
});

test("a wrong password leads nowhere", async () => {
  for (const password of ["", "open", "open sesame ", "x".repeat(2000)]) {
    const answer = await send({ password, to: "/a" });
    expect([password, answer?.status]).toEqual([password, 401]);
    expect(answer?.headers.get("set-cookie")).toBeNull();
    const page = (await answer?.text()) ?? "";
    expect(page).toContain("That password is not right");
    expect(page).toContain('aria-invalid="true" aria-describedby="problem"');
    expect(page).toContain('value="/a"');
  }
});

test("without https the cookie has the plain name, and counts there alone", async () => {
  const cookie = await enter(HTTP);
  expect(cookie).toMatch(/^land-pass=/);
  expect(await ask("/", { headers: { cookie }, peer: HTTP })).toBeUndefined();
  // Any host under the domain can set this one for a browser that comes by https.
  expect((await ask("/", { headers: { cookie } }))?.status).toBe(401);
});

test("a pass is for one site, whoever plants it, and planted ones do not shut out", async () => {
  const pass = await enter(HTTP);
  const foreign = cookieOf(
    await ask(
      "/.land/enter",
      { method: "POST", headers: FORM, body: "password=open+sesame", peer: HTTP },
      "shop.localhost:5263",
    ),
  );
  expect((await ask("/", { headers: { cookie: foreign }, peer: HTTP }))?.status).toBe(401);
  const tossed = `${foreign}; land-pass=; land-pass=x.y.z; ${pass}; ${foreign}`;
  expect(await ask("/", { headers: { cookie: tossed }, peer: HTTP })).toBeUndefined();
});

test("a pass cannot be stretched, changed or made by others", async () => {
  const [name = "", end = "", mac = ""] = (await enter()).split(/[=.]/);
  const later = String(Number(end) + 1);
  for (const value of [
    `${later}.${mac}`,
    `${end}.${mac}.`,
    `${end}.`,
    `.${mac}`,
    `0${end}.${mac}`,
    `1e12.${mac}`,
    `${end}.${mac.toLowerCase()}`,
  ])
    expect([value, (await ask("/", { headers: { cookie: `${name}=${value}` } }))?.status]).toEqual([
      value,
      401,
    ]);
  const site = await gated(ctx, "blog");
  const other = { ...ctx, db: (await testCtx()).db, secret: new Uint8Array(32) };
  const cookie = passCookie(other, site, { secure: true, seconds: 60 }).split(";", 1)[0] ?? "";
  expect(hasPass(other, site, new Request("http://x/", { headers: { cookie } }), true)).toBe(true);
  expect((await ask("/", { headers: { cookie } }))?.status).toBe(401);
  await other.db.close();
});

test("a pass ends after thirty days, and with a new password", async () => {
  const cookie = await enter();
  ctx.pass(30 * DAY_MS - 1000);
  expect(await ask("/", { headers: { cookie } })).toBeUndefined();
  ctx.pass(1000);
  expect((await ask("/", { headers: { cookie } }))?.status).toBe(401);
  const fresh = await enter();
  await updateSite(ctx, ada.actor, "blog", { maintenance: false });
  expect(await ask("/", { headers: { cookie: fresh } })).toBeUndefined();
  await updateSite(ctx, ada.actor, "blog", { password: "open sesame" });
  expect((await ask("/", { headers: { cookie: fresh } }))?.status).toBe(401);
});

test("programs send the password with each request, and pay for the hash once", async () => {
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });
  const hashed = spyOn(Bun.password, "verify");
  for (const text of ["me:open sesame", ":open sesame", "a b:open sesame"])
    expect(await ask("/", { headers: basic(text) })).toBeUndefined();
  for (let n = 0; n < 100; n += 1)
    expect(await ask("/", { headers: basic("me:open sesame") })).toBeUndefined();
  expect(hashed).toHaveBeenCalledTimes(1);
  hashed.mockRestore();
  await updateSite(ctx, ada.actor, "blog", { password: "closed sesame" });
  for (const headers of [
    basic("me:open sesame"),
    basic("open sesame"),
    { authorization: "Basic ???" },
    { authorization: "Bearer open sesame" },
  ])
    expect((await ask("/", { headers }))?.status).toBe(401);
  expect(await ask("/", { headers: basic("x:closed sesame") })).toBeUndefined();
});

test("an address tries ten passwords a minute at one site, with the form or without", async () => {
  const basic = { authorization: `Basic ${btoa("x:wrong")}` };
  for (let n = 0; n < 10; n += 1)
    expect(
      (await (n % 2 ? send({ password: "wrong" }) : ask("/", { headers: basic })))?.status,
    ).toBe(401);
  const refused = await send({ password: "open sesame" });
  expect([refused?.status, refused?.headers.get("retry-after")]).toEqual([429, "6"]);
  expect(await refused?.text()).toContain("Too many attempts. Try again in 6 s.");
  expect((await ask("/", { headers: basic }))?.status).toBe(429);
  const others: Peer[] = [{ ...HTTPS, address: () => "192.0.2.2" }];
  for (const peer of others)
    expect((await send({ password: "open sesame" }, { peer }))?.status).toBe(303);
  const shop = { method: "POST", headers: FORM, body: "password=open+sesame" };
  expect((await ask("/.land/enter", shop, "shop.localhost:5263"))?.status).toBe(303);
  ctx.pass(60_000);
  expect((await send({ password: "wrong" }))?.status).toBe(401);
});

test("this machine, and a server without limits, count no attempts", async () => {
  const local = { ...HTTPS, address: () => "127.0.0.1" };
  for (let n = 0; n < 12; n += 1)
    expect((await send({ password: "wrong" }, { peer: local }))?.status).toBe(401);
  ctx = Object.assign(ctx, { config: { ...ctx.config, rateLimit: "off" } });
  for (let n = 0; n < 12; n += 1) expect((await send({ password: "wrong" }))?.status).toBe(401);
});

test("what is no form of this site is not tried", async () => {
  const body = "password=open+sesame";
  const wrong: More[] = [
    { headers: { "content-type": "text/plain" } },
    { headers: { "content-type": "multipart/form-data; boundary=x" } },
    { headers: { ...FORM, origin: "https://evil.example" } },
    { headers: { ...FORM, origin: "http://shop.localhost:5263" } },
    { headers: { ...FORM, origin: "null" } },
    { headers: FORM, body: `${body}&to=${"x".repeat(20_000)}` },
    { headers: FORM, body: "to=/" },
  ];
  for (const more of wrong) {
    const answer = await ask("/.land/enter", { method: "POST", body, ...more });
    expect([more, answer?.status, answer?.headers.get("set-cookie")]).toEqual([more, 401, null]);
  }
  const own = { ...FORM, origin: "https://blog.localhost:5263" };
  expect((await ask("/.land/enter", { method: "POST", body, headers: own }))?.status).toBe(303);
});

test.each([
  "//evil.example",
  "/\\evil.example",
  "/..//evil.example",
  "/.//evil.example",
  "/\t/evil.example",
  "/a/../..//evil.example",
  "\\\\evil.example",
  "https://evil.example/",
  "https:evil.example",
  "javascript:alert(1)",
  "evil.example",
  "",
  "/.land/enter?ticket=x",
  `/${"a".repeat(3000)}`,
])("a form that would lead to %j leads to the front page", async (to) => {
  const answer = await send({ password: "open sesame", to });
  expect([answer?.status, answer?.headers.get("location")]).toEqual([303, "/"]);
});

test("a path with a line break adds no header", async () => {
  const answer = await send({ password: "open sesame", to: "/a\r\nset-cookie: x=1\r\n\r\n<b>" });
  expect(answer?.headers.get("location")).toBe("/aset-cookie:%20x=1%3Cb%3E");
  expect(answer?.headers.getSetCookie()).toHaveLength(1);
});

test("who asks for JSON gets a problem", async () => {
  const headers = { accept: "application/json" };
  const answer = await ask("/api", { headers });
  expect([answer?.status, answer?.headers.get("content-type")]).toEqual([
    401,
    "application/problem+json",
  ]);
  expect(await answer?.json()).toMatchObject({
    code: "site_protected",
    data: { host: "blog.localhost" },
  });
  expect(await (await send({ password: "wrong" }, { headers }))?.json()).toMatchObject({
    code: "password_wrong",
  });
  const browser = { accept: "text/html,application/json;q=0.5" };
  expect((await ask("/", { headers: browser }))?.headers.get("content-type")).toStartWith(
    "text/html",
  );
});

test("maintenance is told to all, but not at a deploy's own address", async () => {
  await updateSite(ctx, ada.actor, "blog", { maintenance: true });
  const cookie = await enterByHand();
  for (const path of ["/", "/.land/enter"]) {
    const answer = await ask(path, { headers: { cookie } });
    expect([answer?.status, answer?.headers.get("retry-after")]).toEqual([503, "300"]);
    expect(answer?.headers.get("cache-control")).toBe("no-store");
    expect(await answer?.text()).toContain("under maintenance");
  }
  const json = await ask("/", { headers: { accept: "application/json" } });
  expect(await json?.json()).toMatchObject({ status: 503, code: "site_maintenance" });
  const deploy = "abcdefghij--blog.localhost:5263";
  expect((await ask("/", {}, deploy))?.status).toBe(401);
  expect(await ask("/", { headers: { cookie } }, deploy)).toBeUndefined();
  await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  expect((await ask("/"))?.status).toBe(503);
  expect(await ask("/", {}, deploy)).toBeUndefined();
});

async function enterByHand(): Promise<string> {
  const site = await gated(ctx, "blog");
  return passCookie(ctx, site, { secure: true, seconds: 60 }).split(";", 1)[0] ?? "";
}
