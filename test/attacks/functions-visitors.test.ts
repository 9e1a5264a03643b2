import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { type FunctionWorld, functionWorld } from "./functions-world.ts";
import { bodyOf, headerOf, rawRequest } from "./site-world.ts";
import { sendRaw, statusOf } from "./wire.ts";

const TIMEOUT_MS = 60_000;
const PASSWORD = "open sesame";
/** Tells what it saw of a request; \`/answer\`: answers with the headers that it is sent as its body. */
const ECHO = `export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/answer") {
      const { headers, body, stream, status } = await request.json();
      const text = stream ? new Blob([body]).stream() : body;
      return new Response(text, { headers, status });
    }
    return Response.json({ url: request.url, method: request.method, headers: [...request.headers], body: await request.text() });
  },
  websocket: {
    open(socket) { socket.send(JSON.stringify({ headers: [...new Headers(socket.headers)], url: socket.url })); },
    message() {},
  },
};`;

type Echo = { url: string; method: string; headers: [string, string][]; body: string };
let world: FunctionWorld;
beforeAll(async () => {
  world = await functionWorld();
  await world.deploy(world.eve, "evil", ECHO);
  await world.deploy(world.eve, "closed", ECHO);
  const body = { protection: "password", password: PASSWORD };
  expect((await world.call(world.eve, "PATCH", "/sites/closed", body)).status).toBe(200);
}, TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

const host = (site: string): string => `Host: ${site}.localhost:${world.port}`;
async function echo(site: string, headers: readonly string[], target = "/x"): Promise<Echo> {
  const answer = await sendRaw(
    world.server,
    Buffer.from(rawRequest("GET", target, [host(site), ...headers]), "latin1"),
  );
  expect(answer).toStartWith("HTTP/1.1 200");
  return JSON.parse(bodyOf(answer));
}
const all = ({ headers }: Echo, name: string): string[] =>
  headers.filter(([one]) => one === name).map(([, value]) => value);

/** What a visitor says who wants to be taken for another. */
const LIES = [
  "X-Land-Site: victim",
  "X-Land-Address: 192.0.2.1",
  "X-Forwarded-For: 192.0.2.1",
  "X-Forwarded-Host: bank.example.com",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Port: 443",
  "X-Forwarded-User: admin",
  "X-Real-IP: 192.0.2.1",
  "CF-Connecting-IP: 192.0.2.1",
  "True-Client-IP: 192.0.2.1",
  "Forwarded: for=192.0.2.1;host=bank.example.com",
  "X-Request-Id: forged-forged",
  "Proxy-Authorization: Basic YTpi",
  "X-Hidden: 1",
];

/** What the server says of a visitor in their place. */
function expectTruth(seen: Echo): void {
  expect(all(seen, "x-forwarded-for")).toEqual(["127.0.0.1"]);
  expect(all(seen, "cf-connecting-ip")).toEqual(["127.0.0.1"]);
  expect(all(seen, "x-forwarded-proto")).toEqual(["http"]);
  expect(all(seen, "x-forwarded-host")).toEqual([`evil.localhost:${world.port}`]);
  expect(JSON.stringify(seen.headers)).not.toMatch(
    /192\.0\.2\.1|bank|x-land|admin|forged|proxy-auth/,
  );
}

test("headers that tell a lie about the visitor", async () => {
  const seen = await echo("evil", [...LIES, "Connection: x-hidden"]);
  expectTruth(seen);
  expect(seen.url).toBe(`http://evil.localhost:${world.port}/x`);
  expect(all(seen, "x-request-id")[0]).toMatch(/^[\w-]{12}$/);
});

test("the same at the handshake of a socket", async () => {
  const headers = Object.fromEntries(LIES.map((line) => line.split(": ", 2)));
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, {
    headers: { ...headers, Host: `evil.localhost:${world.port}` },
  } as unknown as string[]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.addEventListener("message", ({ data }) => resolve(String(data)));
  socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)));
  expectTruth(JSON.parse(await promise));
  socket.close();
});

