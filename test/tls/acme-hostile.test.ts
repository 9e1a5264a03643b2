import { expect, test } from "bun:test";
import { join } from "node:path";

import { testCtx } from "#test/support/ctx.ts";
import { temporaryFolder } from "#test/support/land.ts";
import { writeServerCertificate } from "#test/support/pebble.ts";
import { createAcmeSource } from "#tls/acme.ts";
import { acmeAttempts } from "#tls/tables.ts";

/** What an authority sends that is broken, or that somebody took over. */
const GOOD = (origin: string) => ({
  newNonce: `${origin}/nonce`,
  newAccount: `${origin}/account`,
  newOrder: `${origin}/order`,
});

test.each<[string, (request: Request, origin: string) => Response, string]>([
  ["no JSON", () => new Response("<html>"), "the directory is not one of RFC 8555"],
  [
    "addresses without TLS",
    () => Response.json(GOOD("http://127.0.0.1:1")),
    "the directory is not one of RFC 8555",
  ],
  [
    "a refusal with control characters",
    () =>
      Response.json(
        { type: "urn:ietf:params:acme:error:unauthorized", detail: "no\u001b[2J\r\n" },
        { status: 403 },
      ),
    "the directory answered: no\uFFFD[2J\uFFFD\uFFFD (unauthorized)",
  ],
  ["a redirect", () => Response.redirect("https://127.0.0.1:1/"), "cannot be reached"],
  [
    "a body without end",
    () => new Response(new Uint8Array(4 * 1024 * 1024)),
    "its answer is too large",
  ],
  [
    "bad nonces for ever",
    (request, origin) =>
      new URL(request.url).pathname === "/dir"
        ? Response.json(GOOD(origin))
        : Response.json(
            { type: "urn:ietf:params:acme:error:badNonce", detail: "again" },
            { status: 400, headers: { "replay-nonce": "n" } },
          ),
    "the authority makes no account: again (badNonce)",
  ],
  [
    "an order without a form",
    (request, origin) => {
      const { pathname } = new URL(request.url);
      const headers = { "replay-nonce": "n", location: `${origin}/account/1` };
      return Response.json(pathname === "/dir" ? GOOD(origin) : { status: 1 }, { headers });
    },
    "an order is not one of RFC 8555",
  ],
  [
    "a limit with its end",
    (request, origin) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/dir") return Response.json(GOOD(origin));
      const headers = { "replay-nonce": "n", location: `${origin}/account/1` };
      const limited = { type: "urn:ietf:params:acme:error:rateLimited", detail: "later" };
      return pathname === "/order"
        ? Response.json(limited, { status: 429, headers: { ...headers, "retry-after": "7200" } })
        : Response.json({}, { headers });
    },
    "later (rateLimited)",
  ],
])("an authority that sends %s", async (name, answer, problem) => {
  await using folder = await temporaryFolder("authority");
  await writeServerCertificate(folder.path);
  const caFile = join(folder.path, "certificate.pem");
  using authority = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: Bun.file(caFile), key: Bun.file(join(folder.path, "key.pem")) },
    fetch: (request, server) => answer(request, `https://127.0.0.1:${server.port}`),
  });
  const ctx = await testCtx({
    config: {
      domain: "land.example",
      "acme.directory": `https://127.0.0.1:${authority.port}/dir`,
      "acme.caFile": caFile,
    },
  });
  const source = createAcmeSource(ctx);
  expect(await source.find("land.example")).toBeUndefined();
  const [row] = await ctx.db.read.select().from(acmeAttempts);
  expect(row?.problem).toContain(problem);
  const waitMinutes = ((row?.nextAt.getTime() ?? 0) - ctx.now().getTime()) / 60_000;
  expect(waitMinutes).toBe(name === "a limit with its end" ? 120 : 1);
  await source.stop();
  await ctx.close();
});

test("an authority whose own certificate is not trusted is told nothing", async () => {
  await using folder = await temporaryFolder("authority");
  await writeServerCertificate(folder.path);
  let asked = 0;
  using authority = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: {
      cert: Bun.file(join(folder.path, "certificate.pem")),
      key: Bun.file(join(folder.path, "key.pem")),
    },
    fetch() {
      asked += 1;
      return new Response();
    },
  });
  const ctx = await testCtx({
    config: {
      domain: "land.example",
      "acme.directory": `https://127.0.0.1:${authority.port}/dir`,
    },
  });
  const source = createAcmeSource(ctx);
  expect(await source.find("land.example")).toBeUndefined();
  expect(asked).toBe(0);
  await source.stop();
  await ctx.close();
});
