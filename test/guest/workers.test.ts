/** Programs as they are written for Cloudflare Workers, of different kinds, unchanged. */
import { expect, test } from "bun:test";

import { headerOf, readText, startGuest } from "#test/support/guest-host.ts";

const json = async (answer: Promise<{ body: Parameters<typeof readText>[0] }>): Promise<unknown> =>
  JSON.parse(await readText((await answer).body));

test("a router with parameters, methods and a fallback", async () => {
  await using guest = await startGuest(
    `
    const Router = ({ base = "", routes = [] } = {}) => ({
      __proto__: new Proxy({}, { get: (_, method, receiver) => (route, ...handlers) =>
        routes.push([method.toUpperCase(), RegExp("^" + (base + route).replace(/(\\/?)\\*/g, "($1.*)?").replace(/:(\\w+)/g, "(?<$1>[^/]+)") + "/*$"), handlers]) && receiver }),
      routes,
      async fetch(request, ...args) {
        const url = new URL(request.url);
        request.query = Object.fromEntries(url.searchParams);
        for (const [method, pattern, handlers] of routes) {
          const match = (method === request.method || method === "ALL") && url.pathname.match(pattern);
          if (!match) continue;
          request.params = match.groups ?? {};
          for (const handler of handlers) { const answer = await handler(request, ...args); if (answer !== undefined) return answer; }
        }
      },
    });
    const withUser = (request, env) => { if (request.headers.get("authorization") !== "Bearer " + env.TOKEN) return new Response("Unauthorized", { status: 401 }); };
    const router = Router();
    router
      .get("/", () => Response.json({ hello: "world" }))
      .get("/todos/:id", ({ params, query }) => Response.json({ ...params, ...query }))
      .post("/todos", withUser, async (request) => Response.json(await request.json(), { status: 201 }))
      .all("*", () => new Response("Not Found", { status: 404 }));
    export default { fetch: (request, env, ctx) => router.fetch(request, env, ctx) };`,
    { env: { TOKEN: "t" } },
  );
  expect(await json(guest.ask("/"))).toEqual({ hello: "world" });
  expect(await json(guest.ask("/todos/7?x=1"))).toEqual({ id: "7", x: "1" });
  const body = Buffer.from('{"a":1}');
  expect((await guest.ask("/todos", { method: "POST", body })).status).toBe(401);
  const made = await guest.ask("/todos", {
    method: "POST",
    body,
    headers: [["authorization", "Bearer t"]],
  });
  expect([made.status, await readText(made.body)]).toEqual([201, '{"a":1}']);
  expect((await guest.ask("/none", { method: "DELETE" })).status).toBe(404);
});

test("a shortener over KV", async () => {
  await using guest = await startGuest(`
    async function handleRequest(request, env, ctx) {
      const url = new URL(request.url);
      if (request.method === "POST" && url.pathname === "/api/links") {
        const { target } = await request.json();
        const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(target));
        const slug = btoa(String.fromCharCode(...new Uint8Array(digest))).replace(/[+/=]/g, "").slice(0, 7);
        await env.KV.put("link:" + slug, target, { expirationTtl: 86400, metadata: { created: Date.now() } });
        return new Response(JSON.stringify({ slug }), { status: 201, headers: { "content-type": "application/json;charset=UTF-8" } });
      }
      if (url.pathname === "/api/links") {
        const { keys, list_complete } = await env.KV.list({ prefix: "link:" });
        return Response.json({ slugs: keys.map((key) => key.name.slice(5)), created: typeof keys[0]?.metadata.created, list_complete });
      }
      const target = await env.KV.get("link:" + url.pathname.slice(1));
      if (target === null) return new Response("Not found", { status: 404 });
      ctx.waitUntil((async () => {
        const visits = Number((await env.KV.get("visits")) ?? "0") + 1;
        await env.KV.put("visits", visits.toString());
      })());
      return Response.redirect(target, 302);
    }
    export default { fetch: handleRequest };`);
  const made = await json(
    guest.ask("/api/links", {
      method: "POST",
      body: Buffer.from('{"target":"https://example.com/long"}'),
    }),
  );
  const { slug } = made as { slug: string };
  expect(slug).toHaveLength(7);
  const hop = await guest.ask(`/${slug}`);
  expect([hop.status, headerOf(hop, "location")]).toEqual([302, "https://example.com/long"]);
  expect((await guest.ask("/nothing")).status).toBe(404);
  expect(await json(guest.ask("/api/links"))).toEqual({
    slugs: [slug],
    created: "number",
    list_complete: true,
  });
});

