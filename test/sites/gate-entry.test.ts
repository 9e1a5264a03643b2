import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { sql } from "drizzle-orm";

import type { Peer } from "#http/peer.ts";
import { makeEntry } from "#sites/gate/gate-entry.ts";
import { gateAnswer } from "#sites/gate/gate.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

import { cookieOf, gated } from "./gated.ts";

const DAY_MS = 86_400_000;
const PEER: Peer = { address: () => "192.0.2.1", secure: true };

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

let ctx: TestCtx;
let root: Person;
let ada: Person;
let bob: Person;
beforeEach(async () => {
  ctx = await testCtx({
    config: {
      registration: "open",
      publicUrl: "https://land.example.com",
      sitesDomain: "pages.example",
    },
  });
  root = await signUp(ctx, "root");
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
  for (const name of ["blog", "shop"]) {
    await createSite(ctx, ada.actor, { name });
    await updateSite(ctx, ada.actor, name, { protection: "members" });
  }
});
afterEach(() => ctx.close());

/** Asks a site by an address, with the method and headers given. */
async function ask(
  address: string,
  { site = "blog", method = "GET", ...headers }: Record<string, string> = {},
): Promise<Response | undefined> {
  const request = new Request(address, {
    method,
    headers: { host: new URL(address).host, ...headers },
  });
  return gateAnswer(ctx, await gated(ctx, site), request, PEER);
}

const BLOG = "https://blog.pages.example";

test("a visitor goes to the dashboard, and comes back to where they wanted", async () => {
  const first = await ask(`${BLOG}/a?b=c`);
  expect([first?.status, first?.headers.get("cache-control")]).toEqual([302, "no-store"]);
  const there = new URL(first?.headers.get("location") ?? "");
  expect(`${there.origin}${there.pathname}`).toBe("https://land.example.com/sites/blog/enter");
  expect(there.searchParams.get("to")).toBe(`${BLOG}/a?b=c`);
  const entry = await makeEntry(ctx, bob.actor, "blog", there.searchParams.get("to") ?? "");
  expect(entry).toMatch(
    /^https:\/\/blog\.pages\.example\/\.land\/enter\?ticket=[\w-]+\.[\w-]{43}$/,
  );
  const back = await ask(entry);
  expect([back?.status, back?.headers.get("location")]).toEqual([303, "/a?b=c"]);
  expect(back?.headers.get("referrer-policy")).toBe("no-referrer");
  expect(back?.headers.get("set-cookie")).toMatch(/^__Host-land-pass=.*; Max-Age=86400; Secure$/);
  expect(await ask(`${BLOG}/a?b=c`, { cookie: cookieOf(back) })).toBeUndefined();
});

test("a pass by account ends after a day, and with the protection", async () => {
  const cookie = cookieOf(await ask(await makeEntry(ctx, bob.actor, "blog", BLOG)));
  expect(await ask(BLOG, { cookie })).toBeUndefined();
  expect((await ask("https://shop.pages.example/", { site: "shop", cookie }))?.status).toBe(302);
  ctx.pass(DAY_MS);
  expect((await ask(BLOG, { cookie }))?.status).toBe(302);
  const fresh = cookieOf(await ask(await makeEntry(ctx, bob.actor, "blog", BLOG)));
  await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  await updateSite(ctx, ada.actor, "blog", { protection: "members" });
  expect((await ask(BLOG, { cookie: fresh }))?.status).toBe(302);
});

test("a ticket opens once, within a minute, at its host and site", async () => {
  const entry = await makeEntry(ctx, bob.actor, "blog", `${BLOG}/a`);
  const ticket = new URL(entry).search;
  const elsewhere = [
    [`https://shop.pages.example/.land/enter${ticket}`, "shop"],
    [`https://abcdefghij--blog.pages.example/.land/enter${ticket}`, "blog"],
    [`https://other.example/.land/enter${ticket}`, "blog"],
  ];
  for (const [address = "", site = ""] of elsewhere) {
    const answer = await ask(address, { site });
    expect([address, answer?.status, answer?.headers.get("set-cookie")]).toEqual([
      address,
      302,
      null,
    ]);
  }
  // A preview that only asks for the head does not use it up.
  expect((await ask(entry, { method: "HEAD" }))?.headers.get("set-cookie")).toBeNull();
  const first = await ask(entry);
  expect(first?.status).toBe(303);
  const again = await ask(entry);
  expect([again?.status, again?.headers.get("set-cookie")]).toEqual([302, null]);
  expect(again?.headers.get("location")).toEndWith(encodeURIComponent(`${BLOG}/a`));
  expect((await ask(entry, { cookie: cookieOf(first) }))?.headers.get("location")).toBe("/a");
  const late = await makeEntry(ctx, bob.actor, "blog", BLOG);
  ctx.pass(60_000);
  expect((await ask(late))?.status).toBe(302);
});

