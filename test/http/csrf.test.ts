import { afterAll, beforeAll, expect, test } from "bun:test";

import { checkForm, formToken } from "#http/csrf.ts";
import { ownOrigins } from "#http/origin.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf } from "#test/support/people.ts";

let ctx: TestCtx;
beforeAll(async () => {
  ctx = await testCtx();
});
afterAll(() => ctx.close());

const LOCAL = "http://127.0.0.1:5263";
const PUBLIC = "https://land.example.com";

test.each([
  [LOCAL, "127.0.0.1:5263", [LOCAL]],
  [LOCAL, "localhost:5263", [LOCAL, "http://localhost:5263"]],
  [LOCAL, "[::1]:5263", [LOCAL, "http://[::1]:5263"]],
  [LOCAL, "LOCALHOST:5263", [LOCAL, "http://localhost:5263"]],
  [LOCAL, "192.168.1.5:5263", [LOCAL, "http://192.168.1.5:5263"]],
  [LOCAL, "blog.localhost:5263", [LOCAL]],
  [LOCAL, "rebound.evil.example:5263", [LOCAL]],
  [LOCAL, "localhost:5263, evil.example", [LOCAL]],
  [LOCAL, "localhost@evil.example", [LOCAL]],
  [LOCAL, "localhost/evil", [LOCAL]],
  [PUBLIC, "land.example.com", [PUBLIC]],
  [PUBLIC, "land.example.com:8080", [PUBLIC]],
  [PUBLIC, "localhost:5263", [PUBLIC, "http://localhost:5263"]],
  [PUBLIC, "blog.land.example.com", [PUBLIC]],
])("with the address %s and the Host %s a page of ours may be of %j", (address, host, origins) => {
  const request = new Request("http://127.0.0.1:5263/", { headers: { host } });
  expect(ownOrigins({ ...ctx, publicUrl: () => address }, request)).toEqual(origins);
});

test("a form's token belongs to the cookie that came with the page", async () => {
  const first = formToken(ctx, visit());
  expect(first.setCookie).toMatch(/^land_form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  const cookie = first.setCookie?.split(";", 1)[0] ?? "";
  expect(formToken(ctx, visit({ cookie }))).toEqual({ token: first.token });
  const other = formToken(ctx, visit());
  const table: [Record<string, string>, string | undefined, string][] = [
    [{ cookie, origin: LOCAL }, first.token, "done"],
    [{ cookie, origin: LOCAL }, other.token, "csrf_failed"],
    [{ cookie, origin: LOCAL }, "", "csrf_failed"],
    [{ cookie, origin: LOCAL }, undefined, "csrf_failed"],
    [{ origin: LOCAL }, first.token, "csrf_failed"],
    [{ cookie: "land_form=short", origin: LOCAL }, first.token, "csrf_failed"],
    [{ cookie }, first.token, "csrf_failed"],
    [{ cookie, origin: "http://evil.example" }, first.token, "csrf_failed"],
    [{ cookie, origin: "null" }, first.token, "csrf_failed"],
  ];
  for (const [headers, token, code] of table)
    expect(await codeOf(() => checkForm(ctx, visit(headers), token))).toBe(code);
});

test("another server's token is worth nothing here", async () => {
  const cookie = `land_form=${"a".repeat(43)}`;
  const elsewhere = { ...ctx, secret: new Uint8Array(32) };
  const { token } = formToken(elsewhere, visit({ cookie }));
  expect(await codeOf(() => checkForm(ctx, visit({ cookie, origin: LOCAL }), token))).toBe(
    "csrf_failed",
  );
});

test("on https the cookie is Secure and __Host-", () => {
  const request = new Request("http://land.example.com/login");
  const { setCookie } = formToken({ ...ctx, publicUrl: () => PUBLIC }, request);
  expect(setCookie).toMatch(/^__Host-land_form=.*; Secure$/);
});

function visit(headers: Record<string, string> = {}): Request {
  return new Request(`${LOCAL}/login`, { headers: { host: "127.0.0.1:5263", ...headers } });
}
