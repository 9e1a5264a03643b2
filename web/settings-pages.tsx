import { Value } from "@sinclair/typebox/value";
import { Elysia } from "elysia";

import type { Actor } from "#accounts/actor.ts";
import { identifyWriter, requireAccountScope } from "#accounts/guard.ts";
import { createInvite, listInvites, revokeInvite } from "#accounts/invites.ts";
import { listKeys, revokeKey } from "#accounts/keys.ts";
import { TokenBody } from "#accounts/model.ts";
import { createToken, listTokens, revokeToken } from "#accounts/tokens.ts";
import { readAccount, toUser } from "#accounts/users.ts";
import { fail, type LandError } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import { ofTheForm, statusOf } from "./account-pages.tsx";
import { answerPage, type Form, readForm, readVisit, redirect } from "./frame.ts";
import { SettingsPage, type SettingsProps, type TokenForm } from "./settings.tsx";
import type { FormProblems } from "./ui.tsx";

const ALL = { limit: 100, cursor: undefined };
type More = Partial<Pick<SettingsProps, "newToken" | "tokenForm" | "newInvite">>;

/** `/settings` and its forms. */
export function settingsPages(ctx: Ctx) {
  const none = { parse: "none" } as const;
  return new Elysia({ name: "web.settings", prefix: "/settings" })
    .get("/", ({ request }) => showSettings(ctx, request, {}))
    .post("/tokens", ({ request }) => takeToken(ctx, request), none)
    .post(
      "/tokens/:id/revoke",
      ({ request, params }) =>
        act(ctx, request, "token-revoked", (actor) => revokeToken(ctx, actor, params.id)),
      none,
    )
    .post(
      "/keys/revoke",
      ({ request }) =>
        act(ctx, request, "key-revoked", (actor, form) => revokeKey(ctx, actor, form.text("key"))),
      none,
    )
    .post("/invites", ({ request }) => takeInvite(ctx, request), none)
    .post(
      "/invites/:id/revoke",
      ({ request, params }) =>
        act(ctx, request, "invite-revoked", (actor) => revokeInvite(ctx, actor, params.id)),
      none,
    );
}

/** Does what a button asks for and shows the settings again. */
async function act(
  ctx: Ctx,
  request: Request,
  done: string,
  verb: (actor: Actor, form: Form) => Promise<void>,
): Promise<Response> {
  const form = await readForm(request);
  await verb(await identifyWriter(ctx, request, form.csrf), form);
  return redirect(`/settings?done=${done}`);
}

async function showSettings(
  ctx: Ctx,
  request: Request,
  more: More,
  error?: LandError,
): Promise<Response> {
  const { frame, actor } = await readVisit(ctx, request);
  if (!actor) return redirect("/login?next=/settings");
  const [account, tokens, keys, invites] = await Promise.all([
    readAccount(ctx, actor.userId),
    listTokens(ctx, actor, ALL),
    listKeys(ctx, actor, ALL),
    actor.isAdmin ? listInvites(ctx, actor, ALL) : undefined,
  ]);
  const props = {
    frame,
    user: toUser(account),
    tokens: tokens.items,
    keys: keys.items,
    invites: invites?.items,
  };
  return answerPage(SettingsPage({ ...props, ...more }), { ...statusOf(error), isSecret: true });
}

/** Makes a token and shows its secret on this answer alone. */
async function takeToken(ctx: Ctx, request: Request): Promise<Response> {
  const form = await readForm(request);
  const actor = await identifyWriter(ctx, request, form.csrf);
  const values = {
    name: form.text("name").trim(),
    scopes: form.all("scopes"),
    narrow: form.text("narrow").trim(),
    expiresInDays: form.text("expiresInDays"),
  };
  try {
    const newToken = await createToken(ctx, actor, toBody(values));
    return await showSettings(ctx, request, { newToken });
  } catch (thrown) {
    const error = ofTheForm(thrown);
    return showSettings(
      ctx,
      request,
      { tokenForm: { values, problems: problemsOf(error) } },
      error,
    );
  }
}

async function takeInvite(ctx: Ctx, request: Request): Promise<Response> {
  const form = await readForm(request);
  const actor = await identifyWriter(ctx, request, form.csrf);
  // Who cannot see the answer must not make a code: it is shown this once.
  requireAccountScope(actor, "see the settings");
  const newInvite = await createInvite(ctx, actor, { note: form.text("note").slice(0, 128) });
  return showSettings(ctx, request, { newInvite });
}

/** The body of the API's call that these fields mean. @throws invalid_input */
function toBody({ name, scopes, narrow, expiresInDays }: TokenForm["values"]): TokenBody {
  const all = [...new Set([...scopes, ...narrow.split(/\s+/)])].filter((scope) => scope !== "");
  const body = {
    name,
    scopes: all,
    ...(expiresInDays !== "" && { expiresInDays: Number(expiresInDays) }),
  };
  if (Value.Check(TokenBody, body)) return body;
  const [, field = "name", index] = Value.Errors(TokenBody, body).First()?.path.split("/") ?? [];
  if (field === "name") throw fail("invalid_input", { field, problem: "use 1 to 64 characters" });
  if (field === "expiresInDays")
    throw fail("invalid_input", { field, problem: "use 1 to 3650 days" });
  if (all.length === 0)
    throw fail("invalid_input", { field: "scopes", problem: "choose at least one" });
  const wrong = all[Number(index)] ?? "";
  throw fail("invalid_input", {
    field: scopes.includes(wrong) ? "scopes" : "narrow",
    problem: `"${wrong}" is no scope`,
  });
}

function problemsOf(error: LandError): FormProblems {
  const field = error.data?.["field"];
  return typeof field === "string"
    ? { fields: { [field]: error.message } }
    : { problem: error.message };
}
