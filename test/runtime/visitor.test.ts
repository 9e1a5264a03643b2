import { expect, test } from "bun:test";

import {
  type Body,
  BridgeError,
  type HeaderList,
  type LinkResponse,
  type RequestHead,
} from "#bridge/model.ts";
import { passBody } from "#runtime/link/visitor-body.ts";
import { ownCookie } from "#runtime/link/visitor-response.ts";
import { createPrograms } from "#runtime/link/visitor.ts";
import type { ProgramAnswer, ProgramAsk } from "#sites/serving/program.ts";

type Answer = (
  head: RequestHead,
  body: Body,
  signal: AbortSignal,
) => Promise<LinkResponse> | LinkResponse;

const respond = (body: Body, headers: HeaderList = [], status = 200): LinkResponse => ({
  status,
  statusText: "",
  headers,
  body,
});

type About = { secure?: boolean; told?: string[] };

/** Asks a program that answers so. */
function visit(request: Request, answer: Answer, about: About = {}): Promise<ProgramAnswer> {
  return programsWith(about)(request, answer);
}

/** The same for several requests to one server. */
function programsWith(about: About): (request: Request, answer: Answer) => Promise<ProgramAnswer> {
  let program: Answer = () => respond(null);
  const programs = createPrograms({
    ctx: {
      config: {
        "functions.bodyBytes": 100_000,
        domain: "land.example.com",
        sitesDomain: "sites.example.com",
      },
      log: { error: () => undefined },
    },
    mayRun: () => true,
    supervisor: {
      request: async (_ref, head, body, signal) => program(head, body, signal),
      tell: (_ref, { message, requestId }) => void about.told?.push(`${requestId} ${message}`),
    },
  });
  return (request, answer) => {
    program = answer;
    return programs.answer({
      request,
      requestId: "r1",
      site: { id: 1, name: "blog" },
      program: {},
      host: "blog.sites.example.com",
      peer: { address: () => "192.0.2.1", secure: about.secure === true },
      address: "192.0.2.1",
    } as unknown as ProgramAsk);
  };
}

const get = (headers: Record<string, string> = {}, method = "GET"): Request =>
  new Request("http://blog.sites.example.com/a?b=c", { method, headers });
async function answered(answer: Answer, request = get(), about?: About): Promise<Response> {
  const { response } = await visit(request, answer, about);
  if (response === "upgraded") throw new Error("upgraded");
  return response;
}

test("a program gets the request without what concerns the connection, with what the server knows", async () => {
  let head: RequestHead | undefined;
  const request = get({
    host: "blog.sites.example.com",
    accept: "text/html",
    connection: "close, X-Secret",
    "x-secret": "1",
    te: "trailers",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-proto": "https",
    forwarded: "for=10.0.0.1",
    "x-real-ip": "10.0.0.1",
    "cf-connecting-ip": "10.0.0.1",
    "x-land-admin": "1",
    "x-request-id": "mine",
  });
  await visit(
    request,
    (got) => {
      head = got;
      return respond(null);
    },
    { secure: true },
  );
  expect(head?.url).toBe("https://blog.sites.example.com/a?b=c");
  expect(head?.requestId).toBe("r1");
  expect(Object.fromEntries(head?.headers ?? [])).toEqual({
    host: "blog.sites.example.com",
    accept: "text/html",
    "x-request-id": "r1",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "blog.sites.example.com",
    "cf-connecting-ip": "192.0.2.1",
  });
});

test("an answer loses what is not the program's to say", async () => {
  const response = await answered(() =>
    respond(Buffer.from("hi"), [
      ["content-type", "text/plain"],
      ["set-cookie", "a=1; Path=/"],
      ["set-cookie", "b=2; Domain=example.com; Secure"],
      ["connection", "x-a"],
      ["transfer-encoding", "chunked"],
      ["content-length", "9999"],
      ["x-accel-redirect", "/etc/passwd"],
      ["x-sendfile", "/etc/passwd"],
      ["x-land-code", "busy"],
      ["clear-site-data", '"cookies"'],
      ["date", "never"],
    ]),
  );
  expect(response.status).toBe(200);
  expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Secure"]);
  expect([...response.headers.keys()].toSorted()).toEqual([
    "content-type",
    "set-cookie",
    "set-cookie",
  ]);
  expect(await response.text()).toBe("hi");
});

