import { expect, test } from "bun:test";
import { createServer } from "node:https";

import { createResolve } from "#runtime/egress/resolve.ts";
import { startDns } from "#test/support/dns.ts";

import { makeAuthority } from "./egress-certificates.ts";
import { egressWorld, headerOf, listen, refusalOf, textOf } from "./egress-world.ts";

const PUBLIC = "93.184.215.14";

test("SSRF: every form of loopback is refused before anything is connected", async () => {
  await using world = await egressWorld({
    config: { "functions.egressPrivate": [], "functions.subrequests": 1000 },
    names: {
      localhost: ["::1", "127.0.0.1"],
      "inside.example": ["127.0.0.1"],
      "inside6.example": ["::1"],
      "mapped.example": ["::ffff:127.0.0.1"],
      "mixed.example": [PUBLIC, "127.0.0.1"],
      "mixed6.example": ["2606:4700::1", "::1"],
      "zone.example": ["fe80::1%lo"],
      "odd.example": ["localhost"],
      "empty.example": [""],
    },
  });
  const port = world.origin.split(":")[1] ?? "";
  const hosts = `
    127.0.0.1 127.1.2.3 127.255.255.254 0.0.0.0 0 127.1 0x7f.1 2130706433 0177.0.0.1 ①②⑦.0.0.1
    127。0。0。1 [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::]
    localhost LOCALHOST localhost. inside.example inside6.example mapped.example mixed.example
    mixed6.example zone.example odd.example empty.example land.example blog.land.example
    other.land.example.`;
  for (const host of hosts.trim().split(/\s+/))
    expect([host, await refusalOf(world.fetch(`http://${host}:${port}/`))]).toEqual([
      host,
      expect.stringMatching(/^egress_denied: Cannot fetch /),
    ]);
  expect(await refusalOf(world.fetch("http://none.example/"))).toBe(
    "egress_failed: Cannot fetch none.example: there is no host of that name",
  );
  expect(world.asked).toEqual([]);
});

test("SSRF: our own address, also behind a name, and the names of our sites", async () => {
  await using world = await egressWorld({
    names: { "me.example": ["198.41.0.4"], "me6.example": ["::ffff:198.41.0.4"] },
  });
  for (const [url, why] of [
    ["http://198.41.0.4:9000/", "it is an address of this server"],
    ["http://[::ffff:198.41.0.4]/", "it is an address of this server"],
    ["https://me.example/", "it leads to 198.41.0.4, which is an address of this server"],
    ["https://me6.example/", "it leads to ::ffff:198.41.0.4, which is an address of this server"],
  ] as const)
    expect(await refusalOf(world.fetch(url))).toEndWith(why);
});

test("SSRF: a name that answers differently the second time is asked once", async () => {
  const answers = [["127.0.0.1"], [PUBLIC]];
  let asked = 0;
  await using world = await egressWorld({
    more: { resolve: () => Promise.resolve(answers[asked++] ?? []) },
  });
  const port = world.origin.split(":")[1] ?? "";
  // Allowed by the list of private addresses: what is connected to is the first answer, not a second one.
  expect(await textOf(await world.fetch(`http://flip.example:${port}/`))).toBe("hello");
  expect(asked).toBe(1);
});

test("SSRF: what DNS says of a name is judged, and the DNS servers of the settings are asked", async () => {
  await using dns = await startDns();
  const config = { "dns.servers": [dns.address] };
  const resolve = createResolve(config["dns.servers"]);
  await using world = await egressWorld({ config, more: { resolve } });
  expect(await refusalOf(world.fetch("http://inside.example/"))).toBe(
    "egress_denied: Cannot fetch inside.example: it leads to 127.0.0.1, which is an address of this machine",
  );
  expect(dns.asked.toSorted()).toEqual(["inside.example 1", "inside.example 28"]);
  const port = world.origin.split(":")[1] ?? "";
  expect(await textOf(await world.fetch(`http://inside.example:${port}/`))).toBe("hello");
});

test("SSRF: the system knows where localhost is, and that is refused", async () => {
  await using world = await egressWorld({ more: { resolve: createResolve([]) } });
  expect(await refusalOf(world.fetch("http://localhost:1234/"))).toMatch(
    /^egress_denied: .*which is an address of this machine$/,
  );
});

test("SSRF: ports of mail and the like are no web", async () => {
  await using world = await egressWorld({ names: { "mail.example": [PUBLIC] } });
  for (const port of [25, 465, 587, 22, 53, 6667])
    expect(await refusalOf(world.fetch(`http://mail.example:${port}/`))).toBe(
      `egress_denied: Cannot fetch mail.example:${port}: port ${port} is not for the web`,
    );
});

