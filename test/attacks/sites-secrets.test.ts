import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { until } from "#test/tls/https.ts";

import { type DnsServer, startDns } from "../support/dns.ts";
import { PASSWORD } from "../support/people.ts";
import { bodyOf, headerOf, type SiteWorld, siteWorld } from "./site-world.ts";
import { sources } from "./sources.ts";
import { sendRaw, statusOf } from "./wire.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

const SITE_PASSWORD = "canary-password-of-the-site";
const WRONG = "canary-password-that-is-wrong";
const QUERY = "canary-of-a-query";
const HOST = "blog.localhost";

let dns: DnsServer;
let world: SiteWorld;
/** Secrets by what they are. */
const secrets = new Map<string, string>();
beforeAll(async () => {
  dns = await startDns();
  world = await siteWorld({ LAND_DNS_SERVERS: dns.address });
  await world.deploy(world.ada, "blog", { "index.html": "blog" });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

const call: SiteWorld["server"]["call"] = (method, path, options) =>
  world.server.call(method, path, { token: world.ada, ...options });

async function form(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string>,
): Promise<Response> {
  const body = new URLSearchParams(fields);
  return fetch(world.server.url + path, { method: "POST", redirect: "manual", headers, body });
}

/** A browser that is signed in as ada. */
async function signIn(): Promise<{ cookie: string; origin: string; csrf: string }> {
  const origin = world.server.url;
  const page = await fetch(`${origin}/login`, { headers: { accept: "text/html" } });
  const cookie = page.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const token = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const fields = { username: "ada", password: PASSWORD, _csrf: token };
  const answer = await form("/login", fields, { cookie, origin });
  const session = answer.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const sites = await fetch(`${origin}/sites`, {
    headers: { cookie: session, accept: "text/html" },
  });
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await sites.text())?.[1] ?? "";
  return { cookie: session, origin, csrf };
}

const valueOf = (pair: string): string => pair.slice(pair.indexOf("=") + 1);

/** Uses each secret rightly and wrongly, and lets things fail on the way. */
async function useAll(): Promise<Record<string, string>> {
  const { cookie, origin, csrf } = await signIn();
  const headers = { cookie, origin };
  secrets.set("the login token", world.ada);
  secrets.set("the password of an account", PASSWORD);
  secrets.set("a session", valueOf(cookie));
  secrets.set(
    "the key of the server",
    (await Bun.file(join(world.server.data, "secret.key")).text()).trim(),
  );
  const key = await call<{ token: string }>("POST", "/tokens", {
    body: { name: "ci", scopes: ["deploy:blog"] },
  });
  secrets.set("a deploy key", key.value.token);
  await call("GET", "/sites/blog", { token: key.value.token });
  await call("GET", "/sites/blog", { token: `${key.value.token.slice(0, -1)}x` });
  await world.deploy(key.value.token, "blog", { "index.html": "blog" }, { message: "by a key" });

  const { value: claim } = await call<{ value: string }>("POST", "/sites/blog/domains", {
    body: { host: "shop.example.org" },
  });
  secrets.set("the proof of a domain", claim.value);
  await call("POST", "/sites/blog/domains/shop.example.org");

  await call("PATCH", "/sites/blog", { body: { password: SITE_PASSWORD } });
  secrets.set("the password of a site", SITE_PASSWORD);
  secrets.set("a wrong password", WRONG);
  for (const password of [WRONG, SITE_PASSWORD]) {
    await world.ask(HOST, "/", [`Authorization: Basic ${btoa(`x:${password}`)}`]);
    const body = new URLSearchParams({ password, to: "/" }).toString();
    const answer = await sendRaw(
      world.server,
      `POST /.land/enter HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    const pass = headerOf(answer, "set-cookie")?.split(";", 1)[0];
    if (pass !== undefined) {
      secrets.set("a pass of a site", valueOf(pass));
      expect(bodyOf(await world.ask(HOST, "/", [`Cookie: ${pass}`]))).toBe("blog");
    }
  }
  await call("PATCH", "/sites/blog", { body: { protection: "members" } });
  const to = encodeURIComponent(`http://${HOST}:${world.port}/`);
  const entry = await fetch(`${origin}/sites/blog/enter?to=${to}`, { headers, redirect: "manual" });
  const page = `${entry.headers.get("location") ?? ""} ${await entry.text()}`;
  const ticket = /[?&]ticket=([\w.-]+)/.exec(page)?.[1] ?? "";
  expect(entry.headers.get("cache-control")).toBe("no-store");
  secrets.set("a ticket", ticket);
  for (let times = 0; times < 2; times += 1)
    await world.ask(HOST, `/.land/enter?ticket=${ticket}`, [
      `Referer: http://${HOST}/.land/enter?ticket=${ticket}`,
    ]);
  await call("PATCH", "/sites/blog", { body: { protection: "none" } });

  secrets.set("what visitors ask in a query", QUERY);
  await world.ask(HOST, `/?token=${QUERY}`, [`Referer: http://elsewhere.example/?token=${QUERY}`]);
  await world.ask(HOST, `/none?token=${QUERY}`, [`Cookie: session=${QUERY}`]);
  await fetch(`${origin}/api/v1/none?token=${QUERY}`);
  await form(
    "/sites/blog/settings",
    { protection: "password", password: SITE_PASSWORD, _csrf: "wrong" },
    headers,
  );
  await form(
    "/sites/blog/settings",
    { protection: SITE_PASSWORD, password: SITE_PASSWORD, _csrf: csrf },
    headers,
  );
  await call("PATCH", "/sites/blog", { body: { password: SITE_PASSWORD, [SITE_PASSWORD]: 1 } });
  await call("PATCH", "/sites/blog", { body: { password: [SITE_PASSWORD] } });
  await call("POST", "/users/login", { body: { username: "ada", password: WRONG } });
  for (const [what, secret] of secrets) expect([what, secret.length > 8]).toEqual([what, true]);
  return headers;
}

/** What of it stands in a text, by name. */
function found(text: string, spared: readonly string[] = []): string[] {
  return [...secrets]
    .filter(
      ([what, secret]) =>
        !spared.includes(what) &&
        (text.includes(secret) ||
          text.includes(encodeURIComponent(secret)) ||
          text.includes(btoa(secret).replace(/=+$/, ""))),
    )
    .map(([what]) => what);
}

test("secrets in logs / children: none is in a log, a page, the traffic, an export or the database", async () => {
  const headers = { ...(await useAll()), accept: "text/html" };
  const read = async (path: string, more: Record<string, string> = {}) =>
    (await fetch(world.server.url + path, { headers: { ...headers, ...more } })).text();
  const bearer = { authorization: `Bearer ${world.ada}`, accept: "*/*" };
  const wrong: string[] = [];
  const note = (where: string, text: string, spared: readonly string[] = []): void => {
    for (const what of found(text, spared)) wrong.push(`${where}: ${what}`);
  };
  // Lines are written a moment after their request.
  await until(async () => (await read("/sites/blog/logs")).includes("/none"));
  for (const path of [
    "",
    "/traffic",
    "/people",
    "/logs",
    "/settings",
    "/traffic.csv",
    "/traffic.ndjson",
  ])
    note(path, await read(`/sites/blog${path}`));
  // Its record is shown to members, to be put into DNS.
  note("/domains", await read("/sites/blog/domains"), ["the proof of a domain"]);
  for (const path of ["/dashboard", "/settings", "/sites"]) note(path, await read(path));
  for (const path of [
    "",
    "/keys",
    "/members",
    "/deploys",
    "/releases",
    "/logs?limit=100",
    "/traffic",
    "/traffic?format=csv",
    "/traffic?format=ndjson",
  ])
    note(`api ${path}`, await read(`/api/v1/sites/blog${path}`, bearer));
  note("api tokens", await read("/api/v1/tokens", bearer));
  for (const [target, more] of [
    ["/", []],
    ["/none", []],
    ["/.land/enter", []],
    ["/.land/enter?ticket=x", []],
  ] as const)
    note(`site ${target}`, await world.ask(HOST, target, more));
  await world.server.stop();
  note("log", world.server.log());
  note("out", world.server.out());
  expect(world.server.log()).toContain("/api/deploy");
  for (const name of await readdir(world.server.data)) {
    if (!name.startsWith("land.db")) continue;
    const bytes = Buffer.from(await Bun.file(join(world.server.data, name)).arrayBuffer());
    note(name, bytes.toString("latin1"), ["the proof of a domain"]);
  }
  expect(wrong).toEqual([]);
});

test("hard-coded secret: each data folder makes its own key, 32 bytes that only its user reads", async () => {
  await using one = await siteWorld();
  await using other = await siteWorld();
  const keys: string[] = [];
  for (const { server } of [one, other]) {
    const file = Bun.file(join(server.data, "secret.key"));
    expect((await file.stat()).mode & 0o777).toBe(0o600);
    keys.push(await file.text());
    expect((await Bun.file(server.data).stat()).mode & 0o077).toBe(0);
  }
  expect(new Set(keys).size).toBe(2);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}\n$/);
  // What one signs the other does not take.
  for (const { server, deploy, ada } of [one, other]) {
    await deploy(ada, "blog", { "index.html": "blog" });
    await server.call("PATCH", "/sites/blog", { token: ada, body: { password: SITE_PASSWORD } });
  }
  const body = new URLSearchParams({ password: SITE_PASSWORD, to: "/" }).toString();
  const answer = await sendRaw(
    one.server,
    `POST /.land/enter HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  const pass = headerOf(answer, "set-cookie")?.split(";", 1)[0] ?? "";
  expect(statusOf(await one.ask(HOST, "/", [`Cookie: ${pass}`]))).toBe(200);
  expect(statusOf(await other.ask(HOST, "/", [`Cookie: ${pass}`]))).toBe(401);
  expect((await other.server.call("GET", "/users/me", { token: one.ada })).status).toBe(401);
});

test("hard-coded secret: no source holds a key, a token or a default for one", async () => {
  const literal = /["'`](?:[0-9a-f]{40,}|[A-Za-z0-9+/_-]{43}=?|land_[A-Za-z0-9]{16,})["'`]/;
  const fallback =
    /(?:secret|password|apiKey|privateKey)\w*\s*(?:\?\?|\|\||=|:)\s*["'`][^"'`\s]{8,}["'`]/i;
  const key = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\\n)?[A-Za-z0-9+/]{16}/;
  const wrong: string[] = [];
  for (const [path, text] of await sources())
    for (const line of text.split("\n"))
      if (
        [literal, key].some((one) => one.test(line)) ||
        (fallback.test(line) && !line.startsWith("export type"))
      )
        wrong.push(`${path}: ${line.trim()}`);
  expect(wrong).toEqual([]);
});
