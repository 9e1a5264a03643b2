import { afterAll, beforeAll, expect, test } from "bun:test";

import { type Actor } from "#accounts/actor.ts";
import { grants, mayRead, requireAdmin, requireRead, requireScope } from "#accounts/guard.ts";
import { parseUserName } from "#base/names.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf } from "#test/support/people.ts";

/** Needed scope → what is enough for it besides `account`. */
const ENOUGH: Record<string, string[]> = {
  account: [],
  read: [
    "read",
    "publish",
    "publish:left",
    "publish:@ada/*",
    "publish:@ada/greet",
    "yank",
    "deploy",
    "admin",
  ],
  publish: ["publish"],
  "publish:left": ["publish", "publish:left"],
  "publish:left2": ["publish"],
  "publish:@ada/greet": ["publish", "publish:@ada/*", "publish:@ada/greet"],
  "publish:@ada/other": ["publish", "publish:@ada/*"],
  "publish:@adam/greet": ["publish"],
  yank: ["yank"],
  "deploy:blog": ["deploy", "deploy:blog", "site:blog"],
  "deploy:blog2": ["deploy"],
  "site:blog": ["site:blog"],
  "stats:blog": ["stats:blog", "site:blog"],
  "stats:other": [],
  admin: ["admin"],
};
const HELD = [
  "read",
  "publish",
  "publish:left",
  "publish:@ada/*",
  "publish:@ada/greet",
  "yank",
  "deploy",
  "deploy:blog",
  "site:blog",
  "stats:blog",
  "admin",
];

let ctx: TestCtx;
let members: TestCtx;
beforeAll(async () => {
  ctx = await testCtx();
  members = await testCtx({ config: { access: "members" } });
});
afterAll(async () => {
  await ctx.close();
  await members.close();
});

test.each(Object.entries(ENOUGH))(
  "%s is granted by exactly the scopes that mean it",
  (needed, enough) => {
    expect(HELD.filter((held) => grants(held, needed))).toEqual(
      HELD.filter((held) => enough.includes(held)),
    );
    expect(grants("account", needed)).toBe(true);
  },
);

test("a token acts within its scopes, a session within the account", async () => {
  expect(await codeOf(() => requireScope(undefined, "publish", "publish:left"))).toBe(
    "unauthenticated",
  );
  expect(await codeOf(() => requireScope(holding("read"), "publish", "publish:left"))).toBe(
    "scope_missing",
  );
  expect(
    await codeOf(() => requireScope(holding("yank", "publish:left"), "publish", "publish:left")),
  ).toBe("done");
  expect(await codeOf(() => requireScope(holding(), "list", "read"))).toBe("scope_missing");
  expect(await codeOf(() => requireScope(browsing(), "publish", "publish:left"))).toBe("done");
});

test("admin acts need both an admin's account and a scope", async () => {
  expect(await codeOf(() => requireAdmin(holding("account"), "x"))).toBe("forbidden");
  expect(await codeOf(() => requireAdmin(holding("admin"), "x"))).toBe("forbidden");
  expect(await codeOf(() => requireAdmin(browsing(), "x"))).toBe("forbidden");
  expect(await codeOf(() => requireAdmin(admin(holding("publish")), "x"))).toBe("scope_missing");
  expect(await codeOf(() => requireAdmin(admin(holding("admin")), "x"))).toBe("done");
  expect(await codeOf(() => requireAdmin(admin(holding("account")), "x"))).toBe("done");
  expect(await codeOf(() => requireAdmin(admin(browsing()), "x"))).toBe("done");
});

test("a public server is read by everyone, one of members by tokens that read", async () => {
  expect([undefined, holding("stats:blog")].map((actor) => mayRead(ctx, actor))).toEqual([
    true,
    true,
  ]);
  const readers = [
    undefined,
    holding("stats:blog"),
    holding("deploy:blog"),
    holding("read"),
    holding("publish:left"),
    browsing(),
  ];
  expect(readers.map((actor) => mayRead(members, actor))).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
  expect(await codeOf(() => requireRead(members, undefined, "search"))).toBe("unauthenticated");
  expect(await codeOf(() => requireRead(members, holding("stats:blog"), "search"))).toBe(
    "scope_missing",
  );
  expect(await codeOf(() => requireRead(ctx, undefined, "search"))).toBe("done");
});

function holding(...scopes: string[]): Actor {
  const via = { kind: "token" as const, id: "t", name: "t", scopes, expiresAt: null };
  return { userId: 1, name: parseUserName("ada"), isAdmin: false, via };
}

function browsing(): Actor {
  return { ...holding(), via: { kind: "session", hash: "h" } };
}

function admin(actor: Actor): Actor {
  return { ...actor, isAdmin: true };
}
