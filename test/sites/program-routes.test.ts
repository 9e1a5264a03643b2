import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { claimsOf, problemOfRoute } from "#sites/rules/program-routes.ts";

const CASES: [route: string, claimed: string[], free: string[]][] = [
  ["/", ["/", "//"], ["/x"]],
  ["/*", ["/", "/x", "/a/b/", "/%00", "/a%2Fb"], []],
  ["/api/*", ["/api", "/api/", "/api/x", "/api//x/y", "//api/x", "/%61pi/x"], ["/apis", "/x/api"]],
  ["/login", ["/login", "/login/", "/log%69n"], ["/Login", "/login/x", "/logi"]],
  ["/login/", ["/login", "/login/"], ["/login/x"]],
  ["/img-*", ["/img-", "/img-1", "/img-1/x"], ["/img", "/a/img-1"]],
  ["/users/*/edit", ["/users/ada/edit", "/users/%2F/edit"], ["/users/edit", "/users/a/b/edit"]],
  ["/caf\u00e9", ["/caf%C3%A9", "/cafe%CC%81", "/caf\u00e9"], ["/cafe"]],
  ["/a%20b", ["/a%20b", "/a b"], ["/ab"]],
];

test.each(CASES)("%s", (route, claimed, free) => {
  expect(problemOfRoute(route)).toBeUndefined();
  const claims = claimsOf([route]);
  expect(claimed.filter((path) => !claims(path))).toEqual([]);
  expect(free.filter(claims)).toEqual([]);
});

test.each([
  "",
  "api",
  "*",
  "/a*b",
  "/a*/b",
  "/**",
  "/a//b",
  "/a?x",
  "/a#x",
  "/../a",
  "/%2e%2e/a",
  "/a\\b",
  "/%zz",
  "/a\u0000",
  `/${"a".repeat(200)}`,
])("%p is no route", (route) => expect(problemOfRoute(route)).toBeString());

test("sites without routes share one matcher", () => {
  expect(claimsOf([])).toBe(claimsOf([]));
  expect(claimsOf([])("/")).toBe(false);
});

const segment = fc.stringMatching(/^[a-c]{1,2}$/);
const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const route = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: 3 }),
    fc.constantFrom("", "/*", "/a*"),
  )
  .map(([parts, end]) => (parts.length === 0 ? end || "/" : `/${parts.join("/")}${end}`));

/** What a pattern means, as a RegExp: fine here, where nobody hostile writes it. */
function meaningOf(pattern: string): RegExp {
  const open = pattern.endsWith("*");
  const bare = open ? pattern.slice(0, -1) : pattern.replace(/\/$/, "");
  const body = bare.replaceAll("*", "[^/]+");
  if (!open) return new RegExp(`^${body}/?$`);
  return bare.endsWith("/")
    ? new RegExp(`^${body.slice(0, -1)}(?:/.*)?$`)
    : new RegExp(`^${body}.*$`);
}

test("a matcher claims what its patterns mean, in any spelling", () => {
  fc.assert(
    fc.property(fc.array(route, { maxLength: 4 }), path, fc.boolean(), (routes, asked, slash) => {
      expect(routes.map(problemOfRoute)).toEqual(routes.map(() => undefined));
      const sent = slash ? `${asked}/` : asked;
      const wanted = routes.some((one) => meaningOf(one).test(asked));
      const claims = claimsOf(routes);
      const encoded = sent.replaceAll("a", "%61").replaceAll("/", "//");
      expect([claims(sent), claims(encoded)]).toEqual([wanted, wanted]);
    }),
  );
});

test("whatever is sent and asked, nothing throws and it takes no time", () => {
  const routes = Array.from({ length: 100 }, (_, at) => `/${"*/".repeat(90)}${at}`);
  const claims = claimsOf(routes);
  const startedAt = performance.now();
  for (let round = 0; round < 20; round += 1) claims(`/${"a/".repeat(8000)}`);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, asked) => {
      problemOfRoute(`/${one}`);
      claimsOf([`/${one}`])(`/${asked}`);
    }),
  );
});