test("an answer whose headers came before is the same, and what is added to one is not in the next", async () => {
  const headers: HeaderList = [
    ["content-type", "text/plain"],
    ["content-length", "5"],
    ["set-cookie", "a=1; Domain=land.example.com"],
    ["set-cookie", "b=2"],
    ["connection", "close"],
  ];
  const programs = programsWith({});
  for (let count = 0; count < 4; count += 1) {
    const { response } = await programs(get(), () => respond(Buffer.from("hello"), headers));
    if (response === "upgraded") throw new Error("upgraded");
    expect([...response.headers]).toEqual([
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    response.headers.set("x-request-id", String(count));
    const stream = new Blob(["hello"]).stream();
    const streamed = await programs(get(), () => respond(stream, headers));
    if (streamed.response === "upgraded") throw new Error("upgraded");
    expect(streamed.response.headers.get("content-length")).toBe("5");
    expect(streamed.response.headers.get("x-request-id")).toBeNull();
    expect(await streamed.response.text()).toBe("hello");
  }
});

test("cookies stay with the host that set them where their domain is ours or above ours", () => {
  const domains = ["land.example.com", "sites.example.com"];
  for (const domain of [
    "sites.example.com",
    ".SITES.example.com",
    "example.com",
    "com",
    " example.com. ",
  ])
    expect(ownCookie(`a=1; domain=${domain}; HttpOnly`, domains)).toBe("a=1; HttpOnly");
  for (const domain of ["blog.sites.example.com", "example.org", "ample.com"])
    expect(ownCookie(`a=1;Domain=${domain}`, domains)).toBe(`a=1;Domain=${domain}`);
  expect(ownCookie("a=b;Domain=x.org;DOMAIN = example.com", domains)).toBe("a=b;Domain=x.org");
  expect(ownCookie("domain=com", domains)).toBe("domain=com");
});

test("statuses without a body have none, HEAD keeps its length, 1xx is refused", async () => {
  for (const status of [204, 205, 304]) {
    const response = await answered(() => respond(Buffer.from("x"), [], status));
    expect([response.status, await response.text()]).toEqual([status, ""]);
  }
  const head = await answered(() => respond(null, [["content-length", "12"]]), get({}, "HEAD"));
  expect(head.headers.get("content-length")).toBe("12");
  for (const status of [100, 101, 103]) {
    const response = await answered(() => respond(null, [], status));
    expect([response.status, response.headers.get("x-land-code")]).toEqual([502, "bad_response"]);
  }
});

test("a stream is counted, and one of another length than it says breaks off", async () => {
  const stream = (): Body => new Response("hello").body;
  const { response, sent } = await visit(get(), () => respond(stream(), [["content-length", "5"]]));
  if (response === "upgraded") throw new Error("upgraded");
  expect(await response.text()).toBe("hello");
  expect(await sent).toBe(5);
  for (const length of ["4", "6"]) {
    const told: string[] = [];
    const wrong = await visit(get(), () => respond(stream(), [["content-length", length]]), {
      told,
    });
    if (wrong.response === "upgraded") throw new Error("upgraded");
    expect(wrong.response.text()).rejects.toThrow("broke off");
    await wrong.sent;
    expect(told).toEqual([
      `r1 The answer broke off: its body is not the ${length} bytes long that content-length said`,
    ]);
  }
});

test("what went wrong is told by a status and a code, never by a message", async () => {
  const cases: [Error, number, string][] = [
    [new BridgeError("cpu_limit", "secret"), 503, "cpu_limit"],
    [new BridgeError("wall_limit", "secret"), 504, "wall_limit"],
    [new BridgeError("busy", "secret"), 503, "busy"],
    [new BridgeError("program_broken", "secret"), 500, "program_broken"],
    [new BridgeError("bad_head", "secret"), 502, "bad_head"],
    [new BridgeError("exception", "secret"), 500, "exception"],
    [new BridgeError("whatever_secret", "secret"), 500, "exception"],
    [new BridgeError("__proto__", "secret"), 500, "exception"],
    [new Error("secret"), 500, "internal"],
  ];
  for (const [error, status, code] of cases) {
    const response = await answered(() => Promise.reject(error));
    expect([response.status, response.headers.get("x-land-code")]).toEqual([status, code]);
    const text = await response.text();
    expect(text).not.toContain("secret");
    expect(JSON.parse(text)).toMatchObject({ status, code, requestId: "r1" });
    const page = await answered(() => Promise.reject(error), get({ accept: "text/html" }));
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).not.toContain("secret");
  }
  const busy = await answered(() => Promise.reject(new BridgeError("busy", "")));
  expect(busy.headers.get("retry-after")).toBe("1");
});

test("a body over the limit is refused, announced or not", async () => {
  const post = (body: string | ReadableStream, headers: Record<string, string> = {}): Request =>
    new Request("http://blog.sites.example.com/", { method: "POST", body, headers });
  const read: Answer = async (_head, body) => {
    const bytes = await new Response(body).bytes();
    return respond(Buffer.from(String(bytes.length)));
  };
  const told: string[] = [];
  const announced = await answered(read, post("x", { "content-length": "100001" }), { told });
  expect([announced.status, announced.headers.get("x-land-code")]).toEqual([413, "body_too_large"]);
  const chunks = (bytes: number): ReadableStream =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes; at += 1000) controller.enqueue(new Uint8Array(1000));
        controller.close();
      },
    });
  expect((await answered(read, post(chunks(101_000)), { told })).status).toBe(413);
  const line = "r1 A request was refused: its body has more than 100000 bytes";
  expect(told).toEqual([line, line]);
  expect(await (await answered(read, post(chunks(100_000)))).text()).toBe("100000");
});

