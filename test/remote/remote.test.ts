import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import type { LandError } from "#base/errors.ts";
import { createRemote, type Remote, type RemoteOptions } from "#remote/client.ts";

import { type FakeRegistry, fakeRegistry, problem } from "../support/fake-registry.ts";

let registry: FakeRegistry;
let elsewhere: FakeRegistry;
let slept: number[] = [];

beforeAll(async () => {
  registry = await fakeRegistry();
  elsewhere = await fakeRegistry();
  for (const at of [registry, elsewhere])
    await at.add({ name: "left", version: "1.0.0", files: { "big.txt": "x".repeat(50_000) } });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await elsewhere[Symbol.asyncDispose]();
});
beforeEach(() => {
  slept = [];
  registry.mend();
  elsewhere.mend();
});

const TOKEN = "land_secret";
const remoteOf = (more: Partial<RemoteOptions> = {}): Remote =>
  createRemote({
    registry: registry.url,
    token: TOKEN,
    sleep: async (ms) => void slept.push(ms),
    random: () => 0.5,
    ...more,
  });

async function failure(promise: Promise<unknown>): Promise<LandError> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: LandError) => error,
  );
}

async function bytesOf(remote: Remote, limit?: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of remote.download("left", "1.0.0", limit)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test.each(["", ".", ".."])("a name that is %p reaches no other address", async (name) => {
  const remote = remoteOf();
  for (const work of [
    remote.unsetEnv("blog", name),
    remote.deleteKv("blog", name),
    remote.setEnv("blog", name, "x", "secret"),
    remote.deleteDeploy("blog", name),
    remote.deleteSite(name),
  ])
    expect((await failure(work)).code).toBe("name_invalid");
  expect(registry.requests).toEqual([]);
});

describe("what a registry answers", () => {
  test("an index is read, asked for again by its ETag, or absent", async () => {
    const fresh = await remoteOf().readIndex("left");
    if (fresh.kind !== "fresh") throw new Error(fresh.kind);
    expect(fresh.entries[0]).toMatchObject({ version: "1.0.0", yanked: false });
    expect(fresh.entries[0]?.signature?.key).toBe(registry.key.publicKey);
    expect(await remoteOf().readIndex("left", fresh.etag)).toEqual({ kind: "unchanged" });
    expect(await remoteOf().readIndex("nobody")).toEqual({ kind: "absent" });
  });

  test("a problem becomes the same error, its texts cut and made safe", async () => {
    const hostile = `\u001b[2J${"a".repeat(9000)}`;
    registry.fail("/users/me", () =>
      problem(403, "scope_missing", { detail: hostile, hint: "\u202eevil" }),
    );
    const error = await failure(remoteOf().me());
    expect(error).toMatchObject({ code: "scope_missing", exitCode: 15, hint: "\ufffdevil" });
    expect(error.message.length).toBeLessThan(4100);
    expect(error.message).not.toContain("\u001b");
  });

  test.each<[string, () => Response]>([
    ["a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    [
      "a web page with 404",
      () => new Response("<html>", { status: 404, headers: { "content-type": "text/html" } }),
    ],
    ["JSON of another shape", () => Response.json({ user: 7 })],
    ["no JSON", () => new Response("{", { headers: { "content-type": "application/json" } })],
    ["nothing", () => new Response(null)],
    [
      "an empty redirect loop",
      () => new Response(null, { status: 302, headers: { location: "/api/v1/users/me" } }),
    ],
  ])("%s is bad_answer with exit 13 and no query", async (_, answer) => {
    registry.fail("/users/me", answer, 6);
    const error = await failure(remoteOf().me());
    expect(error).toMatchObject({ code: "bad_answer", exitCode: 13 });
    expect(error.message).toContain(`${registry.url}/api/v1/users/me`);
    registry.fail("/packages", answer, 6);
    expect((await failure(remoteOf().search({ q: "private" }))).message).not.toContain("private");
  });

  test("an endless body ends at its limit", async () => {
    const endless = (): Response =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1_000_000).fill(32)),
        }),
        { headers: { "content-type": "application/json" } },
      );
    registry.fail("/packages/left", endless);
    expect(await failure(remoteOf().readPackage("left"))).toMatchObject({ code: "bad_answer" });
    registry.fail(
      "/download",
      () => new Response(endless().body, { headers: { "content-type": "application/gzip" } }),
    );
    expect(await failure(bytesOf(remoteOf(), 5_000_000))).toMatchObject({ code: "bad_answer" });
  });
});