test("HTML of another server, rewritten as it streams", async () => {
  await using guest = await startGuest(
    `class AttributeRewriter {
       constructor(name) { this.name = name }
       element(element) {
         const value = element.getAttribute(this.name);
         if (value) element.setAttribute(this.name, value.replace("http://old.test", "https://new.test"));
       }
     }
     const rewriter = new HTMLRewriter().on("a", new AttributeRewriter("href")).on("h1", { element(e) { e.append("!", { html: false }) } });
     addEventListener("fetch", (event) => { event.respondWith(handle(event.request)) });
     async function handle(request) {
       const response = await fetch("http://origin.test" + new URL(request.url).pathname, request);
       if (!response.headers.get("content-type").startsWith("text/html")) return response;
       const answer = new Response(rewriter.transform(response).body, response);
       answer.headers.set("x-rewritten", "1");
       answer.headers.delete("x-powered-by");
       return answer;
     }`,
    {
      egress: async (head) => ({
        status: 200,
        statusText: "",
        headers: [
          ["content-type", "text/html"],
          ["x-powered-by", "old"],
          ["x-asked", `${head.method} ${head.url}`],
        ],
        body: new Blob(['<h1>Title</h1><a href="http://old', '.test/x">link</a>']).stream(),
      }),
    },
  );
  const page = await guest.ask("/page");
  expect([
    headerOf(page, "x-rewritten"),
    headerOf(page, "x-powered-by"),
    headerOf(page, "x-asked"),
  ]).toEqual(["1", undefined, "GET http://origin.test/page"]);
  expect(await readText(page.body)).toBe('<h1>Title!</h1><a href="https://new.test/x">link</a>');
});

test("tokens signed and checked with WebCrypto, and sealed notes", async () => {
  await using guest = await startGuest(
    `const encoder = new TextEncoder();
     const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/=/g, "").replace(/\\+/g, "-").replace(/\\//g, "_");
     const unbase64url = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
     const importKey = (secret) => crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
     async function sign(claims, secret) {
       const input = base64url(encoder.encode(JSON.stringify({ alg: "HS256", typ: "JWT" }))) + "." + base64url(encoder.encode(JSON.stringify(claims)));
       return input + "." + base64url(await crypto.subtle.sign("HMAC", await importKey(secret), encoder.encode(input)));
     }
     async function verify(token, secret) {
       const [head, body, signature] = token.split(".");
       const valid = await crypto.subtle.verify("HMAC", await importKey(secret), unbase64url(signature), encoder.encode(head + "." + body));
       return valid ? JSON.parse(new TextDecoder().decode(unbase64url(body))) : null;
     }
     export default {
       async fetch(request, env) {
         const { pathname } = new URL(request.url);
         if (pathname === "/login") return new Response(await sign({ sub: "ada", jti: crypto.randomUUID() }, env.SECRET));
         const token = request.headers.get("Authorization")?.replace(/^Bearer /, "");
         const claims = token && (await verify(token, env.SECRET));
         if (!claims) return new Response("Forbidden", { status: 403, headers: { "WWW-Authenticate": "Bearer" } });
         const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
         const iv = crypto.getRandomValues(new Uint8Array(12));
         const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, encoder.encode("note"));
         const open = new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
         return Response.json({ user: claims.sub, open }, { headers: { "Set-Cookie": "seen=1; HttpOnly" } });
       },
     };`,
    { env: { SECRET: "s3cret" } },
  );
  const token = await guest.text("/login");
  const answer = await guest.ask("/", { headers: [["authorization", `Bearer ${token}`]] });
  expect(JSON.parse(await readText(answer.body))).toEqual({ user: "ada", open: "note" });
  expect(headerOf(answer, "set-cookie")).toBe("seen=1; HttpOnly");
  const forged = `${token.slice(0, -3)}${token.endsWith("aaa") ? "bbb" : "aaa"}`;
  expect((await guest.ask("/", { headers: [["authorization", `Bearer ${forged}`]] })).status).toBe(
    403,
  );
});

