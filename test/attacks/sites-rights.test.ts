import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { addDomain } from "#sites/domains/domain-add.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { makeToken, signUp } from "#test/support/people.ts";

import { type Headers, openWorld, type World } from "./callers.ts";
import { SITE_READS } from "./site-cases.ts";

/** Who cannot tell a site of others from one that is not there. */
const STRANGERS = ["bob account", "bob site:blog", "bob deploy", "root site:blog"];

type Seen = { status: number; code: string; text: string };

async function see(world: World, who: string, path: string, method = "GET"): Promise<Seen> {
  const headers = (await world.callers[who]?.()) ?? {};
  return seeWith(world, headers, path, method);
}

async function seeWith(
  world: World,
  headers: Headers,
  path: string,
  method = "GET",
): Promise<Seen> {
  const answer = await world.call(method, path, { headers });
  const text = (await answer.text()).replace(/"requestId":"[^"]*"/, "");
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? answer.headers.get("location") ?? "";
  return { status: answer.status, code, text };
}

describe.each(["public", "members"] as const)("on a server with access %s", (access) => {
  let ctx: TestCtx;
  let world: World;
  beforeAll(async () => {
    ctx = await testCtx({ config: { registration: "open", access } });
    world = await openWorld(ctx);
  });
  afterAll(async () => {
    await world.stop();
    await ctx.close();
  });

  const fill = (path: string): string => path.replace("DEPLOY", world.deploys.blog);

  test.each(Object.entries(SITE_READS))(
    "missing authz / IDOR: GET %s is for whom it should",
    async (pattern, { path, may }) => {
      const wrong: string[] = [];
      for (const who of Object.keys(world.callers)) {
        const { status, code } = await see(world, who, fill(path));
        // Reading needs no proof but the cookie.
        const name = who.startsWith("ada session") ? "ada session" : who;
        const shut =
          [401, 403].includes(status) || code === "site_not_found" || code.startsWith("/login?");
        if (status >= 500 || shut === may.includes(name)) wrong.push(`${who}: ${status} ${code}`);
        const head = await see(world, who, fill(path), "HEAD");
        if (head.status !== status) wrong.push(`${who}: HEAD ${head.status}`);
      }
      expect(wrong).toEqual([]);
      if (!pattern.includes(":site")) return;
      for (const who of STRANGERS) {
        const there = await see(world, who, fill(path));
        const absent = await see(world, who, fill(path).replace("blog", "none"));
        expect([who, there]).toEqual([
          who,
          { ...absent, text: absent.text.replaceAll("none", "blog") },
        ]);
        expect(there.status).toBe(404);
      }
      const there = await see(world, "nobody", fill(path));
      const absent = await see(world, "nobody", fill(path).replace("blog", "none"));
      expect({ ...absent, text: "", code: absent.code.replace("none", "blog") }).toEqual({
        ...there,
        text: "",
      });
    },
    60_000,
  );

  test("missing authz / IDOR: a list has no site of others", async () => {
    for (const who of ["bob account", "bob deploy", "bob site:blog"])
      for (const path of ["/api/v1/sites", "/sites"])
        expect((await see(world, who, path)).text).not.toContain("blog");
    expect((await see(world, "ada deploy:blog", "/api/v1/sites")).text).toContain('"blog"');
    expect((await see(world, "bob account", "/api/v1/sites?all=true")).code).toBe("forbidden");
  });

  test("missing authz / IDOR: the id of another site's thing is not there, under no site", async () => {
    const { deploys } = world;
    const api = "/api/v1/sites/blog";
    for (const who of ["ada account", "ada deploy:blog", "ada session"])
      for (const path of [
        `${api}/deploys/${deploys.shop}`,
        `${api}/deploys/${deploys.shop}/files`,
        `${api}/deploys/${deploys.shop}/raw?path=index.html`,
        `${api}/deploys/${deploys.shop}/diff`,
        `${api}/deploys/${deploys.blog}/diff?from=${deploys.shop}`,
        `/sites/blog/deploys/${deploys.shop}`,
      ])
        expect([path, await see(world, who, path)]).toMatchObject([
          path,
          { status: 404, code: "deploy_not_found" },
        ]);
    for (const [method, path, body] of [
      ["POST", `${api}/rollback`, JSON.stringify({ deploy: deploys.shop })],
      ["POST", `${api}/deploys/${deploys.shop}/finalize`, "{}"],
      ["POST", `${api}/deploys/${deploys.shop}/files`, '{"files":{}}'],
      ["POST", `${api}/deploys/${deploys.shop}/blobs`, ""],
      ["DELETE", `${api}/deploys/${deploys.shop}`, ""],
    ] as const) {
      const headers = { ...(await world.callers["ada account"]?.()) };
      const type = { "content-type": "application/json" };
      const more = body === "" ? { headers } : { headers: { ...headers, ...type }, body };
      const answer = await world.call(method, path, more);
      expect([path, await answer.json()]).toMatchObject([path, { code: "deploy_not_found" }]);
    }
  });

  test("missing authz / IDOR: the key and the domain of another are nobody else's to see or end", async () => {
    const eve = await signUp(ctx, "eve");
    const key = await makeToken(ctx, eve, "read");
    const id = key.actor.via.kind === "token" ? key.actor.via.id : "";
    const headers = { ...(await world.callers["ada account"]?.()) };
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    for (const path of [`/sites/blog/keys/${id}/revoke`, `/settings/tokens/${id}/revoke`]) {
      const answer = await world.call("POST", path, { headers: form, body: "" });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    const asEve = { authorization: `Bearer ${key.token}` };
    expect((await seeWith(world, asEve, "/api/v1/packages")).status).toBe(200);

    const bob = { ...(await world.callers["bob account"]?.()) };
    const claim = JSON.stringify({ host: "www.example.org" });
    const json = { ...bob, "content-type": "application/json" };
    const made = await world.call("POST", "/api/v1/sites/shop/domains", {
      headers: json,
      body: claim,
    });
    expect(made.status).toBe(201);
    const path = "/api/v1/sites/blog/domains/www.example.org";
    expect((await see(world, "ada account", path)).code).toBe("domain_not_found");
    expect((await world.call("DELETE", path, { headers })).status).toBe(404);
    expect((await seeWith(world, bob, path.replace("blog", "shop"))).status).toBe(200);
    // A claim is no possession: the other site may claim it too, with a proof of its own.
    const own = await addDomain(ctx, undefined, "blog", { host: "www.example.org" }).catch(
      (error: { code: string }) => error.code,
    );
    expect(own).toBe("unauthenticated");
  });
});
