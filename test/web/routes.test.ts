import { afterEach, beforeEach, expect, test } from "bun:test";

import type { ServerConfig } from "#base/config.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { PASSWORD, signUp } from "#test/support/people.ts";
import { CONTENT_SECURITY_POLICY, styleAsset } from "#web/assets.ts";
import { unknownHostPage } from "#web/unknown-host.tsx";

import { HOME, say, visit, type Visitor } from "./visitor.ts";

let ctx: TestCtx;
beforeEach(() => start({ registration: "open" }));
afterEach(() => ctx.close());

async function start(config: Partial<ServerConfig>): Promise<void> {
  ctx = await testCtx({ config });
}

async function registered(): Promise<Visitor> {
  const browser = visit(ctx);
  const fields = { username: "ada", email: "ada@example.com", password: PASSWORD };
  await browser.send(await browser.get("/register"), "/register", fields);
  return browser;
}

test("register, see the dashboard, sign out, sign in again", async () => {
  const browser = visit(ctx);
  const fields = { username: "ada", email: "ada@example.com", password: PASSWORD };
  const made = await browser.send(await browser.get("/register"), "/register", fields);
  expect(made.status).toBe(303);
  expect(made.headers.get("location")).toBe("/dashboard?done=welcome");
  const dashboard = await browser.get("/dashboard?done=welcome");
  expect(dashboard.status).toBe(200);
  expect(dashboard.headers.get("cache-control")).toBe("no-store");
  expect(say(dashboard)).toContain("You own no packages yet");
  expect(say(dashboard)).toContain("Your account is made");

  const out = await browser.send(dashboard, "/logout", {});
  expect(out.headers.get("location")).toBe("/?done=signed-out");
  expect((await browser.get("/dashboard")).headers.get("location")).toBe("/login?next=/dashboard");

  const login = await browser.get("/login?next=/settings");
  const back = await browser.send(login, "/login", { username: "ada", password: PASSWORD });
  expect(back.headers.get("location")).toBe("/settings");
  expect(say(await browser.get("/settings"))).toContain("ada@example.com");
});

test("a form that cannot be taken comes back with what was typed and what is wrong", async () => {
  await signUp(ctx, "ada");
  const browser = visit(ctx);
  const fields = { username: "ada", email: "nobody", password: "x" };
  const back = await browser.send(await browser.get("/register"), "/register", fields);
  expect(back.status).toBe(422);
  expect(back.document.querySelector("#username")?.getAttribute("value")).toBe("ada");
  expect(back.document.querySelector("#email")?.getAttribute("value")).toBe("nobody");
  expect(back.document.querySelector("#password")?.hasAttribute("value")).toBe(false);
  expect(back.document.querySelector(".field .problem")?.textContent).toContain("Cannot accept");

  const wrong = await browser.send(await browser.get("/login"), "/login", {
    username: "ada",
    password: "wrong",
  });
  expect(wrong.status).toBe(422);
  expect(wrong.headers.has("www-authenticate")).toBe(false);
  expect(wrong.document.querySelector("[role=alert]")?.textContent).toContain("Cannot sign in");
  expect(browser.cookies.has("land_session")).toBe(false);
});

test("a taken name and a missing invitation stand at their fields", async () => {
  await signUp(ctx, "ada");
  const browser = visit(ctx);
  const fields = { username: "ada", email: "new@example.com", password: PASSWORD };
  const taken = await browser.send(await browser.get("/register"), "/register", fields);
  expect(taken.status).toBe(409);
  expect(taken.document.querySelector("#username-problem")?.textContent).toContain("is taken");
  await ctx.close();
  await start({ registration: "invite" });
  const second = visit(ctx);
  const asked = await second.send(await second.get("/register"), "/register", {
    ...fields,
    code: "wrong",
  });
  expect(asked.document.querySelector("#code-problem")?.textContent).toContain("invitation code");
  await ctx.close();
  await start({ registration: "closed" });
  expect(say(await visit(ctx).get("/register"))).toContain("Registration is closed");
});

test("every form refuses another website's, a foreign token and none at all", async () => {
  const browser = await registered();
  const page = await browser.get("/settings");
  const fields = { name: "ci", scopes: "publish", expiresInDays: "30" };
  const action = "/settings/tokens";
  for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }])
    expect((await browser.send(page, action, fields, headers)).status).toBe(403);
  for (const token of [
    "",
    "x",
    (await visit(ctx).get("/login")).document
      .querySelector("[name=_csrf]")
      ?.getAttribute("value") ?? "",
  ]) {
    for (const field of page.document.querySelectorAll("[name=_csrf]"))
      field.setAttribute("value", token);
    const refused = await browser.send(page, action, fields);
    expect(refused.status).toBe(403);
    expect(say(refused)).toContain("Form expired");
  }
  const stranger = visit(ctx);
  const login = await stranger.get("/login");
  stranger.cookies.clear();
  expect(
    (await stranger.send(login, "/login", { username: "ada", password: PASSWORD })).status,
  ).toBe(403);
});

