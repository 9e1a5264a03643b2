import { describe, expect, test } from "bun:test";
import { connect } from "node:net";

import { findPeer, parsePeer } from "#ui/peer.ts";

import { testUi, told } from "./house.ts";

/** Only root on Linux can be another user. */
const canBeAnother =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  Bun.which("setpriv") !== null &&
  Bun.which("curl") !== null;

const statusOf = async (answer: Promise<Response>): Promise<number> => (await answer).status;

/** What comes back for bytes as they are. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((done, refuse) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("close", () => done(answer)).on("error", refuse);
  });
}

describe("the way in", () => {
  test("the secret counts once, and for whoever opens it", async () => {
    await using ui = testUi();
    const wrong = ui.url.replace(/secret=.*/, "secret=AAAA");
    expect(await statusOf(fetch(wrong))).toBe(403);
    // What only looks at an address, as a preview or a prefetch does, uses nothing up.
    expect(await statusOf(fetch(ui.url, { method: "HEAD" }))).toBe(405);
    expect(await statusOf(fetch(ui.url, { headers: { "sec-purpose": "prefetch" } }))).toBe(405);
    const first = await fetch(ui.url);
    expect(first.status).toBe(200);
    expect(first.headers.get("set-cookie")).toMatch(
      /^land_ui_\d+=[\w-]{32}; HttpOnly; SameSite=Strict; Path=\/[\w-]{32}\/$/,
    );
    expect(first.headers.get("cache-control")).toBe("no-store");
    expect(first.headers.get("referrer-policy")).toBe("no-referrer");
    expect(await first.text()).not.toContain(new URL(ui.url).searchParams.get("secret") ?? "?");
    expect(await statusOf(fetch(ui.url))).toBe(403);
  });

  test("of many who try the secret at once one comes in", async () => {
    await using ui = testUi();
    const all = await Promise.all(Array.from({ length: 20 }, () => statusOf(fetch(ui.url))));
    expect(all.filter((status) => status === 200)).toHaveLength(1);
  });

  test("without the cookie, or elsewhere than its place, there is nothing", async () => {
    await using ui = testUi();
    const { place, get, cookie } = await ui.enter();
    expect(await statusOf(get(""))).toBe(200);
    expect(await statusOf(fetch(place))).toBe(403);
    expect(await statusOf(fetch(place, { headers: { cookie: `${cookie}x` } }))).toBe(403);
    const root = new URL("/", place).href;
    expect(await statusOf(fetch(root, { headers: { cookie } }))).toBe(403);
    expect(await statusOf(fetch(`${root}store`, { headers: { cookie } }))).toBe(403);
    expect(await statusOf(fetch(`${root}a/store`, { headers: { cookie } }))).toBe(403);
    expect(await statusOf(get("a/b"))).toBe(403);
    expect(ui.calls).toEqual([]);
  });

  test("two at once do not know each other's cookies", async () => {
    await using one = testUi();
    await using other = testUi();
    const [first, second] = [await one.enter(), await other.enter()];
    expect(first.cookie.split("=")[0]).not.toBe(second.cookie.split("=")[0]);
    expect(await statusOf(fetch(second.place, { headers: { cookie: first.cookie } }))).toBe(403);
  });
});