describe("where the token goes", () => {
  test("to its own registry", async () => {
    await remoteOf().readIndex("left");
    expect(registry.requests[0]?.authorization).toBe(`Bearer ${TOKEN}`);
  });

  test("never along a redirect to another origin", async () => {
    const location = `${elsewhere.url}/api/v1/index/left`;
    registry.fail("/index/left", () => new Response(null, { status: 307, headers: { location } }));
    expect(await remoteOf().readIndex("left")).toMatchObject({ kind: "fresh" });
    expect(elsewhere.requests).toEqual([
      { line: "GET /api/v1/index/left", authorization: null, range: null },
    ]);
  });

  test("and never from https to http, where others could read along", async () => {
    const asked: string[] = [];
    const remote = remoteOf({
      registry: "https://land.example.com",
      fetch: async (url) => {
        asked.push(url);
        const location = "http://land.example.com/api/v1/index/left";
        return new Response(null, { status: 307, headers: { location } });
      },
    });
    expect(await failure(remote.readIndex("left"))).toMatchObject({
      code: "bad_answer",
      message: expect.stringContaining("it redirects from https to http://land.example.com"),
    });
    expect(asked).toEqual(["https://land.example.com/api/v1/index/left"]);
  });

  test("and nothing that changes something is sent on", async () => {
    const location = `${elsewhere.url}/api/v1/users/login`;
    registry.fail("/users/login", () => new Response(null, { status: 308, headers: { location } }));
    const error = await failure(remoteOf().login({ username: "ada", password: "secret" }));
    expect(error).toMatchObject({ code: "bad_answer" });
    expect(elsewhere.requests).toEqual([]);
  });

  test("a token that would end its header is refused unseen", () => {
    expect(() => remoteOf({ token: "a\r\nx: y" })).toThrow('Cannot use "…" as a token');
  });
});

describe("what passes is tried again", () => {
  test("a read after 503, as long as Retry-After asks", async () => {
    registry.fail(
      "/index/left",
      () => new Response("", { status: 503, headers: { "retry-after": "2" } }),
      2,
    );
    expect(await remoteOf().readIndex("left")).toMatchObject({ kind: "fresh" });
    expect(slept).toEqual([2000, 2000]);
  });

  test("but not longer than 20 s in all", async () => {
    registry.fail("/index/left", () => problem(429, "rate_limited"), 9);
    const told: string[] = [];
    const onRetry = (trouble: string): void => void told.push(trouble);
    const error = await failure(remoteOf({ onRetry }).readIndex("left"));
    expect(error).toMatchObject({ code: "network", exitCode: 13 });
    expect(error.message).toContain("(5 tries)");
    expect(told).toHaveLength(4);
    expect(slept).toEqual([300, 600, 1200, 2400]);
    registry.mend();
    registry.fail(
      "/index/left",
      () => new Response("", { status: 503, headers: { "retry-after": "30" } }),
    );
    const long = await failure(remoteOf().readIndex("left"));
    expect(long.message).toContain("asks to wait 30 s");
  });

  test("a sign-in is not, and its refusal comes through", async () => {
    registry.fail("/users/login", () => problem(429, "rate_limited", { detail: "Too many" }));
    const error = await failure(remoteOf().login({ username: "ada", password: "secret" }));
    expect(error).toMatchObject({ code: "rate_limited", message: "Too many" });
    expect(registry.requests).toHaveLength(1);
  });

  test("a host that is not there, and one that is silent", async () => {
    const gone = await failure(remoteOf({ registry: "http://127.0.0.1:1" }).readIndex("left"));
    expect(gone).toMatchObject({ code: "network", exitCode: 13 });
    expect(gone.message).toContain("nothing listens there");
    registry.fail("/index/left", () => new Promise<Response>(() => undefined));
    const silent = remoteOf({ network: { answerTimeoutMs: 30, tries: 1 } });
    expect((await failure(silent.readIndex("left"))).message).toContain(
      "no answer came within 0.03 s",
    );
  });

  test("Ctrl-C is cancelled", async () => {
    const controller = new AbortController();
    registry.fail("/index/left", () => {
      controller.abort();
      return new Promise<Response>(() => undefined);
    });
    const error = await failure(remoteOf({ signal: controller.signal }).readIndex("left"));
    expect(error).toMatchObject({ code: "cancelled", exitCode: 130 });
  });
});
