import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";

import { RAW } from "./functions-raw.ts";
import { type FunctionWorld, functionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
/** Fetches what it is told to and says what became of it; \`head\`: by a frame of its own making. */
const FETCHER = `${RAW}
let lastId = 100_001;
export default { async fetch(request) {
  const { url, init, head: text, body } = await request.json();
  if (text !== undefined) {
    put(LINK, frame(FRAME.request, (lastId += 2), head(text, body === undefined ? 0 : 1, body)));
    let all = "";
    for (;;) {
      const { type, payload } = take(LINK, 8000);
      all += payload.toString("latin1");
      const isMore = type === FRAME.data || (type === FRAME.response && payload[0] === 2);
      if (!isMore) return new Response(all);
    }
  }
  try {
    const answer = await fetch(url, init);
    return new Response(answer.status + " " + answer.url + " " + (await answer.text()).slice(0, 300));
  } catch (error) {
    return new Response(error.name + " " + error.code + " " + error.message);
  }
} };`;

/** A web server on loopback that keeps each request as it came. */
type Seen = { server: Server; port: number; requests: string[] };
async function listen(answer: (request: string) => string): Promise<Seen> {
  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      requests.push(text);
      socket.end(answer(text));
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0, requests };
}

const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-Land-Url: http://example.com/\r\n\r\n${body}`;

let inside: Seen;
let opened: Seen;
let world: FunctionWorld;
let count = 0;
beforeAll(async () => {
  inside = await listen(() => ok("inside"));
  opened = await listen((request) => {
    const [, to] = /^GET \/to\?(\S+)/.exec(request) ?? [];
    if (to === undefined) return ok("opened");
    return `HTTP/1.1 302 Found\r\nLocation: ${decodeURIComponent(to)}\r\nContent-Length: 0\r\n\r\n`;
  });
  world = await functionWorld({
    LAND_FUNCTIONS_EGRESS_PRIVATE: `127.0.0.1:${opened.port}`,
    LAND_FUNCTIONS_SUBREQUESTS: "1000",
  });
  await world.deploy(
    world.ada,
    "victim",
    "export default { fetch: () => new Response('victim') };",
  );
  // Ids only grow: who writes frames by hand is another process than who calls `fetch`.
  for (const site of ["evil", "by-hand"]) await world.deploy(world.eve, site, FETCHER);
}, TIMEOUT_MS);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  inside.server.close();
  opened.server.close();
});

type Ask = { url?: string; init?: object; head?: string; body?: string };
async function attack(asked: Ask): Promise<string> {
  count += 1;
  const { text } = await world.ask(asked.head === undefined ? "evil" : "by-hand", `/?${count}`, {
    method: "POST",
    body: JSON.stringify(asked),
  });
  return text;
}

const LOOPBACK = [
  ..."127.0.0.1 127.0.0.2 127.1 127.255.255.254 0.0.0.0 0 0x7f.1 0x7f000001 2130706433".split(" "),
  ..."0177.1 0177.0.0.01 017700000001 ①②⑦.0.0.1 127。0。0。1 １２７.0.0.1".split(" "),
  ..."[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:0001] [::127.0.0.1]".split(
    " ",
  ),
  ..."[64:ff9b::127.0.0.1] [2002:7f00:1::] localhost LOCALHOST localhost. %6cocalhost".split(" "),
  ..."victim.localhost victim.localhost. evil.localhost nothing.localhost a.b.localhost".split(" "),
];
const denied = /^TypeError egress_(?:denied|failed) /;