describe("who asks", () => {
  test.each([
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost.evil.example:PORT",
    "127.0.0.1.nip.io:PORT",
    "[::1]:PORT",
    "[::ffff:127.0.0.1]:PORT",
    "0.0.0.0:PORT",
    "2130706433:PORT",
    "localhost.:PORT",
    "x@127.0.0.1:PORT",
    "",
  ])("the host %s is refused, whatever it brings", async (host) => {
    await using ui = testUi();
    const { place, cookie } = await ui.enter();
    const { pathname } = new URL(place);
    const heard = await speak(
      ui.port,
      `GET ${pathname} HTTP/1.1\r\nHost: ${host.replace("PORT", String(ui.port))}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(heard).toMatch(/^HTTP\/1\.1 4(?:21|00) /);
    expect(heard).not.toContain("<h1>");
  });

  test("only 127.0.0.1 is listened on", async () => {
    await using ui = testUi();
    for (const address of ["[::1]", "127.0.0.2"])
      expect(await fetch(`http://${address}:${ui.port}/`).catch(() => "refused")).toBe("refused");
  });

  test.each([
    ["another site", "http://evil.example"],
    ["another port", "http://127.0.0.1:1"],
    ["an opaque origin", "null"],
    ["https", "https://127.0.0.1:PORT"],
    ["the other name of this machine", "http://localhost:PORT"],
  ])("a form of %s does nothing", async (_, origin) => {
    await using ui = testUi();
    const { post } = await ui.enter();
    const sent = { origin: origin.replace("PORT", String(ui.port)) };
    expect(await statusOf(post("act", { act: "prune" }, sent))).toBe(403);
    expect(ui.calls).toEqual([]);
  });

  test("a form needs an origin, the token, and to be one", async () => {
    await using ui = testUi();
    const { post, place, cookie, csrf } = await ui.enter();
    expect(await statusOf(post("act", { act: "prune", csrf: "no" }))).toBe(403);
    const origin = new URL(place).origin;
    const send = (body: URLSearchParams | string, headers: Record<string, string> = { origin }) =>
      statusOf(fetch(`${place}act`, { method: "POST", body, headers: { cookie, ...headers } }));
    expect(await send(new URLSearchParams({ csrf, act: "prune" }), {})).toBe(403);
    expect(await send(JSON.stringify({ csrf, act: "prune" }))).toBe(403);
    expect(await send("")).toBe(403);
    const { status } = await fetch(`${place}act`, {
      method: "DELETE",
      headers: { cookie, origin },
    });
    expect(status).toBe(405);
    expect(ui.calls).toEqual([]);
  });

  test("a page of another port of this machine gets nothing by a link", async () => {
    await using ui = testUi();
    const { get } = await ui.enter();
    for (const site of ["same-site", "cross-site"])
      expect(await statusOf(get("", { "sec-fetch-site": site }))).toBe(403);
    expect(await statusOf(get("", { "sec-fetch-site": "same-origin" }))).toBe(200);
  });

  test("a form of more than 64 KB is not read", async () => {
    await using ui = testUi();
    const { post } = await ui.enter();
    expect(await statusOf(post("act", { act: "prune", name: "x".repeat(70_000) }))).toBe(413);
    expect(ui.calls).toEqual([]);
  });
});

test("pages run nothing, frame nothing, are kept nowhere, and tell no other site where they are", async () => {
  await using ui = testUi({ invoke: async () => told({}) });
  const { get } = await ui.enter();
  for (const path of [
    "",
    "store",
    "global",
    "accounts",
    "settings",
    "done",
    "nothing",
    "task?id=x",
  ]) {
    const { headers, status } = await get(path);
    expect([path, status]).toEqual([path, /nothing|task/.test(path) ? 404 : 200]);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  }
});

describe("who is at the other end", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1496 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 0100007F:C350 0100007F:1496 01 00000000:00000000 00:00000000 00000000  1001        0 2 1
   2: 0100007F:1496 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 3 1
   3: 0100007F:C351 0100007F:1496 06 00000000:00000000 00:00000000 00000000     0        0 0 1
`;

  test("is read off the table of sockets", () => {
    expect(parsePeer(table, 50_000, 5270)).toBe(1001);
    expect(parsePeer(table, 50_001, 5270)).toBeUndefined();
    expect(parsePeer(table, 50_000, 1)).toBeUndefined();
    expect(parsePeer("", 50_000, 5270)).toBeUndefined();
    expect(parsePeer("x\ny z\n", 50_000, 5270)).toBeUndefined();
  });

  test.skipIf(process.platform !== "linux")(
    "is this user for a connection of our own",
    async () => {
      let found: number | undefined = -1;
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        async fetch(request, listening) {
          found = await findPeer(listening.requestIP(request)?.port ?? 0, listening.port ?? 0);
          return new Response();
        },
      });
      await fetch(`http://127.0.0.1:${server.port}/`);
      await server.stop(true);
      expect(found).toBe(process.getuid?.() ?? -1);
    },
  );

  test.skipIf(!canBeAnother)(
    "another user with the secret stays outside, and does not use it up",
    async () => {
      await using ui = testUi({ uid: 12_345 });
      const come = (uid: number) =>
        Bun.spawn(
          [
            "setpriv",
            `--reuid=${uid}`,
            "--clear-groups",
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            ui.url,
          ],
          { stdout: "pipe", stderr: "ignore" },
        ).stdout.text();
      expect(await come(23_456)).toBe("403");
      expect(await come(12_345)).toBe("200");
    },
  );
});