test("SSRF: a redirect is judged like a request", async () => {
  await using world = await egressWorld({
    names: { "me.example": ["127.0.0.1"], localhost: ["::1", "127.0.0.1"] },
  });
  const [, port = ""] = world.origin.split(":");
  for (const to of [
    "http://127.0.0.2/",
    `http://127.0.0.1:${Number(port) === 1 ? 2 : 1}/`,
    "http://[::ffff:127.0.0.1]/",
    "//localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "http://user:x@93.184.215.14/",
    "https://me.example/",
    "//blog.land.example/",
  ]) {
    world.answer((_, response) => void response.writeHead(302, { location: to }).end());
    expect([to, await refusalOf(world.fetch(`http://${world.origin}/`))]).toEqual([
      to,
      expect.stringMatching(/^egress_denied/),
    ]);
  }
});

test("redirects: modes, methods, bodies, credentials, the number of hops", async () => {
  await using world = await egressWorld({ config: { "functions.subrequests": 1000 } });
  await using other = await egressWorld();
  await using both = await egressWorld({
    config: {
      "functions.egressPrivate": [world.origin, other.origin],
      "functions.subrequests": 1000,
    },
  });
  const base = `http://${world.origin}`;
  world.answer((request, response) => {
    const [, status, path] = /^\/(\d+)\/?(.*)$/.exec(request.url ?? "") ?? [];
    const to = path || "end";
    if (status === "307" && to === "loop") response.writeHead(307, { location: "/307/loop" });
    else if (status !== undefined)
      response.writeHead(Number(status), {
        location: to === "away" ? `http://${other.origin}/end` : `/${to}`,
      });
    request.resume();
    request.on("end", () => response.end(JSON.stringify([request.method, request.headers])));
  });
  let seen: unknown;
  other.answer((request, response) => {
    seen = request.headers;
    response.end("away");
  });
  const post = {
    method: "POST",
    body: new TextEncoder().encode("body"),
    headers: [
      ["content-type", "text/x"],
      ["authorization", "Bearer secret"],
      ["cookie", "a=1"],
      ["x-own", "1"],
    ],
  } as const;
  for (const [status, method, type] of [
    [301, "GET", undefined],
    [302, "GET", undefined],
    [303, "GET", undefined],
    [307, "POST", "text/x"],
    [308, "POST", "text/x"],
  ] as const) {
    const answer = await both.fetch(`${base}/${status}`, post);
    expect(headerOf(answer, "x-land-url")).toBe(`${base}/end`);
    expect(JSON.parse(await textOf(answer))).toMatchObject([
      method,
      { "x-own": "1", authorization: "Bearer secret" },
    ]);
    expect([status, type]).toEqual([
      status,
      JSON.parse(await textOf(await both.fetch(`${base}/${status}`, post)))[1]["content-type"],
    ]);
  }
  await both.fetch(`${base}/307/away`, post).then(textOf);
  expect(seen).toMatchObject({ "x-own": "1", "content-type": "text/x" });
  expect(seen).not.toHaveProperty("authorization");
  expect(seen).not.toHaveProperty("cookie");

  const stream = new Blob(["x"]).stream() as ReadableStream<Uint8Array>;
  expect(await refusalOf(both.fetch(`${base}/307`, { method: "POST", body: stream }))).toContain(
    "cannot be sent twice",
  );
  const manual = await both.fetch(`${base}/302`, { headers: [["x-land-redirect", "manual"]] });
  expect([manual.status, headerOf(manual, "location")]).toEqual([302, "/end"]);
  expect(
    await refusalOf(both.fetch(`${base}/302`, { headers: [["x-land-redirect", "error"]] })),
  ).toEndWith("it redirects");
  const before = world.asked.length;
  expect(await refusalOf(both.fetch(`${base}/307/loop`))).toEndWith("it redirects too often");
  expect(world.asked.length - before).toBe(21);
});

test("the certificate is checked against the name that was asked for, not the address", async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.certificateOf("a.test");
  const server = createServer(
    { cert, key },
    (request, response) => void response.end(request.headers.host),
  );
  const origin = await listen(server);
  const port = origin.split(":")[1] ?? "";
  const names = { "a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"] };
  const config = { "functions.egressPrivate": [origin] };
  await using world = await egressWorld({ config, names, more: { ca: authority.pem } });
  expect(await textOf(await world.fetch(`https://a.test:${port}/`))).toBe(`a.test:${port}`);
  for (const host of ["b.test", "127.0.0.1"])
    expect(await refusalOf(world.fetch(`https://${host}:${port}/`))).toMatch(
      /^egress_failed: .*does not match certificate/,
    );
  await using trusting = await egressWorld({ config, names });
  expect(await refusalOf(trusting.fetch(`https://a.test:${port}/`))).toMatch(
    /^egress_failed: .*(?:certificate|issuer)/,
  );
  server.close();
});
