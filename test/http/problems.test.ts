import { afterAll, beforeAll, expect, test } from "bun:test";

import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { fail, type LandError } from "#base/errors.ts";
import { prefersHtml } from "#http/accept.ts";
import { parseJsonBody } from "#http/json.ts";
import { problemResponse, problems } from "#http/problems.ts";
import { setRequestId } from "#http/request-id.ts";
import { openWorld } from "#test/sites/deploy-world.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { parseObject } from "#test/support/people.ts";

let ctx: TestCtx;
let app: { fetch: (request: Request) => Response | Promise<Response> };
beforeAll(async () => {
  ctx = await testCtx();
  const body = Type.Object({
    password: Type.String({ maxLength: 8 }),
    scopes: Type.Optional(
      Type.Array(Type.String({ pattern: "^a$", description: "A scope such as a" })),
    ),
  });
  app = new Elysia()
    .use(
      problems({
        ctx,
        page: (error) =>
          error.code === "forbidden"
            ? undefined
            : new Response(`page of ${error.code}`, { status: error.status }),
      }),
    )
    .post("/api/v1/things", () => "made", { parse: "json", body })
    .post("/api/v1/words", () => "made", { parse: parseJsonBody, body })
    .get("/api/v1/bug", () => {
      throw new TypeError("secret cause");
    })
    .get("/api/v1/wrong", () => JSON.parse('{"secret":"land_canary"}'), {
      response: { 200: Type.Object({ name: Type.String() }) },
    })
    .get("/forbidden", () => {
      throw fail("forbidden", { action: "look", reason: "it is private" });
    });
});
afterAll(() => ctx.close());

test("an address that is not there is a problem to programs, a page to browsers", async () => {
  const problem = await ask("/nowhere");
  expect(problem.headers.get("content-type")).toBe("application/problem+json");
  expect(problem.headers.get("cache-control")).toBe("no-store");
  expect(await problem.json()).toEqual({
    type: "http://127.0.0.1:5263/errors/not_found",
    title: "Not found",
    status: 404,
    detail: "Cannot find this address",
    code: "not_found",
    instance: "/nowhere",
    requestId: "r1",
    data: { what: "this address" },
  });
  const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  const page = await ask("/nowhere", { headers: browser });
  expect([page.status, await page.text()]).toEqual([404, "page of not_found"]);
  expect((await ask("/api/v1/nowhere", { headers: browser })).headers.get("content-type")).toBe(
    "application/problem+json",
  );
  const without = await ask("/forbidden", { headers: browser });
  expect([without.status, without.headers.get("content-type")]).toEqual([
    403,
    "application/problem+json",
  ]);
});

test.each([
  [
    '{"password":"far too long a canary"}',
    422,
    "invalid_input",
    "password",
    "expected string length less or equal to 8",
  ],
  ["{}", 422, "invalid_input", "password", "it is missing"],
  ["[]", 422, "invalid_input", "password", "it is missing"],
  [
    '{"password":"x","scopes":["a","canary"]}',
    422,
    "invalid_input",
    "scopes.1",
    "expected a scope such as a",
  ],
  ['{"password":7}', 422, "invalid_input", "password", "expected string"],
  ['{"password":', 400, "bad_request", undefined, "its body is not what its Content-Type says"],
  ["", 400, "bad_request", undefined, "its body is not what its Content-Type says"],
])(
  "the body %s is refused with its field, and not repeated",
  async (body, status, code, field, problem) => {
    const response = await ask("/api/v1/things", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    const text = await response.text();
    const answer = parseObject(text);
    expect(text).not.toContain("canary");
    expect({ status: response.status, code: answer["code"], data: answer["data"] }).toEqual({
      status,
      code,
      data: { ...(field !== undefined && { field }), problem },
    });
  },
);

test("a bug shows nothing of its cause, and is logged with it", async () => {
  const response = await ask("/api/v1/bug");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret cause");
  const line = parseObject(ctx.logged.at(-1) ?? "{}");
  expect(line).toMatchObject({
    level: "error",
    event: "bug",
    requestId: "r1",
    cause: { message: "secret cause" },
  });
});

test("an answer that breaks its own schema is a bug, and stands in no log", async () => {
  const response = await ask("/api/v1/wrong");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("canary");
  expect(ctx.logged.at(-1)).toContain('answer breaks its schema at \\"name\\"');
  expect(ctx.logged.join("")).not.toContain("canary");
});

test("statuses bring the headers they ask for", () => {
  expect(headersOf(fail("unauthenticated", {})).get("www-authenticate")).toBe("Bearer");
  expect(
    headersOf(fail("method_not_allowed", { method: "PUT", allow: "GET, HEAD" })).get("allow"),
  ).toBe("GET, HEAD");
  const limited = headersOf(
    fail("rate_limited", { what: "sign-ins", retryAfterSeconds: 6, limit: 10 }),
  );
  expect(
    ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) =>
      limited.get(name),
    ),
  ).toEqual(["6", "10", "0", "6"]);
});

test.each([
  [null, false],
  ["*/*", false],
  ["application/json", false],
  ["text/html", true],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  ["application/json, text/html;q=0.5", false],
  ["application/problem+json;q=0.1, TEXT/HTML;q=0.5", true],
  ["text/html;q=0", false],
  ["text/html;q=x", false],
])("Accept %p prefers a page: %p", (accept, page) => {
  expect(prefersHtml(accept)).toBe(page);
});

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(`http://127.0.0.1:5263${path}`, init);
  setRequestId(request, "r1");
  return app.fetch(request);
}

function headersOf(error: LandError): Headers {
  return problemResponse(error).headers;
}

test("what a parser of ours says of a body is told", async () => {
  await using world = await openWorld();
  const send = async (body: string) =>
    parseObject(
      await (
        await world.call("POST", "/api/v1/sites/blog/deploys", {
          body: new Blob([body]),
          headers: { "content-type": "application/json" },
        })
      ).text(),
    );
  expect(await send('{"files":{},"files":{}}')).toMatchObject({
    code: "bad_request",
    data: { problem: 'the key "files" of its body stands twice in line 1' },
  });
  expect(String((await send(`{"message":"${"x".repeat(1_000_001)}"}`))["detail"])).toContain(
    "is larger than 1000000 bytes",
  );
});

test.each(["{}", '{"a":{"b":1}}', "[{}]", "[[{}]]"])(
  "%s where a text is asked for is the sender's mistake, not ours",
  async (password) => {
    const body = `{"password":${password}}`;
    const answer = await app.fetch(
      new Request("http://localhost/api/v1/words", { method: "POST", body }),
    );
    expect(answer.status).toBe(422);
  },
);
