import { expect, test } from "bun:test";
import { createServer as createRaw } from "node:net";

import { egressWorld, headerOf, listen, refusalOf, textOf } from "./egress-world.ts";

test("a program fetches: method, headers, body, answer", async () => {
  await using world = await egressWorld();
  world.answer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => void (body += part.toString()));
    request.on("end", () => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.setHeader("x-land-url", "http://evil.example/");
      response.writeHead(201, "Made so");
      response.end(JSON.stringify([request.method, request.url, request.rawHeaders, body]));
    });
  });
  const answer = await world.fetch(`http://${world.origin}/path?q=1#part`, {
    method: "post",
    headers: [
      ["Host", "evil.example"],
      ["Content-Type", "text/plain"],
      ["X-Two", "1"],
      ["X-Two", "2"],
      ["Connection", "x-private"],
      ["X-Private", "1"],
      ["Transfer-Encoding", "chunked"],
      ["Content-Length", "99"],
      ["X-Land-Redirect", "follow"],
      ["Expect", "100-continue"],
    ],
    body: new TextEncoder().encode("hi"),
  });
  expect([answer.status, answer.statusText]).toEqual([201, "Made so"]);
  expect(headerOf(answer, "x-land-url")).toBe(`http://${world.origin}/path?q=1`);
  expect(answer.headers.filter(([name]) => name === "set-cookie").map(([, v]) => v)).toEqual([
    "a=1",
    "b=2",
  ]);
  expect(answer.headers.some(([name]) => ["connection", "transfer-encoding"].includes(name))).toBe(
    false,
  );
  expect(JSON.parse(await textOf(answer))).toEqual([
    "POST",
    "/path?q=1",
    `host ${world.origin} connection close content-type text/plain x-two 1 x-two 2 user-agent land content-length 2`.split(
      " ",
    ),
    "hi",
  ]);
});

test("bytes of a coded answer are passed as they are, with what they say of themselves", async () => {
  await using world = await egressWorld();
  const bytes = Bun.gzipSync("squeezed");
  world.answer((_, response) => {
    response.setHeader("content-encoding", "gzip");
    response.setHeader("content-length", bytes.length);
    response.end(bytes);
  });
  const answer = await world.fetch(`http://${world.origin}/`);
  expect(headerOf(answer, "content-encoding")).toBe("gzip");
  expect(headerOf(answer, "content-length")).toBe(String(bytes.length));
  expect(await new Response(answer.body).bytes()).toEqual(new Uint8Array(bytes));
});

test("HEAD, 204 and 304 have no body", async () => {
  await using world = await egressWorld();
  world.answer((request, response) => {
    response.writeHead(request.url === "/304" ? 304 : 204);
    response.end();
  });
  expect((await world.fetch(`http://${world.origin}/`, { method: "HEAD" })).body).toBe(null);
  expect((await world.fetch(`http://${world.origin}/`)).body).toBe(null);
  expect((await world.fetch(`http://${world.origin}/304`)).status).toBe(304);
});

test("bodies stream both ways, and what is not read is not fetched", async () => {
  await using world = await egressWorld({ config: { "functions.egressBytes": 1e9 } });
  let sent = 0;
  let stopped = (): void => undefined;
  const closed = new Promise<void>((resolve) => (stopped = resolve));
  world.answer((request, response) => {
    request.once("data", (part: Buffer) => {
      response.write(`first: ${part.toString()}`);
      const bytes = Buffer.alloc(65_536);
      const go = (): void => {
        do sent += bytes.length;
        while (response.write(bytes) && sent < 500e6);
      };
      response.on("drain", go);
      response.on("close", stopped);
      go();
    });
  });
  let push: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (push = controller) });
  const fetching = world.fetch(`http://${world.origin}/`, { method: "POST", body });
  push?.enqueue(new TextEncoder().encode("one"));
  const answer = await fetching;
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value).slice(0, 10)).toBe("first: one");
  // The other side has written what fits between us and waits.
  let before = -1;
  while (before !== sent) {
    before = sent;
    await Bun.sleep(20);
  }
  expect(sent).toBeLessThan(64e6);
  await reader.cancel();
  await closed;
});

test("a body may not be more or less than it says", async () => {
  const got: string[] = [];
  const raw = createRaw((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (part) => void got.push(part.toString()));
  });
  const origin = await listen(raw as never);
  await using other = await egressWorld({ config: { "functions.egressPrivate": [origin] } });
  for (const [length, text] of [
    ["3", "abcGET /smuggled HTTP/1.1"],
    ["9", "abc"],
  ] as const) {
    const body = new Blob([text]).stream() as ReadableStream<Uint8Array>;
    const headers = [["content-length", length]] as const;
    const refusal = await refusalOf(
      other.fetch(`http://${origin}/`, { method: "PUT", headers, body }),
    );
    expect(refusal).toContain("has not the length that Content-Length says");
  }
  expect(got.join("")).not.toContain("smuggled");
  raw.close();
});

