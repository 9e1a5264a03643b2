import { expect, test } from "bun:test";

import { type Body, BridgeError, type LinkResponse, type RequestHead } from "#bridge/model.ts";

import { makePair, type Pair } from "./pair.ts";

const HEAD: RequestHead = {
  method: "POST",
  url: "http://blog.localhost/a",
  headers: [["accept", "*/*"]],
  requestId: "r",
  address: "",
};
const BIG = new Uint8Array(3_000_000).map((_, at) => (at * 7) % 251);
const respond = (body: Body): LinkResponse => ({
  status: 200,
  statusText: "OK",
  headers: [],
  body,
});
const echo = async (_head: RequestHead, body: Body): Promise<LinkResponse> => respond(body);
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => "",
    (thrown: unknown) => thrown,
  );
  return error instanceof BridgeError ? error.code : String(error);
};

/** Reads chunk by chunk and copies each at once, as one that writes to a socket does. */
async function readAll(body: Body): Promise<Uint8Array> {
  if (!(body instanceof ReadableStream)) return body ?? new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(new Uint8Array(chunk));
  return Buffer.concat(chunks);
}

/** A body that goes on until nobody wants it, and what became of it. */
function endless(chunkBytes = 16_384) {
  const seen = { bytes: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      seen.bytes += chunkBytes;
      controller.enqueue(new Uint8Array(chunkBytes));
    },
    cancel() {
      seen.cancelled = true;
    },
  });
  return { body, seen };
}

for (const ring of [false, true])
  for (const side of ["host", "guest"] as const)
    test(`bodies of all kinds come back whole, asked by the ${side}, ${ring ? "with" : "without"} a ring`, async () => {
      const chunkBytes = (): number => 1 + Math.floor(Math.random() * 60_000);
      const pair = makePair({
        ring,
        chunkBytes,
        host: { onRequest: echo },
        guest: { onRequest: echo },
      });
      for (const body of [null, BIG.slice(0, 100), BIG, new Response(BIG).body]) {
        const expected = body === null ? 0 : body instanceof Uint8Array ? body.length : BIG.length;
        const { body: answered } = await pair[side].request(HEAD, body);
        expect(Buffer.compare(await readAll(answered), BIG.subarray(0, expected))).toBe(0);
      }
      expect(pair.host.open()).toEqual({ asked: 0, asking: 0 });
      expect(pair.guest.open()).toEqual({ asked: 0, asking: 0 });
    });

test("many streams share the ring without mixing", async () => {
  const pair = makePair({ ring: true, guest: { onRequest: echo } });
  const bodies = Array.from({ length: 12 }, (_, at) => new Uint8Array(900_000).fill(at + 1));
  const answers = await Promise.all(
    bodies.map(async (body) => readAll((await pair.host.request(HEAD, body)).body)),
  );
  for (const [at, body] of bodies.entries())
    expect(Buffer.compare(answers[at] ?? body, body)).toBe(0);
});

test("a reader that never reads stops the writer, and leaving stops it for good", async () => {
  for (const ring of [false, true]) {
    const { body, seen } = endless();
    const pair = makePair({ ring, guest: { onRequest: async () => respond(body) } });
    const response = await pair.host.request(HEAD, null);
    await turns(50);
    expect(seen.bytes).toBeLessThan(4_500_000);
    const before = seen.bytes;
    await turns(20);
    expect(seen.bytes).toBe(before);
    if (response.body instanceof ReadableStream) await response.body.cancel();
    await turns(5);
    expect(seen.cancelled).toBe(true);
    expect(pair.guest.open().asked).toBe(0);
    // All slots are there again.
    const other = await pair.host.request(HEAD, null).catch(() => undefined);
    expect(other).toBeDefined();
  }
});

test("an upload that nobody reads stops, and ends with the answer", async () => {
  const { body, seen } = endless();
  const answer = Promise.withResolvers<LinkResponse>();
  const pair = makePair({ guest: { onRequest: () => answer.promise } });
  const asked = pair.host.request(HEAD, body);
  await turns(50);
  expect(seen.bytes).toBeLessThan(2_000_000);
  answer.resolve(respond(null));
  expect((await asked).status).toBe(200);
  await turns(3);
  expect(seen.cancelled).toBe(true);
  expect(pair.host.open().asking).toBe(0);
});

test("what a guest uploads comes only when somebody reads", async () => {
  const { body, seen } = endless();
  const pair = makePair({ host: { onRequest: () => new Promise(() => undefined) } });
  void pair.guest.request(HEAD, body).catch(() => undefined);
  await turns(30);
  expect(seen.bytes).toBeLessThanOrEqual(2 * 16_384);
  expect(pair.bytes.guest).toBeLessThan(1000);
});

test("a signal ends both ends of an exchange", async () => {
  let told: unknown;
  const pair = makePair({
    guest: {
      onRequest: (_head, _body, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            told = signal.reason;
            reject(new Error("left"));
          });
        }),
    },
  });
  const abort = new AbortController();
  const asked = pair.host.request(HEAD, null, abort.signal);
  await turns(3);
  abort.abort();
  expect(await codeOf(asked)).toBe("cancelled");
  await turns(3);
  expect(told).toBeInstanceOf(BridgeError);
  expect(pair.guest.open().asked).toBe(0);
});