test("a token is shown once, listed, and revoked", async () => {
  const browser = await registered();
  const settings = await browser.get("/settings");
  const made = await browser.send(settings, "/settings/tokens", {
    name: "ci",
    scopes: "publish",
    narrow: "publish:@ada/*",
    expiresInDays: "30",
  });
  expect(made.status).toBe(200);
  expect(made.headers.get("cache-control")).toBe("no-store");
  const secret = made.document.querySelector(".secret code")?.textContent ?? "";
  expect(secret).toMatch(/^land_[0-9A-Za-z]{49}$/);
  const after = await browser.get("/settings");
  expect(after.text).not.toContain(secret);
  expect(say(after)).toContain("publish:@ada/*");
  const action =
    after.document.querySelector('form[action$="/revoke"]')?.getAttribute("action") ?? "";
  const gone = await browser.send(after, action, {});
  expect(gone.headers.get("location")).toBe("/settings?done=token-revoked");
  expect(say(await browser.get("/settings?done=token-revoked"))).toContain("No tokens");
});

test.each([
  [{ name: "", scopes: "read", expiresInDays: "" }, "#name-problem"],
  [{ name: "x", expiresInDays: "" }, "#scopes-problem"],
  [{ name: "x", narrow: "root", expiresInDays: "" }, "#narrow-problem"],
])("a token form %j comes back with the problem at %s", async (fields, place) => {
  const browser = await registered();
  const back = await browser.send(await browser.get("/settings"), "/settings/tokens", fields);
  expect(back.status).toBe(422);
  expect(back.document.querySelector(place)?.textContent).toContain("Cannot accept");
});

test("an admin makes invitations; others do not see them", async () => {
  const first = await registered();
  const made = await first.send(await first.get("/settings"), "/settings/invites", {
    note: "for Grace",
  });
  expect(made.document.querySelector(".secret code")?.textContent).toMatch(/\S{8,}/);
  const action =
    made.document.querySelector('form[action^="/settings/invites/"]')?.getAttribute("action") ?? "";
  expect((await first.send(made, action, {})).headers.get("location")).toBe(
    "/settings?done=invite-revoked",
  );

  const second = visit(ctx);
  const fields = { username: "grace", email: "grace@example.com", password: PASSWORD };
  await second.send(await second.get("/register"), "/register", fields);
  expect(say(await second.get("/settings"))).not.toContain("Invitations");
});

test.each([
  "//evil.example",
  "/\\evil.example",
  "https://evil.example",
  "javascript:alert(1)",
  "/a\nb",
])("signing in never leads to %j", async (next) => {
  await signUp(ctx, "ada");
  const browser = visit(ctx);
  const page = await browser.get(`/login?next=${encodeURIComponent(next)}`);
  const hidden = page.document.querySelector("[name=next]");
  expect(hidden?.getAttribute("value")).toBe("/dashboard");
  hidden?.setAttribute("value", next);
  const done = await browser.send(page, "/login", { username: "ada", password: PASSWORD });
  expect(done.headers.get("location")).toBe("/dashboard");
});

test("every page carries the policy; visitors get no cookie before a form", async () => {
  const browser = visit(ctx);
  for (const path of [
    "/",
    "/packages",
    "/packages?q=x",
    "/errors",
    "/errors/version_exists",
    "/none",
    "/packages/none",
  ]) {
    const page = await browser.get(path);
    expect(page.headers.get("content-security-policy")).toBe(CONTENT_SECURITY_POLICY);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(page.headers.getSetCookie()).toEqual([]);
  }
  const login = await browser.get("/login");
  expect(login.headers.getSetCookie().length).toBe(1);
});

test("errors are pages for browsers and problems for programs", async () => {
  const browser = visit(ctx);
  const page = await browser.get("/packages/none");
  expect(page.status).toBe(404);
  expect(say(page)).toContain('Cannot find package "none" in this registry');
  const problem = await browser.get("/packages/none", { accept: "application/json" });
  expect(JSON.parse(problem.text)).toMatchObject({ code: "package_not_found", status: 404 });
  const bad = await browser.get("/packages", { authorization: "Bearer nonsense" });
  expect(bad.status).toBe(401);
  expect(say(bad)).toContain("Not signed in");
});

test("on a server for members visitors see no packages", async () => {
  await ctx.close();
  await start({ registration: "open", access: "members" });
  const browser = visit(ctx);
  expect(say(await browser.get("/"))).toContain("The packages here are for members");
  expect((await browser.get("/packages")).status).toBe(401);
});

test("assets and the icon are served", async () => {
  const browser = visit(ctx);
  const style = await browser.get(styleAsset.url);
  expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
  expect((await browser.get("/favicon.ico")).headers.get("content-type")).toBe("image/svg+xml");
  expect((await browser.get("/assets/none.css")).status).toBe(404);
});

test("a host that is not ours gets a page that loads nothing", async () => {
  const request = new Request(HOME, { headers: { accept: "text/html" } });
  const answer = unknownHostPage('"><script>', request);
  const text = await answer.text();
  expect(answer.status).toBe(404);
  expect(text).not.toContain("<script>");
  expect(text).not.toContain("/assets/");
  expect(text).not.toContain(ctx.publicUrl());
  const json = unknownHostPage("other.example", new Request(HOME));
  expect(json.headers.get("content-type")).toBe("application/problem+json");
});