describe("what opens a closed site is not shown to its program", () => {
  test("a pass", async () => {
    const form = `password=${encodeURIComponent(PASSWORD)}&to=%2F`;
    const entered = await world.ask("closed", "/.land/enter", {
      method: "POST",
      body: form,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    const [pass = ""] = (entered.headers.get("set-cookie") ?? "").split(";");
    expect(pass).toContain("land-pass=");
    const seen = await echo("closed", [`Cookie: a=b; ${pass}; c=d`]);
    expect(all(seen, "cookie")).toEqual(["a=b; c=d"]);
  });

  test("a password that is sent with each request", async () => {
    const credentials = `Authorization: Basic ${btoa(`x:${PASSWORD}`)}`;
    expect(JSON.stringify((await echo("closed", [credentials])).headers)).not.toContain("asic");
    // Where there is no such gate they are the program's.
    expect(all(await echo("evil", [credentials]), "authorization")).toHaveLength(1);
  });
});

describe("requests within requests", () => {
  const post = (lines: string[], body: string): Promise<string> =>
    sendRaw(
      world.server,
      `POST /x HTTP/1.1\r\n${[host("evil"), ...lines].join("\r\n")}\r\nConnection: close\r\n\r\n${body}`,
    );
  const inner = `GET /inner HTTP/1.1\r\nHost: victim.localhost\r\n\r\n`;
  const chunk = (text: string, more = ""): string =>
    `${text.length.toString(16)}${more}\r\n${text}\r\n`;

  test.each([
    [
      "a length and chunks",
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      `0\r\n\r\n${inner}`,
    ],
    ["two lengths", ["Content-Length: 5", "Content-Length: 60"], inner],
    ["a length with a sign", ["Content-Length: +5"], inner],
    ["chunked with a blank", ["Transfer-Encoding : chunked"], `0\r\n\r\n${inner}`],
    ["chunked twice", ["Transfer-Encoding: chunked, chunked"], `0\r\n\r\n${inner}`],
    ["identity and chunked", ["Transfer-Encoding: identity, chunked"], `0\r\n\r\n${inner}`],
    ["a size that is none", ["Transfer-Encoding: chunked"], `-1\r\n${inner}`],
    ["a size of 2^64", ["Transfer-Encoding: chunked"], `10000000000000000\r\n${inner}`],
  ])("%s reach no program twice", async (_attack, lines, body) => {
    const answer = await post(lines, body);
    expect(answer).not.toContain("/inner");
    expect(answer.split("HTTP/1.1 ").length).toBeLessThanOrEqual(2);
  });

  test("extensions of chunks and trailers are no part of the body", async () => {
    const body = `${chunk(inner, ";a=b\t")}0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n`;
    const answer = await post(["Transfer-Encoding: chunked"], body);
    if (statusOf(answer) !== 200) return expect(statusOf(answer)).toBe(400);
    const seen: Echo = JSON.parse(bodyOf(answer));
    expect(seen.body).toBe(inner);
    expect(all(seen, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(all(seen, "transfer-encoding")).toEqual([]);
    return undefined;
  });
});

test.each([
  ..."/.land/program.js /.land/program.js.map /.LAND/program.js /.land/../.land/program.js".split(
    " ",
  ),
  ..."/%2eland/program.js /%2e%6cand/program%2ejs /x/..%2f.land/program.js /.land%2fprogram.js".split(
    " ",
  ),
  ..."//.land/program.js /.land//program.js /.land/program.js/ /.land/program.js%00 /.land/program.js?x".split(
    " ",
  ),
  ..."/.land\\program.js /%252eland/program.js /.land;/program.js /main.js /main.js.map".split(" "),
])("the program is no file: %s", async (target) => {
  const answer = await sendRaw(world.server, rawRequest("GET", target, [host("evil")]));
  expect(answer).not.toContain("export default");
  // What reaches the program does so as it was sent.
  if (statusOf(answer) === 200) expect(bodyOf(answer)).toContain('"method":"GET"');
});

describe("what a program answers", () => {
  const answered = async (about: object): Promise<string> => {
    const body = JSON.stringify(about);
    return sendRaw(
      world.server,
      `POST /answer HTTP/1.1\r\n${host("evil")}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  };

  test("cookies for others stay its own", async () => {
    const cookies = [
      "a=1; Domain=localhost",
      "b=1; domain=.localhost; Path=/",
      "c=1; DOMAIN = LocalHost.",
      "d=1; Domain=evil.localhost",
      "e=1;Domain=other.example; Domain=localhost",
      "f=1;\tdomain=.localhost.",
    ];
    const answer = await answered({ headers: cookies.map((value) => ["set-cookie", value]) });
    const set = answer.match(/^set-cookie: .*$/gim)?.map((line) => line.slice(12)) ?? [];
    expect(set).toHaveLength(cookies.length);
    expect(set.filter((line) => /domain\s*=\s*\.?localhost\.?\s*(?:;|$)/i.test(line))).toEqual([]);
  });

  test("a cookie that is called like the dashboard's lets nobody in", async () => {
    const tossed = `land_session=${"a".repeat(43)}; __Host-land_session=x`;
    const { status } = await fetch(`${world.server.url}/api/v1/users/me`, {
      headers: { cookie: tossed },
    });
    expect(status).toBe(401);
    const seen = await echo("evil", [`Cookie: ${tossed}`]);
    expect(seen.method).toBe("GET");
  });

  test.each([
    ["a length that is too small", { body: "x".repeat(100), headers: [["content-length", "5"]] }],
    [
      "the same of a stream",
      { body: "x".repeat(100), stream: true, headers: [["content-length", "5"]] },
    ],
    [
      "a length that is too large",
      { body: "x", stream: true, headers: [["content-length", "500"]] },
    ],
    ["chunks that are none", { body: "zz\r\n", headers: [["transfer-encoding", "chunked"]] }],
    [
      "an upgrade",
      {
        body: "x",
        headers: [
          ["connection", "upgrade"],
          ["upgrade", "h2c"],
        ],
      },
    ],
    ["a body where none may be", { status: 204, body: null, headers: [["content-length", "9"]] }],
    [
      "orders to a proxy",
      {
        body: "x",
        headers: [
          ["x-accel-redirect", "/etc/passwd"],
          ["x-sendfile", "/etc/passwd"],
        ],
      },
    ],
    ["a session cleared", { body: "x", headers: [["clear-site-data", '"*"']] }],
    [
      "lies of the server's",
      {
        body: "x",
        headers: [
          ["x-land-code", "busy"],
          ["alt-svc", 'h3=":1"'],
          ["date", "now"],
        ],
      },
    ],
  ])("%s", async (_attack, about) => {
    const answer = await answered(about);
    expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
    expect(answer).not.toMatch(
      /x-accel|x-sendfile|clear-site-data|x-land-code|alt-svc|upgrade: |date: now/i,
    );
    const length = headerOf(answer, "content-length");
    if (length !== undefined && statusOf(answer) === 200)
      expect(bodyOf(answer).length).toBeLessThanOrEqual(Number(length));
    expect(headerOf(answer, "transfer-encoding") ?? "chunked").toBe("chunked");
  });
});
