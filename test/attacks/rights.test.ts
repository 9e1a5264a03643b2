import { afterAll, beforeAll, expect, test } from "bun:test";

import { formOf } from "#test/registry/api.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";

import { openWorld, type World } from "./callers.ts";
import { type Case, form, json, SITE_WRITES } from "./site-cases.ts";

let ctx: TestCtx;
let world: World;
beforeAll(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  world = await openWorld(ctx);
});
afterAll(async () => {
  await world.stop();
  await ctx.close();
});

const ACCOUNT = [
  "bob account",
  "root account",
  "ada account",
  "dev account",
  "vic account",
  "ada session",
];
const OWNER = ["ada account", "ada session"];
const PUBLISHER = [...OWNER, "ada publish", "ada publish:left"];

/** Every route that changes something. What it is asked to change is such that nothing does. */
const CASES: Record<string, Case> = {
  "POST /api/v1/users/register": { path: "/api/v1/users/register", send: json({}), may: "anyone" },
  "POST /api/v1/users/login": { path: "/api/v1/users/login", send: json({}), may: "anyone" },
  "POST /login": { path: "/login", send: form({}), may: [] },
  "POST /register": { path: "/register", send: form({}), may: [] },
  "POST /api/v1/tokens/": {
    path: "/api/v1/tokens",
    send: json({ name: "x", scopes: ["read"] }),
    may: ACCOUNT,
  },
  "DELETE /api/v1/tokens/:id": { path: "/api/v1/tokens/0000", may: ACCOUNT },
  "POST /api/v1/keys/": { path: "/api/v1/keys", send: json({ key: "x" }), may: ACCOUNT },
  "DELETE /api/v1/keys/:key": { path: "/api/v1/keys/x", may: ACCOUNT },
  "POST /api/v1/invites/": {
    path: "/api/v1/invites",
    send: json({}),
    may: ["root account", "root admin"],
  },
  "DELETE /api/v1/invites/:id": { path: "/api/v1/invites/x", may: ["root account", "root admin"] },
  // Both only read, and ask as much at once as a GET does one by one.
  "POST /api/v1/index": { path: "/api/v1/index", send: json({ packages: {} }), may: "anyone" },
  "POST /api/v1/archives": { path: "/api/v1/archives", send: json({ digests: [] }), may: "anyone" },
  "POST /api/v1/packages": {
    path: "/api/v1/packages",
    send: () => ({ body: formOf({ name: "left", version: "1.0.0" }) }),
    may: PUBLISHER,
  },
  "DELETE /api/v1/packages/:name/:version": {
    path: "/api/v1/packages/left/9.9.9",
    may: [...OWNER, "ada yank"],
  },
  "PUT /api/v1/packages/:name/:version/unyank": {
    path: "/api/v1/packages/left/1.0.0/unyank",
    may: [...OWNER, "ada yank"],
  },
  "PUT /api/v1/packages/:name/deprecation": {
    path: "/api/v1/packages/left/deprecation",
    send: json({ range: "*", message: "" }),
    may: PUBLISHER,
  },
  "PUT /api/v1/packages/:name/tags/:tag": {
    path: "/api/v1/packages/left/tags/next",
    send: json({ version: "1.0.0" }),
    may: PUBLISHER,
  },
  "DELETE /api/v1/packages/:name/tags/:tag": {
    path: "/api/v1/packages/left/tags/none",
    may: PUBLISHER,
  },
  "PUT /api/v1/packages/:name/owners/:user": {
    path: "/api/v1/packages/left/owners/nobody",
    may: OWNER,
  },
  "DELETE /api/v1/packages/:name/owners/:user": {
    path: "/api/v1/packages/left/owners/nobody",
    may: OWNER,
  },
  "POST /settings/tokens": {
    path: "/settings/tokens",
    send: form({ name: "x", scopes: "read" }),
    may: ACCOUNT,
  },
  "POST /settings/tokens/:id/revoke": {
    path: "/settings/tokens/0000/revoke",
    send: form({}),
    may: ACCOUNT,
  },
  "POST /settings/keys/revoke": {
    path: "/settings/keys/revoke",
    send: form({ key: "x" }),
    may: ACCOUNT,
  },
  "POST /settings/invites": {
    path: "/settings/invites",
    send: form({}),
    may: ["root account"],
  },
  "POST /settings/invites/:id/revoke": {
    path: "/settings/invites/x/revoke",
    send: form({}),
    may: ["root account", "root admin"],
  },
  ...SITE_WRITES,
};
/** Ends what the request came with: everybody may, with the proofs of a session where it is one. */
const ENDS = { "POST /api/v1/users/logout": 401, "POST /logout": 303 };

test("every route that changes something has a case", () => {
  const changing = world.routes.filter(({ method }) => method !== "GET");
  const keys = changing.map(({ method, path }) => `${method} ${path}`);
  expect(keys.toSorted()).toEqual([...Object.keys(CASES), ...Object.keys(ENDS)].toSorted());
});

/** A site of others is not there, and its name is taken. */
const refused = (status: number, text: string): boolean =>
  status === 401 || status === 403 || /"code":"site_(?:not_found|taken)"/.test(text);

test.each(Object.entries(CASES))(
  "missing authz / IDOR: %s lets in whom it should",
  async (key, one) => {
    const { path, send, may, ends } = one;
    const [method = ""] = key.split(" ", 1);
    const wrong: string[] = [];
    for (const [who, identify] of Object.entries(world.callers)) {
      if (ends) await world.restore();
      const { type, body } = send?.() ?? {};
      const answer = await world.call(method, path, {
        headers: { ...(await identify()), ...(type && { "content-type": type }) },
        ...(body !== undefined && { body }),
      });
      const text = await answer.text();
      const known = !who.startsWith("a token that is none") && !who.endsWith(", revoked");
      const allowed = may === "anyone" ? known : may.includes(who);
      if (answer.status >= 500 || refused(answer.status, text) === allowed)
        wrong.push(`${who}: ${answer.status}`);
    }
    await world.restore();
    expect(wrong).toEqual([]);
  },
  60_000,
);

test.each(Object.entries(ENDS))("%s ends a session with its proofs alone", async (key, nobody) => {
  const [method = "", path = ""] = key.split(" ");
  const statuses: Record<string, number> = {};
  for (const [who, identify] of Object.entries(world.callers)) {
    const headers = { ...(await identify()), "content-type": "application/x-www-form-urlencoded" };
    statuses[who] = (await world.call(method, path, { headers, body: "" })).status;
  }
  for (const [who, status] of Object.entries(statuses))
    if (who.startsWith("ada session, ")) expect([who, status]).toEqual([who, 403]);
  expect(statuses["ada session"]).toBeLessThan(400);
  expect(statuses["nobody"]).toBe(nobody);
});

test("nothing of all that changed the package", async () => {
  const answer = await world.call("GET", "/api/v1/packages/left", { headers: {} });
  expect(await answer.json()).toMatchObject({
    owners: ["ada"],
    tags: { latest: "1.0.0", next: "1.0.0" },
    versions: [{ version: "1.0.0", yanked: false, deprecated: null }],
  });
});

test("nothing of all that changed the site of somebody else", async () => {
  const headers = (await world.callers["bob account"]?.()) ?? {};
  const answer = await world.call("GET", "/api/v1/sites/shop", { headers });
  expect(await answer.json()).toMatchObject({ live: { id: world.deploys.shop }, domains: [] });
});
