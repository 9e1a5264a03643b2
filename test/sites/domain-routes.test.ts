import { expect, test } from "bun:test";

import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { domainRoutes } from "#sites/domains/domain-routes.ts";
import { parseObject, type Person } from "#test/support/people.ts";

import { domainWorld } from "./domain-world.ts";

test("the routes of domains: claim by body or path, verify, read, list, remove", async () => {
  await using world = await domainWorld();
  const { ctx, dns, ada, eve } = world;
  const app = new Elysia().use(problems({ ctx })).use(domainRoutes(ctx));
  const call = async (method: string, path: string, body?: unknown, as: Person = ada) => {
    const answer = await app.fetch(
      new Request(`http://127.0.0.1:5263/sites/blog/domains${path}`, {
        method,
        headers: {
          authorization: `Bearer ${as.token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    const text = await answer.text();
    return { status: answer.status, value: parseObject(text || "{}") };
  };

  expect(await call("POST", "", { host: "a.example.org" })).toMatchObject({
    status: 201,
    value: { host: "a.example.org", state: "pending", target: "blog.land.example" },
  });
  const claimed = await call("POST", `/${encodeURIComponent("bücher.example")}`);
  expect(claimed).toMatchObject({ status: 200, value: { host: "xn--bcher-kva.example" } });
  const unproven = await call("POST", "/xn--bcher-kva.example");
  expect(unproven).toMatchObject({
    status: 409,
    value: {
      code: "domain_unproven",
      detail:
        'Cannot verify the domain "xn--bcher-kva.example": there is no TXT record at _land.xn--bcher-kva.example',
      hint: `Set a TXT record at _land.xn--bcher-kva.example with the value ${String(claimed.value["value"])}, wait some minutes and try again`,
    },
  });
  dns.txt.set("_land.xn--bcher-kva.example", [[String(claimed.value["value"])]]);
  expect((await call("POST", "/xn--bcher-kva.example")).value["state"]).toBe("verified");
  expect((await call("GET", "/xn--bcher-kva.example")).value["state"]).toBe("verified");

  const first = await call("GET", "?limit=1");
  expect(first.value["items"]).toMatchObject([{ host: "a.example.org" }]);
  const second = await call("GET", `?limit=1&cursor=${String(first.value["next"])}`);
  expect(second.value).toMatchObject({ items: [{ host: "xn--bcher-kva.example" }], next: null });

  expect(await call("POST", "", { host: "blog.land.example" })).toMatchObject({
    status: 422,
    value: { code: "domain_refused" },
  });
  expect((await call("POST", "", { name: 1 })).status).toBe(422);
  expect((await call("POST", "/b.example.org", undefined, eve)).status).toBe(404);
  expect((await call("DELETE", "/a.example.org")).status).toBe(204);
  expect((await call("DELETE", "/a.example.org")).status).toBe(404);
});