test("limits: size of both bodies, time, requests of one request", async () => {
  await using world = await egressWorld({
    config: {
      "functions.egressBytes": 1000,
      "functions.bodyBytes": 1000,
      "functions.egressSeconds": 1,
      "functions.subrequests": 6,
    },
  });
  const url = `http://${world.origin}/`;
  world.answer((request, response) => {
    if (request.url === "/declared") response.setHeader("content-length", 1001);
    if (request.url === "/never") return;
    request.resume();
    response.end(Buffer.alloc(request.url === "/ok" ? 1000 : 1001));
  });
  expect((await textOf(await world.fetch(`${url}ok`))).length).toBe(1000);
  expect(await refusalOf(world.fetch(`${url}declared`))).toStartWith("egress_too_large");
  expect(await refusalOf(world.fetch(`${url}x`).then(textOf))).toStartWith("egress_too_large");
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(600)),
  });
  expect(await refusalOf(world.fetch(`${url}never`, { method: "POST", body }))).toStartWith(
    "egress_too_large",
  );
  expect(await refusalOf(world.fetch(`${url}never`))).toBe(
    "egress_timeout: No answer came within 1 seconds",
  );
  expect(await refusalOf(world.fetch(`${url}ok`))).toBe("done");
  expect(await refusalOf(world.fetch(`${url}ok`))).toStartWith("egress_limit");
  expect(await refusalOf(world.fetch(`${url}ok`, { requestId: "r2" }))).toBe("done");
});

test("what a broken server does is told, and breaks nothing", async () => {
  const answers: Record<string, string> = {
    "/garbage": "garbage\r\n\r\n",
    "/short": "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok",
    "/both":
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "/upgrade": "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello",
    "/bomb": `HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(1000)}\r\n`.repeat(100)}\r\n`,
    "/many": `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(300)}content-length: 0\r\n\r\n`,
    "/nothing": "",
  };
  const raw = createRaw((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (part) => {
      socket.end(answers[/ (\S+) /.exec(part.toString())?.[1] ?? ""] ?? "");
    });
  });
  const origin = await listen(raw as never);
  await using world = await egressWorld({ config: { "functions.egressPrivate": [origin] } });
  for (const path of Object.keys(answers))
    expect([path, await refusalOf(world.fetch(`http://${origin}${path}`).then(textOf))]).toEqual([
      path,
      expect.stringMatching(/^egress_failed: /),
    ]);
  raw.close();
});

test("a program that goes away ends its request", async () => {
  await using world = await egressWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.answer((_, response) => {
    response.write("begun");
    response.on("close", resolve);
  });
  const controller = new AbortController();
  const answer = await world.fetch(`http://${world.origin}/`, { signal: controller.signal });
  expect(answer.status).toBe(200);
  controller.abort();
  await promise;
  expect(
    await refusalOf(world.fetch("http://x.example/", { signal: controller.signal })),
  ).toStartWith("cancelled");
});

test("of a site only 50 requests run at a time; the others wait for their turn", async () => {
  await using world = await egressWorld({ config: { "functions.subrequests": 1000 } });
  const held: (() => void)[] = [];
  let full = (): void => undefined;
  const at50 = new Promise<void>((resolve) => (full = resolve));
  world.answer((_, response) => {
    held.push(() => void response.end("ok"));
    if (held.length === 50) full();
  });
  const all = Array.from({ length: 60 }, () => world.fetch(`http://${world.origin}/`).then(textOf));
  await at50;
  await Bun.sleep(20);
  expect(held).toHaveLength(50);
  world.answer((_, response) => void response.end("ok"));
  for (const end of held) end();
  expect(new Set(await Promise.all(all))).toEqual(new Set(["ok"]));
});

test.each(["CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y", "", "A B"])(
  "method %j is refused",
  async (method) => {
    await using world = await egressWorld();
    expect(await refusalOf(world.fetch(`http://${world.origin}/`, { method }))).toStartWith(
      "egress_denied",
    );
    expect(world.asked).toEqual([]);
  },
);

test("headers cannot carry a second request", async () => {
  await using world = await egressWorld();
  for (const header of [
    ["x", "a\r\nb: c"],
    ["x\r\ny", "a"],
    ["x y", "a"],
    ["x", "a\0"],
  ] as const)
    expect(
      await refusalOf(world.fetch(`http://${world.origin}/`, { headers: [header] })),
    ).toStartWith("egress_failed");
  expect(world.asked).toEqual([]);
});