/** A body that two look at, the second of whom wants no more than 3 bytes; with what both were told. */
function watchedTwice(source: ReadableStream<Uint8Array>) {
  const told: string[] = [];
  let left = 3;
  const watched = (name: string, look: (bytes: number) => Error | undefined) =>
    [
      (bytes: number) => {
        told.push(`${name} ${bytes}`);
        return look(bytes);
      },
      (isWhole: boolean): undefined => void told.push(`${name} ${isWhole ? "whole" : "broken"}`),
    ] as const;
  const [firstLook, firstEnd] = watched("first", () => undefined);
  const [secondLook, secondEnd] = watched("second", (bytes) => {
    left -= bytes;
    return left < 0 ? new Error("too much") : undefined;
  });
  const first = passBody(source, firstLook, firstEnd);
  return { body: passBody(first, secondLook, secondEnd), first, told };
}

function inParts(...texts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(Buffer.from(text));
      controller.close();
    },
  });
}

test("who looks at a body that others look at takes its chunks with them, and learns of its end with them", async () => {
  const whole = watchedTwice(inParts("ab", "c"));
  expect(whole.body).toBe(whole.first);
  expect(await new Response(whole.body).text()).toBe("abc");
  expect(whole.told).toEqual([
    "first 2",
    "second 2",
    "first 1",
    "second 1",
    "first whole",
    "second whole",
  ]);

  const large = watchedTwice(inParts("ab", "cd", "e"));
  expect(await new Response(large.body).text().catch(String)).toContain("too much");
  expect(large.told.slice(4)).toEqual(["first broken", "second broken"]);

  const left = watchedTwice(inParts("ab", "c"));
  await left.body.cancel();
  expect(left.told).toEqual(["first broken", "second broken"]);
});
