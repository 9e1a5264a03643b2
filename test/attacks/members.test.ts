import { afterAll, beforeAll, expect, test } from "bun:test";

import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { parseObject } from "#test/support/people.ts";

import { openWorld, type World } from "./callers.ts";
import { ENTER, SITE_READS } from "./site-cases.ts";

let ctx: TestCtx;
let world: World;
let digest = "";
beforeAll(async () => {
  ctx = await testCtx({ config: { registration: "open", access: "members" } });
  world = await openWorld(ctx);
  const headers = await world.callers["ada read"]?.();
  const answer = await world.call("GET", "/api/v1/packages/left/1.0.0", { headers: headers ?? {} });
  digest = String(parseObject(await answer.text())["digest"]).slice("sha256:".length);
});
afterAll(async () => {
  await world.stop();
  await ctx.close();
});

/**
 * What a stranger gets: the same as everybody; 404 word for word as for a name that is not there; a refusal that tells
 * nothing of what there is; a way to sign in.
 */
type Kind = "open" | "hidden" | "refused" | "sign-in";

/** Every route that reads. `name` stands for the package, or for one that is not there. */
const CASES: Record<string, [kind: Kind, path?: string]> = {
  "/health": ["open"],
  "/openapi.json": ["open"],
  "/schema/land.json": ["open"],
  "/docs/api": ["open"],
  "/": ["open"],
  "/login": ["open"],
  "/register": ["open"],
  "/errors": ["open"],
  "/errors/:code": ["open", "/errors/internal"],
  "/assets/:file": ["hidden", "/assets/name"],
  "/favicon.ico": ["open"],
  "/dashboard": ["sign-in"],
  "/settings/": ["sign-in", "/settings"],
  "/packages": ["refused"],
  "/packages/:name": ["hidden", "/packages/name"],
  "/packages/:name/:version": ["hidden", "/packages/name/1.0.0"],
  "/api/v1/users/me": ["refused"],
  "/api/v1/users/:user/keys": ["hidden", "/api/v1/users/user/keys"],
  "/api/v1/tokens/": ["refused", "/api/v1/tokens"],
  "/api/v1/keys/": ["refused", "/api/v1/keys"],
  "/api/v1/invites/": ["refused", "/api/v1/invites"],
  "/api/v1/packages": ["refused"],
  "/api/v1/packages/:name": ["hidden", "/api/v1/packages/name"],
  "/api/v1/packages/:name/:version": ["hidden", "/api/v1/packages/name/1.0.0"],
  "/api/v1/index/:name": ["hidden", "/api/v1/index/name"],
  "/api/v1/packages/:name/download": ["hidden", "/api/v1/packages/name/download"],
  "/api/v1/packages/:name/:version/download": ["hidden", "/api/v1/packages/name/1.0.0/download"],
  "/api/v1/blobs/sha256/:hex": ["hidden", "/api/v1/blobs/sha256/hex"],
  "/api/v1/packages/:name/dependents": ["hidden", "/api/v1/packages/name/dependents"],
  "/api/v1/packages/:name/downloads": ["hidden", "/api/v1/packages/name/downloads"],
  "/api/v1/packages/:name/tags/": ["hidden", "/api/v1/packages/name/tags"],
  "/api/v1/packages/:name/tags/:tag": ["hidden", "/api/v1/packages/name/tags/latest"],
  "/api/v1/packages/:name/owners/": ["hidden", "/api/v1/packages/name/owners"],
  "/api/v1/packages/:name/owners/:user": ["hidden", "/api/v1/packages/name/owners/ada"],
};

test("every route that reads has a case, here or among those of sites", () => {
  const reading = world.routes.filter(({ method }) => method === "GET");
  const cases = [...Object.keys(CASES), ...Object.keys(SITE_READS), ENTER];
  expect(reading.map(({ path }) => path).toSorted()).toEqual(cases.toSorted());
});

const there = (path: string): string =>
  path.replace("name", "left").replace("/user/", "/ada/").replace(/hex$/, digest);
const absent = (path: string): string =>
  path.replace("name", "none").replace("/user/", "/eve/").replace(/hex$/, "0".repeat(64));

/** An answer without what differs from request to request, its names made one. */
async function see(who: string, path: string, method = "GET"): Promise<Record<string, unknown>> {
  const headers = await world.callers[who]?.();
  const answer = await world.call(method, path, { headers: headers ?? {} });
  const text = (await answer.text()).replace(/"requestId":"[^"]*"/, "");
  return {
    status: answer.status,
    location: answer.headers.get("location"),
    cache: answer.headers.get("cache-control"),
    etag: answer.headers.get("etag"),
    text: text
      .replaceAll(digest, "hex")
      .replace(/left|none|eve|0{64}/g, (word) =>
        word === "eve" ? "ada" : word.startsWith("0") ? "hex" : "name",
      ),
  };
}

const STRANGERS = ["nobody", "ada site:left"];
test.each(Object.entries(CASES))("%s", async (pattern, [kind, path = pattern]) => {
  for (const who of STRANGERS) {
    const seen = await see(who, there(path));
    const status = Number(seen["status"]);
    if (kind === "hidden") {
      expect([who, seen]).toEqual([who, await see(who, absent(path))]);
      expect([who, status]).toEqual([who, 404]);
      expect((await see(who, there(path), "HEAD"))["status"]).toBe(404);
    }
    if (kind === "refused") expect([who, [200, 401, 403].includes(status)]).toEqual([who, true]);
    if (kind === "refused" && who === "nobody") expect(status).toBe(401);
    if (kind === "sign-in" && who === "nobody") expect(status).toBe(303);
    expect(String(seen["text"]).includes("sha256:hex")).toBe(false);
  }
  if (kind === "open") return;
  for (const who of ["ada read", "ada session"]) {
    const { status, cache } = await see(who, there(path));
    if (status === 200)
      expect([who, cache]).toEqual([who, expect.stringMatching(/private|no-store/)]);
    if (kind === "hidden" && path !== "/assets/name") expect([who, status]).toEqual([who, 200]);
  }
});