test("a ticket is nobody's to make or change", async () => {
  const entry = await makeEntry(ctx, bob.actor, "blog", BLOG);
  const [text = "", mac = ""] = (new URL(entry).searchParams.get("ticket") ?? "").split(".");
  const fields: unknown[] = JSON.parse(Buffer.from(text, "base64url").toString());
  const changed = Buffer.from(JSON.stringify([fields[0], fields[1], fields[2], "//evil.example"]));
  for (const ticket of [
    `${changed.toString("base64url")}.${mac}`,
    `${text}.`,
    text,
    `${text}.${mac}.`,
    `.${mac}`,
    "x.y",
    "%00",
  ]) {
    const answer = await ask(`${BLOG}/.land/enter?ticket=${ticket}`);
    expect([ticket, answer?.status, answer?.headers.get("set-cookie")]).toEqual([
      ticket,
      302,
      null,
    ]);
    expect(answer?.headers.get("location")).toEndWith(encodeURIComponent(`${BLOG}/`));
  }
});

test("an entry leads to addresses of that site alone", async () => {
  await addDomain("blog", "blog.example.org", "verified");
  await addDomain("blog", "old.example.org", "failing");
  await addDomain("blog", "new.example.org", "pending");
  await addDomain("shop", "shop.example.org", "verified");
  const hostAt = async (to: string) => new URL(await makeEntry(ctx, bob.actor, "blog", to)).origin;
  for (const host of [
    "blog.pages.example",
    "abcdefghij--blog.pages.example",
    "blog.example.org",
    "old.example.org",
  ])
    expect(await hostAt(`https://${host}/x`)).toBe(`https://${host}`);
  // Another port of this machine may be somebody else's.
  expect(await hostAt("http://blog.pages.example:8080/x")).toBe(BLOG);
  expect(await hostAt("https://BLOG.pages.example./x")).toBe(BLOG);
  for (const to of [
    "https://shop.pages.example/",
    "https://shop.example.org/",
    "https://new.example.org/",
    "https://abcdefghij--shop.pages.example/",
    "https://abc--blog.pages.example/",
    "https://x.blog.pages.example/",
    "https://blog.pages.example.evil.example/",
    "https://blog.pages.example@evil.example/",
    "https://evil.example/https://blog.pages.example/",
    "https://evil.example\\@blog.pages.example/",
    "https://ada:x@blog.pages.example/",
    "https://land.example.com/",
    "https://localhost/",
    "https://127.0.0.1/",
    "//blog.pages.example/",
    "/",
    "",
    "javascript://blog.pages.example/%0aalert(1)",
    "ftp://blog.pages.example/",
    "https://%00blog.pages.example/",
  ])
    expect([to, await codeOf(() => makeEntry(ctx, bob.actor, "blog", to))]).toEqual([
      to,
      "invalid_input",
    ]);
});

test("line breaks and double slashes in the address wanted come to nothing", async () => {
  const injected = await makeEntry(ctx, bob.actor, "blog", `${BLOG}/a\r\nset-cookie: x=1`);
  expect(injected).not.toMatch(/[\r\n]/);
  expect((await ask(injected))?.headers.get("location")).toBe("/aset-cookie:%20x=1");
  for (const path of [
    "//evil.example",
    "/..//evil.example",
    "/\\evil.example",
    "/.land/enter?ticket=x",
  ]) {
    const entry = await makeEntry(ctx, bob.actor, "blog", `${BLOG}${path}`);
    expect((await ask(entry))?.headers.get("location")).toBe("/");
  }
});

test("entering needs an account with its whole scope, and a site that is there", async () => {
  expect(await codeOf(() => makeEntry(ctx, undefined, "blog", BLOG))).toBe("unauthenticated");
  for (const scope of ["deploy:blog", "site:blog", "read"])
    expect(
      await codeOf(async () =>
        makeEntry(ctx, (await makeToken(ctx, ada, scope)).actor, "blog", BLOG),
      ),
    ).toBe("scope_missing");
  for (const name of ["none", "../x", ""])
    expect(await codeOf(() => makeEntry(ctx, ada.actor, name, BLOG))).toBe("site_not_found");
});

test("a password is spared the members of the site, and nobody else", async () => {
  await updateSite(ctx, ada.actor, "blog", { password: "open sesame" });
  expect(await makeEntry(ctx, bob.actor, "blog", `${BLOG}/a`)).toBe(`${BLOG}/a`);
  for (const who of [ada, root]) {
    const entry = await makeEntry(ctx, who.actor, "blog", `${BLOG}/a`);
    expect((await ask(entry))?.headers.get("location")).toBe("/a");
  }
  await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  expect(await makeEntry(ctx, ada.actor, "blog", `${BLOG}/a`)).toBe(`${BLOG}/a`);
});

test("a site without protection on a server of members asks for an account", async () => {
  await updateSite(ctx, ada.actor, "blog", { protection: "none" });
  expect(await ask(BLOG)).toBeUndefined();
  ctx = Object.assign(ctx, { config: { ...ctx.config, access: "members" } });
  expect((await ask(BLOG))?.status).toBe(302);
});

test("programs and forms are not sent around", async () => {
  for (const headers of [
    { method: "POST" },
    { accept: "application/json" },
    { method: "DELETE" },
  ]) {
    const answer = await ask(`${BLOG}/x`, headers);
    expect([answer?.status, answer?.headers.get("location")]).toEqual([401, null]);
    expect(await answer?.json()).toMatchObject({ code: "site_protected" });
  }
});

async function addDomain(site: string, host: string, state: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`INSERT INTO domains (host, site_id, user_id, proof, state, created_at) SELECT ${host}, id, created_by, '', ${state}, 0 FROM sites WHERE name = ${site}`,
    );
  });
}
