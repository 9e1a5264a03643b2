import { expect, test } from "bun:test";

import { type Body, BridgeError, type LinkResponse, type RequestHead } from "#bridge/model.ts";
import { readText, startGuest } from "#test/support/guest-host.ts";

const answer = (over: Partial<LinkResponse> = {}): LinkResponse => ({
  status: 200,
  statusText: "OK",
  headers: [["content-type", "text/plain"]],
  body: Buffer.from("far away"),
  ...over,
});

const FORWARD = `export default { async fetch(request) {
  const failure = async (work) => { try { await work(); return "none" } catch (e) { return [e.name, e.message, e.code ?? ""].join("|") } };
  const path = new URL(request.url).pathname;
`;

test("a fetch goes to the host with its head and body", async () => {
  const asked: { head: RequestHead; body: string }[] = [];
  await using guest = await startGuest(
    `${FORWARD}
     const r = await fetch("https://api.test/x?y=1#frag", { method: "PUT", headers: { "X-A": "b", "x-land-redirect": "mine" }, body: JSON.stringify({ a: 1 }), redirect: "manual" });
     await fetch(new Request("http://api.test/stream", { method: "POST", body: new Blob(["st", "ream"]).stream(), duplex: "half" }));
     await fetch(new URL("http://api.test/form"), { method: "POST", body: new URLSearchParams({ q: "1 2" }) });
     await fetch("http://api.test/get");
     const form = new FormData(); form.set("f", new File(["content"], "a.txt"));
     await fetch("http://api.test/upload", { method: "POST", body: form });
     return Response.json([r.status, r.statusText, r.url, r.redirected, await r.text(), r.headers.get("x-land-url")]);
   } }`,
    {
      async egress(head, body) {
        asked.push({ head, body: await readText(body) });
        return answer({ headers: [["x-land-url", "https://api.test/moved"]] });
      },
    },
  );
  expect(JSON.parse(await guest.text("/", { requestId: "r9" }))).toEqual([
    200,
    "OK",
    "https://api.test/moved",
    true,
    "far away",
    null,
  ]);
  const upload = asked.pop();
  const type = upload?.head.headers.find(([name]) => name === "content-type")?.[1] ?? "";
  const parsed = await new Response(upload?.body, { headers: { "content-type": type } }).formData();
  expect(await (parsed.get("f") as File).text()).toBe("content");
  const told = asked.map(({ head, body }) => [
    head.method,
    head.url,
    Object.fromEntries(head.headers),
    head.requestId,
    body,
  ]);
  expect(told).toEqual([
    [
      "PUT",
      "https://api.test/x?y=1",
      { "x-a": "b", "content-type": "text/plain;charset=UTF-8", "x-land-redirect": "manual" },
      "r9",
      '{"a":1}',
    ],
    ["POST", "http://api.test/stream", { "x-land-redirect": "follow" }, "r9", "stream"],
    [
      "POST",
      "http://api.test/form",
      {
        "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
        "x-land-redirect": "follow",
      },
      "r9",
      "q=1+2",
    ],
    ["GET", "http://api.test/get", { "x-land-redirect": "follow" }, "r9", ""],
  ]);
});

test("answers stream, and may be handed on as they are", async () => {
  const more = Promise.withResolvers<undefined>();
  await using guest = await startGuest(`${FORWARD} return fetch("http://api.test" + path); } }`, {
    async egress(head) {
      if (head.url.endsWith("/whole")) return answer();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(Buffer.from("one"));
          await more.promise;
          controller.enqueue(Buffer.from("two"));
          controller.close();
        },
      });
      return answer({ body });
    },
  });
  expect(await guest.text("/whole")).toBe("far away");
  const response = await guest.ask("/stream");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("one");
  more.resolve(undefined);
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("two");
});

test("refusals, limits and what cannot be fetched", async () => {
  await using guest = await startGuest(
    `${FORWARD}
     if (path === "/limit") { const all = []; for (let i = 0; i < 4; i++) all.push(await failure(() => fetch("http://ok.test/"))); return Response.json(all); }
     return Response.json([
       await failure(() => fetch("http://10.0.0.1/")), await failure(() => fetch("http://down.test/")), await failure(() => fetch("ftp://x.test/")),
       await failure(() => fetch("http://ok.test/", { signal: AbortSignal.abort() })), await failure(() => new WebSocket("ws://x.test")),
       await failure(() => new EventSource("http://x.test")), await (await fetch("data:,local")).text(), navigator.userAgent,
       (await caches.default.match("http://x.test")) ?? null, await failure(() => fetch("no url")) !== "none",
     ]);
   } }`,
    {
      subrequests: 3,
      async egress(head): Promise<LinkResponse> {
        if (head.url.includes("10.0.0.1"))
          throw new BridgeError("egress_denied", "Cannot reach 10.0.0.1: it is not public");
        if (head.url.includes("down")) throw new BridgeError("egress_failed", "refused");
        return answer();
      },
    },
  );
  expect(JSON.parse(await guest.text("/"))).toEqual([
    "TypeError|Cannot reach 10.0.0.1: it is not public|egress_denied",
    "TypeError|Cannot fetch: refused|egress_failed",
    "TypeError|Cannot fetch ftp: addresses|",
    "AbortError|The operation was aborted.|20",
    "TypeError|WebSocket cannot be opened by a program: the server holds the sockets of a site's visitors|",
    "TypeError|EventSource cannot be opened by a program: read the stream of a `fetch` instead|",
    "local",
    "land",
    null,
    true,
  ]);
  const limited = [
    "none",
    "none",
    "none",
    "Error|Too many subrequests: 3 may be made per request|subrequests_limit",
  ];
  expect(JSON.parse(await guest.text("/limit"))).toEqual(limited);
  expect(JSON.parse(await guest.text("/limit"))).toEqual(limited);
});

test("a signal stops a fetch at both ends", async () => {
  const stopped = Promise.withResolvers<undefined>();
  await using guest = await startGuest(
    `${FORWARD} return new Response(await failure(() => fetch("http://slow.test/", { signal: AbortSignal.timeout(20) }))); } }`,
    {
      egress: (_head: RequestHead, _body: Body, signal: AbortSignal) =>
        new Promise(() => signal.addEventListener("abort", () => stopped.resolve(undefined))),
    },
  );
  expect(await guest.text("/")).toStartWith("TimeoutError|");
  await stopped.promise;
});
