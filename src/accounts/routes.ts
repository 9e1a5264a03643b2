import { Elysia } from "elysia";

import { fail } from "#base/errors.ts";
import { parseJsonBody } from "#http/json.ts";
import { pageOf, PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { identify } from "./actor.ts";
import { identifyWriter, mayRead, requireActor } from "./guard.ts";
import { createInvite, listInvites, revokeInvite } from "./invites.ts";
import { addKey, listKeys, listKeysOf, revokeKey } from "./keys.ts";
import { login } from "./login.ts";
import {
  Invite,
  InviteBody,
  LoginBody,
  Me,
  NewInvite,
  NewToken,
  RegisterBody,
  SignedIn,
  SigningKey,
  SigningKeyBody,
  TokenBody,
  TokenInfo,
} from "./model.ts";
import { register } from "./register.ts";
import { endSession } from "./session.ts";
import { createToken, listTokens, revokeToken } from "./tokens.ts";
import { readAccount, toUser } from "./users.ts";

/** The account API, to be mounted under /api/v1. No answer of it may be kept by a cache. */
export function accountRoutes(ctx: Ctx) {
  return new Elysia({ name: "accounts" })
    .onBeforeHandle({ as: "scoped" }, ({ set }) => {
      set.headers["cache-control"] = "no-store";
    })
    .use(userRoutes(ctx))
    .use(tokenRoutes(ctx))
    .use(keyRoutes(ctx))
    .use(inviteRoutes(ctx));
}

function userRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/users" })
    .post(
      "/register",
      async ({ body, request, status }) => status(201, await register(ctx, body, doorOf(request))),
      {
        parse: parseJsonBody,
        body: RegisterBody,
        response: { 201: SignedIn },
        detail: { summary: "Make an account" },
      },
    )
    .post("/login", ({ body, request }) => login(ctx, body, doorOf(request)), {
      parse: parseJsonBody,
      body: LoginBody,
      response: { 200: SignedIn },
      detail: { summary: "Sign in" },
    })
    .post("/logout", ({ request }) => logout(ctx, request), {
      parse: "none",
      detail: { summary: "End the token or session that came with the request" },
    })
    .get(
      "/me",
      async ({ request }) => {
        const { userId, via } = requireActor(await identify(ctx, request));
        const user = toUser(await readAccount(ctx, userId));
        const token = via.kind === "token" ? { name: via.name, scopes: [...via.scopes] } : null;
        return { user, token };
      },
      { response: { 200: Me }, detail: { summary: "Tell who sends the request" } },
    )
    .get(
      "/:user/keys",
      async ({ request, params, query }) => {
        if (!mayRead(ctx, await identify(ctx, request)))
          throw fail("not_found", { what: "this address" });
        return listKeysOf(ctx, params.user, parsePage(query));
      },
      {
        query: PageQuery,
        response: { 200: pageOf(SigningKey) },
        detail: { summary: "List the signing keys of a user" },
      },
    );
}

function tokenRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/tokens" })
    .get(
      "/",
      async ({ request, query }) => listTokens(ctx, await identify(ctx, request), parsePage(query)),
      {
        query: PageQuery,
        response: { 200: pageOf(TokenInfo) },
        detail: { summary: "List your tokens" },
      },
    )
    .post(
      "/",
      async ({ request, body, status }) =>
        status(201, await createToken(ctx, await identifyWriter(ctx, request), body)),
      {
        parse: parseJsonBody,
        body: TokenBody,
        response: { 201: NewToken },
        detail: {
          summary: "Make a token",
          description:
            "Its secret is shown this once. Never more scopes or a longer life than the one that makes it.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ request, params }) => {
        await revokeToken(ctx, await identifyWriter(ctx, request), params.id);
        return noContent();
      },
      { parse: "none", detail: { summary: "Revoke a token" } },
    );
}

function keyRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/keys" })
    .get(
      "/",
      async ({ request, query }) => listKeys(ctx, await identify(ctx, request), parsePage(query)),
      {
        query: PageQuery,
        response: { 200: pageOf(SigningKey) },
        detail: { summary: "List your signing keys" },
      },
    )
    .post(
      "/",
      async ({ request, body, status }) =>
        status(201, await addKey(ctx, await identifyWriter(ctx, request), body)),
      {
        parse: parseJsonBody,
        body: SigningKeyBody,
        response: { 201: SigningKey },
        detail: { summary: "Register a signing key" },
      },
    )
    .delete(
      "/:key",
      async ({ request, params }) => {
        await revokeKey(ctx, await identifyWriter(ctx, request), params.key);
        return noContent();
      },
      { parse: "none", detail: { summary: "Revoke a signing key" } },
    );
}

function inviteRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/invites" })
    .get(
      "/",
      async ({ request, query }) =>
        listInvites(ctx, await identify(ctx, request), parsePage(query)),
      {
        query: PageQuery,
        response: { 200: pageOf(Invite) },
        detail: { summary: "List invitations", description: "Admins only." },
      },
    )
    .post(
      "/",
      async ({ request, body, status }) =>
        status(201, await createInvite(ctx, await identifyWriter(ctx, request), body)),
      {
        parse: parseJsonBody,
        body: InviteBody,
        response: { 201: NewInvite },
        detail: {
          summary: "Make an invitation",
          description: "Admins only. Its code is shown this once.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ request, params }) => {
        await revokeInvite(ctx, await identifyWriter(ctx, request), params.id);
        return noContent();
      },
      { parse: "none", detail: { summary: "Revoke an invitation" } },
    );
}

/** Ends what the request came with: its token or its session. */
async function logout(ctx: Ctx, request: Request): Promise<Response> {
  const actor = await identifyWriter(ctx, request);
  if (actor.via.kind === "token") {
    await revokeToken(ctx, actor, actor.via.id);
    return noContent();
  }
  const { cookie } = await endSession(ctx, request);
  return noContent({ "set-cookie": cookie });
}

function doorOf(request: Request): { userAgent: string | null } {
  return { userAgent: request.headers.get("user-agent") };
}

function noContent(headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 204, headers: { "cache-control": "no-store", ...headers } });
}