test("what handlers throw is told without what was not meant for the other end", async () => {
  const pair = makePair({
    host: {
      onCall(name) {
        if (name === "known") throw new BridgeError("kv_full", "There is no room");
        throw Object.assign(new Error("/secret/path"), { code: "ENOENT" });
      },
    },
    guest: { onRequest: () => Promise.reject(new Error("secret")) },
  });
  const failed = await pair.host.request(HEAD, null).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "internal", message: "Internal error" });
  expect(await pair.guest.call("known", {}).catch((error: unknown) => error)).toMatchObject({
    code: "kv_full",
    message: "There is no room",
  });
  expect(await pair.guest.call("other", {}).catch((error: unknown) => error)).toMatchObject({
    code: "internal",
    message: "Internal error",
  });
});

test("a body that meets a limit says so, other failures do not", async () => {
  for (const [failure, code, message] of [
    [
      new BridgeError("egress_too_large", "larger than 5 bytes"),
      "egress_too_large",
      "larger than 5 bytes",
    ],
    [new Error("/etc/secret"), "cancelled", "The body of the answer broke off"],
  ] as const) {
    const pair = makePair({
      host: {
        onRequest: async () => respond(new ReadableStream({ pull: () => Promise.reject(failure) })),
      },
    });
    const { body } = await pair.guest.request(HEAD, null);
    const error: unknown = await readAll(body).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message });
  }
});

test("calls carry JSON and bytes of any size both ways", async () => {
  for (const ring of [false, true]) {
    const back = (name: string, params: unknown, bytes: Uint8Array) => ({
      value: [name, params],
      bytes,
    });
    const pair = makePair({ ring, host: { onCall: back }, guest: { onCall: back } });
    for (const side of ["host", "guest"] as const)
      for (const bytes of [BIG.slice(0, 3), BIG]) {
        const answer = await pair[side].call("näme", { "\0": "ü" }, bytes);
        expect(answer.value).toEqual(["näme", { "\0": "ü" }]);
        expect(Buffer.compare(answer.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
      }
    expect(await pair.guest.call("x", undefined)).toEqual({ value: ["x", null] });
  }
});

test("a guest keeps back what a host would refuse, and all is answered", async () => {
  let running = 0;
  let most = 0;
  const pair = makePair({
    host: {
      async onCall(_name, params) {
        running += 1;
        most = Math.max(most, running);
        await turns(1);
        running -= 1;
        return { value: params };
      },
    },
  });
  const values = await Promise.all(
    Array.from({ length: 2000 }, async (_, at) => (await pair.guest.call("x", at)).value),
  );
  expect(values).toEqual(Array.from({ length: 2000 }, (_, at) => at));
  expect(most).toBeLessThanOrEqual(64);
  expect(pair.closed.host).toBe("open");
});

test("keys that would make a prototype are dropped, depth is bounded", async () => {
  let got: unknown;
  const pair = makePair({
    host: {
      onCall: (_name, params) => ({ value: (got = params) === null }),
    },
  });
  await pair.guest.call("x", JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":1,"b":2}}'));
  expect(Object.hasOwn(Object(got), "__proto__")).toBe(false);
  expect(Reflect.get(Object(got), "admin")).toBeUndefined();
  expect(got).toEqual({ a: { b: 2 } });
  let deep: unknown = 1;
  for (let level = 0; level < 200; level += 1) deep = [deep];
  expect(await codeOf(pair.guest.call("x", deep))).toBe("too_deep");
  expect(pair.closed.host).toBe("open");
});

test("closing ends all that is open at both ends, once", async () => {
  const pair = makePair({
    guest: {
      onRequest: () => new Promise(() => undefined),
      onCall: () => new Promise(() => undefined),
    },
  });
  const asked = [pair.host.request(HEAD, endless().body), pair.host.call("x", {})];
  await turns(3);
  pair.host.close();
  for (const one of asked) expect(await codeOf(one)).toBe("link_closed");
  expect(pair.closed.host).toBeUndefined();
  expect(await codeOf(pair.host.call("x", {}))).toBe("link_closed");
  expect(await codeOf(pair.host.request(HEAD, null))).toBe("link_closed");
  pair.host.note("x", {});
  expect(pair.host.backlogBytes()).toBe(0);
});

test("a guest that does not read stops what the host sends it", async () => {
  const pair: Pair = makePair({
    host: { onCall: () => ({ value: null, bytes: new Uint8Array(1_000_000) }) },
    guest: { onRequest: () => new Promise(() => undefined) },
  });
  const { body, seen } = endless();
  pair.block(true);
  void pair.host.request(HEAD, body).catch(() => undefined);
  for (let count = 0; count < 200; count += 1) void pair.guest.call("x", {}).catch(() => undefined);
  await turns(60);
  expect(seen.bytes).toBeLessThan(2_000_000);
  expect(pair.host.backlogBytes()).toBeLessThan(12_000_000);
  expect(pair.host.open().asked).toBeGreaterThan(100);
  pair.block(false);
  await turns(200);
  expect(pair.host.open().asked).toBe(0);
});