describe("SSRF: no form of loopback is reached", () => {
  test.each(LOOPBACK)(
    "%s",
    async (host) => {
      for (const scheme of ["http", "https"])
        expect(await attack({ url: `${scheme}://${host}:${inside.port}/` })).toMatch(denied);
      // The dashboard, the registry and sites of this very server.
      for (const path of ["/api/v1/users/me", "/", "/npm/left-pad"])
        expect(await attack({ url: `http://${host}:${world.port}${path}` })).toMatch(denied);
      // Past what the program's own side would look at.
      expect(await attack({ head: `GET\nhttp://${encodeURI(host)}:${inside.port}/\n\n` })).toMatch(
        /"code":"egress_(?:denied|failed)"/,
      );
      // Nor by way of a server that may be asked.
      const to = encodeURIComponent(encodeURI(`http://${host}:${inside.port}/`));
      expect(await attack({ url: `http://127.0.0.1:${opened.port}/to?${to}` })).toMatch(denied);
      expect(inside.requests).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "what is opened is reached, and these forms lead to loopback, so that these tests can fail",
    async () => {
      expect(await attack({ url: `http://127.0.0.1:${opened.port}/` })).toMatch(/^200 .* opened$/);
      for (const host of ["127.1", "0x7f.1", "2130706433", "0177.1", "①②⑦.0.0.1", "localhost"]) {
        const answer = await fetch(`http://${host}:${opened.port}/`);
        expect(await answer.text()).toBe("opened");
      }
    },
    TIMEOUT_MS,
  );
});

describe("SSRF: what is sent is what may be sent", () => {
  const last = (): string => opened.requests.at(-1) ?? "";
  const to = (): string => `http://127.0.0.1:${opened.port}/`;

  test.each([
    ["another scheme", "file:///etc/passwd"],
    ["data in place of a file", "ftp://127.0.0.1/"],
    ["a password in the address", "http://user:pass@127.0.0.1:OPENED/"],
    ["a name before the @", "http://example.com@127.0.0.1:INSIDE/"],
    ["NUL in the name", "http://127.0.0.1:INSIDE\0.example.com/"],
    ["a backslash", "http:\\\\127.0.0.1:INSIDE\\"],
    ["a tab in the name", "http://127.0.0\t.1:INSIDE/"],
    ["a port that is none", "http://127.0.0.1:99999/"],
    ["a port of mail", "http://127.0.0.1:25/"],
  ])(
    "%s",
    async (_attack, address) => {
      const url = address
        .replace("INSIDE", String(inside.port))
        .replace("OPENED", String(opened.port));
      const before = opened.requests.length;
      expect(await attack({ url })).toMatch(/^(?:TypeError|DOMException|Error) /);
      await attack({ head: `GET\n${url}\n\n` });
      expect(inside.requests).toEqual([]);
      expect(opened.requests.length).toBe(before);
    },
    TIMEOUT_MS,
  );

  test(
    "another Host, headers of the connection and of the server",
    async () => {
      const headers = [
        ["host", "dashboard.example.com"],
        ["connection", "x-hidden"],
        ["x-hidden", "1"],
        ["x-land-redirect", "follow"],
        ["x-land-anything", "1"],
        ["transfer-encoding", "chunked"],
        ["content-length", "1"],
        ["expect", "100-continue"],
        ["upgrade", "websocket"],
        ["proxy-authorization", "Basic YTpi"],
      ];
      const text = `POST\n${to()}\n\n\n${headers.flat().join("\n")}`;
      expect(await attack({ head: text, body: "0\r\n\r\nGET /second HTTP/1.1\r\n\r\n" })).toContain(
        "opened",
      );
      const sent = last();
      expect(sent).toContain(`\r\nhost: 127.0.0.1:${opened.port}\r\n`);
      expect(sent).not.toMatch(
        /dashboard|x-hidden|x-land|chunked|expect|upgrade|proxy-auth|content-length: 1\r/i,
      );
      const [, length] = /content-length: (\d+)\r\n/i.exec(sent) ?? [];
      expect(Number(length)).toBe(29);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["CR in a value", "GET\nURL\n\n\na\nb\rHost: evil"],
    ["NUL in a value", "GET\nURL\n\n\na\nb\0"],
    ["CR in a name", "GET\nURL\n\n\na\r\nb"],
    ["a space in a name", "GET\nURL\n\n\na b\nc"],
    ["CR in the address", "GET\nURL\r/x\n\n"],
    ["a method with a line", "GET / HTTP/1.1\r\nX: y\nURL\n\n"],
    ["a method with a space", "GET /x\nURL\n\n"],
    ["CONNECT", "CONNECT\nURL\n\n"],
    ["TRACE", "TRACE\nURL\n\n"],
    ["lower case trace", "trace\nURL\n\n"],
  ])(
    "%s",
    async (_attack, text) => {
      const before = opened.requests.length;
      const answer = await attack({ head: text.replace("URL", to()) });
      expect(answer).toMatch(/"code":"(?:bad_head|egress_denied|egress_failed)"|"code":"crashed"/);
      expect(opened.requests.slice(before)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "the address that answered is told by the server alone",
    async () => {
      expect(await attack({ url: to() })).toBe(`200 ${to()} opened`);
    },
    TIMEOUT_MS,
  );

  test(
    "redirects without an end",
    async () => {
      const loop = `${to()}to?${encodeURIComponent("/to?%2F")}`;
      const self = `http://127.0.0.1:${opened.port}/to?`;
      const endless = self + encodeURIComponent(`${self}${encodeURIComponent(self)}`);
      const before = opened.requests.length;
      await attack({ url: loop });
      await attack({ url: endless });
      expect(opened.requests.length - before).toBeLessThan(50);
    },
    TIMEOUT_MS,
  );
});
