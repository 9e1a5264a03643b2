import { expect, test } from "bun:test";

import { array, assert, constantFrom, nat, property, tuple } from "fast-check";

import { createRemote } from "#remote/client.ts";
import { createEventReader } from "#remote/log-stream.ts";

const read = (...pieces: string[]): unknown[] => {
  const reader = createEventReader();
  return pieces.flatMap((piece): unknown[] => reader(piece) ?? ["too long"]);
};

test.each([
  ["one event", "id: 1\ndata: a\n\n", [{ id: "1", data: "a" }]],
  ["several lines of data", "data: a\ndata:b\ndata\n\n", [{ id: undefined, data: "a\nb\n" }]],
  [
    "comments and other fields",
    ": hi\nevent: line\nretry: 10\ndata: a\n\n",
    [{ id: undefined, data: "a" }],
  ],
  [
    "an id that stays",
    "id: 1\n\ndata: a\n\ndata: b\n\n",
    [
      { id: "1", data: "a" },
      { id: "1", data: "b" },
    ],
  ],
  [
    "all line ends",
    "data: a\r\n\r\ndata: b\r\rdata: c\n\n",
    ["a", "b", "c"].map((data) => ({ id: undefined, data })),
  ],
  ["a mark at the start", "\uFEFFdata: a\n\n", [{ id: undefined, data: "a" }]],
  ["an event that is cut off", "data: a\n\ndata: b\n", [{ id: undefined, data: "a" }]],
  ["an id with a NUL", "id: 1\nid: 2\u0000\ndata: a\n\n", [{ id: "1", data: "a" }]],
] as [string, string, unknown[]][])("events: %s", (_, text, events) => {
  expect(read(text)).toEqual(events);
});

test("an event without end is given up", () => {
  expect(read("data: ", "x".repeat(600_000), "x".repeat(600_000))).toEqual(["too long"]);
});

test("however the stream is cut into pieces, the events are the same", () => {
  const line = constantFrom("data: a", "data: b\rc", "id: 7", "", ": x", "data:", "event: y");
  const end = constantFrom("\n", "\r\n", "\r");
  assert(
    property(array(tuple(line, end)), array(nat(20)), (lines, cuts) => {
      const text = `${lines.flat().join("")}\n`;
      const pieces: string[] = [];
      let from = 0;
      for (const cut of cuts) {
        pieces.push(text.slice(from, from + cut));
        from += cut;
      }
      pieces.push(text.slice(from));
      expect(read(...pieces)).toEqual(read(text));
    }),
  );
});

const lineOf = (id: number): string =>
  `id: ${id}\nevent: line\ndata: ${JSON.stringify({
    id,
    at: "2026-03-01T12:00:00.000Z",
    level: "info",
    kind: "deploy",
    requestId: null,
    message: `line ${id}`,
    data: {},
  })}\n\n`;

test("following goes on after the last line where the connection ends, and passes over what is no line", async () => {
  const asked: (string | null)[] = [];
  const bodies = [lineOf(4) + lineOf(5), 'data: {"odd":1}\n\n: ping\n\n', lineOf(6)];
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      asked.push(request.headers.get("last-event-id"));
      const body = bodies.shift();
      return body === undefined
        ? Response.json(
            { code: "site_not_found", status: 404, detail: "Gone" },
            { status: 404, headers: { "content-type": "application/problem+json" } },
          )
        : new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  const remote = createRemote({ registry: server.url.origin, sleep: async () => undefined });
  const seen: number[] = [];
  const follow = async (): Promise<void> => {
    for await (const { id } of remote.followLogs("blog", {}, 3)) seen.push(id);
  };
  expect(await follow().catch((error: unknown) => error)).toMatchObject({ code: "site_not_found" });
  expect(seen).toEqual([4, 5, 6]);
  expect(asked).toEqual(["3", "5", "5", "6"]);
});

test("what is no stream of events is said to be none", async () => {
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("<p>", { headers: { "content-type": "text/html" } }),
  });
  const remote = createRemote({ registry: server.url.origin });
  const first = remote.followLogs("blog", {}).next();
  expect(await first.catch((error: unknown) => error)).toMatchObject({ code: "bad_answer" });
});
