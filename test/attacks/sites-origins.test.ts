import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { PASSWORD } from "../support/people.ts";
import { bodyOf, headerOf, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { sendRaw, statusOf } from "./wire.ts";

/** Names under which a cookie would reach the dashboard or another site. */
const COOKIES = [
  "land_session=tossed; Domain=land.example",
  "land_session=tossed; Domain=.land.example",
  "land_session=tossed; domain=LAND.EXAMPLE",
  "land_session=tossed; Path=/; DOMAIN = .land.example ",
  "land_session=tossed; Domain=land.example.",
  "land_session=tossed; Domain=example",
  "land_session=tossed;Domain=land.example;Domain=evil.land.example",
  "land_session=tossed; Domain=evil.land.example; Domain=land.example",
  "__Host-land_session=tossed; Secure; Path=/; Domain=land.example",
  "land_form=tossed; Domain=land.example",
  'land_session=tossed; Domain="land.example"',
];
const OWN = "theme=dark; Path=/; SameSite=Lax";

let world: SiteWorld;
let home = "";
beforeAll(async () => {
  world = await siteWorld({ LAND_DOMAIN: "land.example" });
  home = `http://127.0.0.1:${world.port}`;
  const lines = [...COOKIES, OWN].map((cookie) => `  Set-Cookie: ${cookie}\n`).join("");
  await world.deploy(world.eve, "evil", {
    "index.html": "evil",
    _headers: `/*\n${lines}  Clear-Site-Data: "cookies"\n  Clear-Site-Data: "*"\n  Strict-Transport-Security: max-age=1; includeSubDomains\n  Access-Control-Allow-Origin: *\n`,
  });
  await world.deploy(world.ada, "blog", { "index.html": "blog" });
  await untilHot();
});
afterAll(() => world[Symbol.asyncDispose]());

const EVIL = "evil.land.example";

test("cookie tossing across *.domain: a site's cookies stay on its own host", async () => {
  for (let times = 0; times < 3; times += 1) {
    const answer = await world.ask(EVIL, "/");
    expect(bodyOf(answer)).toBe("evil");
    const cookies = [...answer.matchAll(/^set-cookie: (.*?)\r$/gim)].map(([, value]) => value);
    expect(cookies).toEqual([OWN]);
    expect(headerOf(answer, "clear-site-data")).toBeUndefined();
    expect(headerOf(answer, "strict-transport-security")).toBeUndefined();
  }
});

/** A browser that is signed in as ada: its cookie, and the token of its forms. */
async function signIn(user: string): Promise<{ cookie: string; csrf: string; raw: string }> {
  const answer = await fetch(`${home}/login`, { headers: { accept: "text/html" } });
  const form = answer.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const token = /name="_csrf" value="([^"]+)"/.exec(await answer.text())?.[1] ?? "";
  const signed = await fetch(`${home}/login`, {
    method: "POST",
    redirect: "manual",
    headers: { cookie: form, origin: home },
    body: new URLSearchParams({ username: user, password: PASSWORD, _csrf: token }),
  });
  const raw = signed.headers.get("set-cookie") ?? "";
  const cookie = raw.split(";", 1)[0] ?? "";
  const page = await fetch(`${home}/sites`, { headers: { cookie, accept: "text/html" } });
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  return { cookie, csrf, raw };
}