test("what Workers have beside the web: streams of a length, texts compared in constant time, a wait", async () => {
  await using guest = await startGuest(`
    export default {
      async fetch(request) {
        const { readable, writable } = new FixedLengthStream(Number(new URL(request.url).searchParams.get("length")));
        const written = (async () => {
          const writer = writable.getWriter();
          await scheduler.wait(1);
          await writer.write(new TextEncoder().encode("hello"));
          await writer.close();
        })();
        const text = await new Response(readable.pipeThrough(new IdentityTransformStream())).text().catch((error) => error.name);
        await written.catch(() => {});
        const [a, b] = ["hello", "hellO"].map((word) => new TextEncoder().encode(word));
        return Response.json([text, crypto.subtle.timingSafeEqual(a, a), crypto.subtle.timingSafeEqual(a, b)]);
      },
    };`);
  expect(await json(guest.ask("/?length=5"))).toEqual(["hello", true, false]);
  expect(await json(guest.ask("/?length=4"))).toEqual(["TypeError", true, false]);
  expect(await json(guest.ask("/?length=6"))).toEqual(["TypeError", true, false]);
});

test("the length of a stream is told where it is known, and never copied from an answer that was changed", async () => {
  await using guest = await startGuest(
    `const rewriter = new HTMLRewriter().on("h1", { element: (element) => element.after("more") });
     export default {
       async fetch(request) {
         const { pathname } = new URL(request.url);
         if (pathname === "/fixed") {
           const { readable, writable } = new FixedLengthStream(3);
           new Blob(["abc"]).stream().pipeTo(writable);
           return new Response(readable);
         }
         const response = await fetch("http://origin.test/");
         if (pathname === "/same") return response;
         if (pathname === "/again") return new Response(response.body, response);
         const changed = rewriter.transform(response);
         return pathname === "/changed" ? changed : new Response(changed.body, { headers: response.headers });
       },
     };`,
    {
      egress: async () => ({
        status: 200,
        statusText: "",
        headers: [
          ["content-type", "text/html"],
          ["content-length", "14"],
        ],
        body: new Blob(["<h1>Title</h1>"]).stream(),
      }),
    },
  );
  const told = async (path: string): Promise<unknown> => {
    const answer = await guest.ask(path);
    return [headerOf(answer, "content-length"), await readText(answer.body)];
  };
  expect(await told("/same")).toEqual(["14", "<h1>Title</h1>"]);
  expect(await told("/again")).toEqual(["14", "<h1>Title</h1>"]);
  expect(await told("/changed")).toEqual([undefined, "<h1>Title</h1>more"]);
  expect(await told("/copied")).toEqual([undefined, "<h1>Title</h1>more"]);
  expect(await told("/fixed")).toEqual(["3", "abc"]);
});

test("a service worker finds a variable that came later", async () => {
  await using guest = await startGuest(
    `addEventListener("fetch", (event) => event.respondWith(new Response([typeof KV, OLD, typeof NEW === "undefined" ? "none" : NEW].join())))`,
    { env: { OLD: "old" } },
  );
  expect(await guest.text("/")).toBe("object,old,none");
  guest.control({ kind: "env", env: { OLD: "other", NEW: "new" } });
  expect(await guest.text("/")).toBe("object,other,new");
});