describe("a page of a site against who is signed in", () => {
  let ada: Awaited<ReturnType<typeof signIn>>;
  let eve: Awaited<ReturnType<typeof signIn>>;
  beforeAll(async () => {
    ada = await signIn("ada");
    eve = await signIn("eve");
  });

  async function makeSite(name: string, headers: Record<string, string>, csrf: string) {
    const answer = await fetch(`${home}/sites`, {
      method: "POST",
      redirect: "manual",
      headers: { accept: "application/json", ...headers },
      body: new URLSearchParams({ name, _csrf: csrf }),
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  test("cookie tossing across *.domain: the session is for our host alone, and unreadable", () => {
    expect(ada.raw).toMatch(/^land_session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  });

  test("cookie tossing across *.domain: a site cannot make the dashboard write", async () => {
    const EVIL_ORIGIN = `http://${EVIL}:${world.port}`;
    const attempts: [string, Record<string, string>, string][] = [
      ["her cookie, no token", { cookie: ada.cookie, origin: EVIL_ORIGIN }, ""],
      ["her cookie, the attacker's token", { cookie: ada.cookie, origin: EVIL_ORIGIN }, eve.csrf],
      ["her cookie and even her token", { cookie: ada.cookie, origin: EVIL_ORIGIN }, ada.csrf],
      ["no Origin", { cookie: ada.cookie }, ada.csrf],
      ["Origin null", { cookie: ada.cookie, origin: "null" }, ada.csrf],
      ["our name on another port", { cookie: ada.cookie, origin: "http://127.0.0.1:1" }, ada.csrf],
      [
        "our name with https",
        { cookie: ada.cookie, origin: home.replace("http", "https") },
        ada.csrf,
      ],
      [
        "a name that ends as ours",
        { cookie: ada.cookie, origin: `${home}.evil.example` },
        ada.csrf,
      ],
      ["the attacker's session, tossed", { cookie: eve.cookie, origin: EVIL_ORIGIN }, eve.csrf],
      [
        "both sessions, the tossed one first",
        { cookie: `${eve.cookie}; ${ada.cookie}`, origin: home },
        eve.csrf,
      ],
      [
        "both sessions, the tossed one last",
        { cookie: `${ada.cookie}; ${eve.cookie}`, origin: home },
        eve.csrf,
      ],
      [
        "both sessions and her token",
        { cookie: `${ada.cookie}; ${eve.cookie}`, origin: home },
        ada.csrf,
      ],
      [
        "fetch metadata of another site",
        { cookie: ada.cookie, origin: EVIL_ORIGIN, "sec-fetch-site": "same-site" },
        ada.csrf,
      ],
    ];
    for (const [how, headers, csrf] of attempts) {
      const status = await makeSite("tossed", headers, csrf);
      expect([how, [401, 403].includes(status)]).toEqual([how, true]);
    }
    const { value } = await world.server.call<{ items: { name: string }[] }>("GET", "/sites", {
      token: world.ada,
    });
    expect(value.items.map(({ name }) => name)).toEqual(["blog"]);
    // And with all that a page of ours sends it is done, so that this test can fail.
    expect(await makeSite("honest", { cookie: ada.cookie, origin: home }, ada.csrf)).toBe(303);
  });

  test("cookie tossing across *.domain: uploads by the page are refused before and after their body, too", async () => {
    const sent = async (origin: string, csrf: string) => {
      const form = new FormData();
      form.set("_csrf", csrf);
      form.set("file", new Blob(["no archive"]), "x.zip");
      const answer = await fetch(`${home}/sites/blog/upload`, {
        method: "POST",
        headers: { cookie: ada.cookie, origin, accept: "application/json" },
        body: form,
      });
      return /"code":"(\w+)"/.exec(await answer.text())?.[1];
    };
    expect(await sent(`http://${EVIL}`, ada.csrf)).toBe("csrf_failed");
    expect(await sent(home, eve.csrf)).toBe("csrf_failed");
    expect(await sent(home, "")).toBe("csrf_failed");
    expect(await sent(home, ada.csrf)).not.toBe("csrf_failed");
  });

  test("cookie tossing across *.domain: nobody is signed in as the attacker by a planted form cookie", async () => {
    const page = await fetch(`${home}/login`, { headers: { accept: "text/html" } });
    const cookie = page.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const fields = { username: "eve", password: PASSWORD, _csrf: csrf };
    const login = async (headers: Record<string, string>) => {
      const body = new URLSearchParams(fields);
      const answer = await fetch(`${home}/login`, {
        method: "POST",
        redirect: "manual",
        headers,
        body,
      });
      return [answer.status, answer.headers.get("set-cookie")];
    };
    expect(await login({ cookie, origin: `http://${EVIL}:${world.port}` })).toEqual([403, null]);
    expect(await login({ cookie, origin: "null" })).toEqual([403, null]);
    expect(
      (await login({ cookie: `${cookie}; land_form=${"x".repeat(43)}`, origin: home }))[0],
    ).toBe(403);
    expect((await login({ cookie, origin: home }))[0]).toBe(303);
  });

  test("cookie tossing across *.domain: on a site the dashboard's cookie opens nothing and is not given back", async () => {
    for (const target of [
      "/",
      "/login",
      "/dashboard",
      "/sites/blog",
      "/api/v1/users/me",
      "/api/v1/tokens",
    ])
      for (const headers of [[`Cookie: ${ada.cookie}`], [`Authorization: Bearer ${world.ada}`]]) {
        const answer = await world.ask("blog.land.example", target, headers);
        expect([target, statusOf(answer)]).toEqual([target, target === "/" ? 200 : 404]);
        expect(answer).not.toMatch(/"username"|set-cookie: land|unauthenticated|value="/i);
      }
  });

  test("cookie tossing across *.domain: no page and no API answer may be read or framed by a site", async () => {
    const origin = `http://${EVIL}:${world.port}`;
    const paths = [
      "/",
      "/login",
      "/dashboard",
      "/sites",
      "/sites/blog",
      "/sites/blog/settings",
      "/sites/blog/people",
      "/settings",
      "/docs/api",
      "/errors",
      "/none",
    ];
    const api = [
      "/api/v1/users/me",
      "/api/v1/sites",
      "/api/v1/sites/blog",
      "/api/v1/packages",
      "/openapi.json",
      "/health",
    ];
    for (const path of [...paths, ...api]) {
      const headers = {
        cookie: ada.cookie,
        origin,
        accept: path.startsWith("/api") ? "*/*" : "text/html",
      };
      const answers = [
        await fetch(home + path, { headers, redirect: "manual" }),
        await fetch(home + path, {
          method: "OPTIONS",
          headers: {
            ...headers,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
          },
        }),
      ];
      for (const answer of answers)
        expect([
          path,
          [...answer.headers.keys()].filter((name) => name.startsWith("access-control")),
        ]).toEqual([path, []]);
      const [page] = answers;
      if (page?.headers.get("content-type")?.startsWith("text/html"))
        expect([path, page.headers.get("content-security-policy")]).toEqual([
          path,
          expect.stringMatching(/frame-ancestors 'none'/),
        ]);
      expect([path, page?.headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    }
  });
});

test("cookie tossing across *.domain: the server's own pages on sites are not framed either", async () => {
  await world.server.call("PATCH", "/sites/blog", {
    token: world.ada,
    body: { password: "canary password" },
  });
  for (const [host, target] of [
    ["blog.land.example", "/"],
    ["blog.land.example", "/.land/enter"],
    ["none.land.example", "/"],
    ["evil.land.example", "/none"],
    ["unknown.example.org", "/"],
  ] as const)
    expect([
      host,
      headerOf(await world.ask(host, target, ["Accept: text/html"]), "content-security-policy"),
    ]).toEqual([host, expect.stringMatching(/frame-ancestors 'none'/)]);
  await world.server.call("PATCH", "/sites/blog", {
    token: world.ada,
    body: { protection: "none" },
  });
});

test("cookie tossing across *.domain: where the browser came by https only __Host- cookies count", async () => {
  await using secure = await siteWorld({
    LAND_DOMAIN: "land.example",
    LAND_PUBLIC_URL: "https://land.example",
  });
  const body = JSON.stringify({ username: "ada", password: PASSWORD });
  const login = await sendRaw(
    secure.server,
    `POST /api/v1/users/login HTTP/1.1\r\nHost: land.example\r\nOrigin: https://land.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(statusOf(login)).toBe(200);
  const page = await secure.ask("land.example", "/login", ["Accept: text/html"]);
  expect(headerOf(page, "set-cookie")).toMatch(
    /^__Host-land_form=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  const form = headerOf(page, "set-cookie")?.split(";", 1)[0] ?? "";
  const token = /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? "";
  const fields = new URLSearchParams({
    username: "ada",
    password: PASSWORD,
    _csrf: token,
  }).toString();
  const signed = await sendRaw(
    secure.server,
    `POST /login HTTP/1.1\r\nHost: land.example\r\nOrigin: https://land.example\r\nCookie: ${form}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${fields.length}\r\nConnection: close\r\n\r\n${fields}`,
  );
  const cookie = headerOf(signed, "set-cookie") ?? "";
  expect(cookie).toMatch(/^__Host-land_session=[^;]+; Path=\/; HttpOnly; SameSite=Lax;.* Secure$/);
  const pair = cookie.split(";", 1)[0] ?? "";
  const sees = async (sent: string) =>
    statusOf(await secure.ask("land.example", "/api/v1/users/me", [`Cookie: ${sent}`]));
  expect(await sees(pair)).toBe(200);
  // What a site can set has the plain name: it is not looked at, alone or beside the real one.
  expect(await sees(pair.replace("__Host-", ""))).toBe(401);
  expect(await sees(`land_session=tossed; ${pair}`)).toBe(200);
  expect(await sees(`__host-land_session=tossed; ${pair}`)).toBe(200);
});
